# Everything a newcomer needs: `make demo` and `make test`. Nothing is installed by hand.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo-world
SBOM := build/sbom.cdx.json

.PHONY: demo serve test interpreters live conformance attack network soak bench bench-full bench-check fuzz lint sbom clean

demo: $(VENV)/installed
	@$(BIN)/python -m ksz_childbenefits.demo

serve: $(VENV)/installed $(DEMO)/config.toml
	$(BIN)/ksz-childbenefits serve --config $(DEMO)/config.toml

test: $(VENV)/dev-installed
	$(BIN)/pytest -q -n 3 --dist worksteal -m "not live"

# The same but the long ones that do not depend on it, on each newer Python that is installed; also those
# that pyenv keeps out of PATH.
interpreters: $(VENV)/dev-installed
	PATH="$$PATH:$(subst $() ,:,$(wildcard $(HOME)/.pyenv/versions/3.1[23].*/bin))" $(BIN)/tox run

# Whole services whose database goes, whose disk is full, whose keys are renewed, that are killed: some minutes.
live: $(VENV)/dev-installed
	$(BIN)/pytest -q -n 2 --dist worksteal -m live

lint: $(VENV)/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy bench
	$(BIN)/python deploy/dependencies.py sbom $(SBOM)
	$(BIN)/python deploy/dependencies.py audit

# What the service needs to run, as it is installed here (CycloneDX).
sbom: $(VENV)/dev-installed
	$(BIN)/python deploy/dependencies.py sbom $(SBOM)

conformance: $(VENV)/installed
	@$(BIN)/python -m ksz_childbenefits.demo conformance

# The hostile cases against URL with the CREDENTIALS; without URL against a demo that it starts and stops.
attack: $(VENV)/installed
	@$(if $(URL),$(BIN)/ksz-childbenefits conformance attack --url $(URL) --credentials $(CREDENTIALS),\
	    $(BIN)/python -m ksz_childbenefits.demo attack)

# Gateway, four operators and PostgreSQL as separate processes; the server comes from Debian where it may.
network: $(VENV)/installed
	@deploy/postgresql-server
	@$(BIN)/python -m ksz_childbenefits.demo network

# What takes longer than a test may: hours of memory and disk; results are kept in bench/results/.
soak: $(VENV)/dev-installed
	@deploy/postgresql-server
	@failed=0; for script in imports routing network operators faults audit differential; do \
	    $(BIN)/python bench/soak/$$script.py || failed=1; done; exit $$failed

# Cost and throughput beside the peers' and our floor, in some eight minutes; results in bench/results/.
bench: $(VENV)/bench-installed
	@deploy/postgresql-server
	@$(BIN)/python bench/speed/bench.py

# What a request costs in a register of 10 million, and a million requests: hours, and 20 GB of disk.
bench-full: $(VENV)/bench-installed
	@deploy/postgresql-server
	@failed=0; for script in full_persons full_requests; do \
	    $(BIN)/python bench/speed/$$script.py || failed=1; done; exit $$failed

# Whether a request has become dearer, in process, than in the result that is kept.
bench-check: $(VENV)/installed
	@$(BIN)/python bench/speed/check.py

# Coverage-guided fuzzing for SECONDS; what it learns and finds is kept in bench/fuzz/ and bench/results/.
SECONDS ?= 600
fuzz: $(VENV)/fuzz-installed
	@$(BIN)/python bench/fuzz/fuzz.py --seconds $(SECONDS)

clean:
	rm -rf $(VENV) .tox $(DEMO) build dist *.egg-info

$(DEMO)/config.toml: | $(VENV)/installed
	$(BIN)/ksz-childbenefits demo init $(DEMO)

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev-installed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/bench-installed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

$(VENV)/fuzz-installed: $(VENV)/dev-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,fuzz]'
	@touch $@
