"""The bill of materials, and the audit of what is in it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools.config.setupcfg import read_configuration

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "deploy" / "dependencies.py"

spec = importlib.util.spec_from_file_location("dependencies", SCRIPT)
assert spec is not None
assert spec.loader is not None
dependencies: Any = importlib.util.module_from_spec(spec)
sys.modules["dependencies"] = dependencies
spec.loader.exec_module(dependencies)

TODAY = date(2026, 11, 23)
GHSA = "GHSA-aaaa-bbbb-cccc"
FOUND = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1", GHSA], "fix_versions": ["6.0.1", "7"]}
BAD = {"name": "lxml", "version": "6.0.0", "vulns": [FOUND]}
GOOD = {"name": "zeep", "version": "4.3.1", "vulns": []}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True)


def accepted(until: date, vulnerability: str = GHSA, package: str = "lxml") -> Any:
    return dependencies.Accepted(vulnerability, package, "not reachable", "A and B", until)


def judged(*packages: object, exceptions: tuple[Any, ...] = ()) -> list[str]:
    return list(dependencies.judge({"dependencies": packages}, exceptions, TODAY))


def test_what_is_known_is_told_with_its_names_and_its_mend() -> None:
    assert judged(GOOD) == []
    known = f"lxml 6.0.0: PYSEC-2026-1 = CVE-2026-1 = {GHSA}, mended in 6.0.1, 7"
    assert judged(GOOD, BAD) == [known]
    unmended = {**BAD, "vulns": [{**FOUND, "fix_versions": []}]}
    assert judged(unmended)[0].endswith("mended in no version yet")


def test_an_exception_holds_to_its_day_and_for_its_package() -> None:
    assert judged(BAD, exceptions=(accepted(TODAY),)) == []
    (told,) = judged(BAD, exceptions=(accepted(date(2026, 11, 22)),))
    assert told.endswith("; it was accepted until 2026-11-22 only")
    other = judged(BAD, exceptions=(accepted(TODAY, package="zeep"),))
    assert len(other) == 2


def test_an_exception_that_is_needed_no_more_is_to_go() -> None:
    (told,) = judged(GOOD, exceptions=(accepted(TODAY),))
    assert told == f"{GHSA} of lxml is accepted but not there any more: take it out"


def test_what_could_not_be_looked_up_is_no_pass() -> None:
    skipped = {"name": "lxml", "skip_reason": "Dependency not found on PyPI"}
    assert judged(skipped) == ["lxml could not be looked up: Dependency not found on PyPI"]


ENTRY = """
[[accepted]]
id = "{id}"
package = "lxml"
reason = "{reason}"
reviewed_by = "A and B"
until = {until}
"""


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace('reviewed_by = "A and B"', ""),
        ENTRY.replace("until = {until}", ""),
        ENTRY.replace("{until}", '"2027-01-01"'),
        ENTRY.replace("{reason}", ""),
        ENTRY + 'forever = "yes"\n',
    ],
)
def test_an_exception_without_reason_reviewers_or_day_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "accepted.toml"
    file.write_text(text.format(id=GHSA, reason="harmless", until="2027-01-01"))
    with pytest.raises(SystemExit):
        dependencies.read_accepted(file)


def test_the_list_that_we_ship_can_be_read() -> None:
    today = date.today()
    assert all(entry.until >= today for entry in dependencies.read_accepted(dependencies.ACCEPTED))


class Advisories(BaseHTTPRequestHandler):
    """Knows, as osv.dev would tell it, one vulnerability of one package in any version."""

    package = ""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]
        affected = {
            "package": asked,
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
        advisory = {"id": "PYSEC-2026-1", "aliases": [GHSA], "affected": [affected]}
        known = {"vulns": [advisory]} if asked["name"] == self.package else {}
        content = json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def advisories(package: str) -> Iterator[str]:
    handler = type("Known", (Advisories,), {"package": package})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.once
def test_a_known_vulnerability_of_what_is_shipped_fails_the_audit(tmp_path: Path) -> None:
    """And one of a tool fails nothing."""
    with advisories("pytest") as url:
        done = run("audit", "--osv-url", url)
        assert (done.returncode, "nothing is known against" in done.stdout) == (0, True)
    with advisories("lxml") as url:
        done = run("audit", "--osv-url", url)
        assert done.returncode == 1
        assert f"PYSEC-2026-1 = {GHSA}, mended in 99" in done.stdout
        exception = tmp_path / "accepted.toml"
        exception.write_text(ENTRY.format(id=GHSA, reason="harmless", until="2999-01-01"))
        assert run("audit", "--osv-url", url, "--accepted", str(exception)).returncode == 0


@pytest.mark.once
def test_an_audit_that_cannot_be_done_says_so_and_fails_nothing() -> None:
    done = run("audit", "--osv-url", "http://127.0.0.1:9/v1/query")
    assert done.returncode == 0
    assert done.stdout.startswith("WARNING: THE DEPENDENCY AUDIT WAS NOT DONE")


@pytest.mark.once
def test_the_bill_of_materials_is_what_is_shipped(tmp_path: Path) -> None:
    file = tmp_path / "new" / "sbom.json"
    assert run("sbom", str(file)).returncode == 0
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) is None
    sbom = json.loads(file.read_text())
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["component"]["name"] == "ksz-childbenefits"
    named = {canonicalize_name(part["name"]): part for part in sbom["components"]}
    assert named.keys() == dependencies.shipped().keys()
    for part in named.values():
        assert part["purl"].startswith("pkg:pypi/")
        assert part["version"]
        assert part["licenses"]
    required = read_configuration(ROOT / "setup.cfg")["options"]["install_requires"]
    wanted = [Requirement(line) for line in required]
    assert {
        canonicalize_name(r.name) for r in wanted if r.marker is None or r.marker.evaluate()
    } <= named.keys()
    assert "psycopg-binary" in named
    assert not {"pytest", "mypy", "ruff", "pip-audit"} & named.keys()
    known = {entry["ref"] for entry in sbom["dependencies"]}
    assert all(set(entry["dependsOn"]) <= known for entry in sbom["dependencies"])
