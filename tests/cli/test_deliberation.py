"""``deliberation``: what it writes into the register and shows, and when that counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from ksz_childbenefits.client import connect
from ksz_childbenefits.client.credentials import read_credentials
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.schema import deliberations
from tests.cli.conftest import Command
from tests.conftest import copy_of, live

LARS = "15030490519"
"""Child of Ghent (demo/world/flanders-child.toml)."""


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """The demo, copied so that it can be changed."""
    return copy_of(demo, tmp_path / "demo")


@pytest.fixture
def deliberation(command: Command, config: Path) -> Callable[..., str]:
    """Run a command of the group, which must end with ``code``; gives what it wrote."""

    def run(name: str, *arguments: object, code: int = 0) -> str:
        result = command("deliberation", name, *arguments, "--config", config)
        assert result.exit_code == code, result.stderr or result.stdout
        return result.stdout if code == 0 else result.stdout + result.stderr

    return run


def held(config: Path, customer: str) -> tuple[Deliberation, ...]:
    return CustomerRegister(open_database(load_settings(config).database.url)).deliberations(
        customer
    )


def test_one_is_added_with_all_that_it_can_say(
    deliberation: Callable[..., str], config: Path
) -> None:
    shown = deliberation(
        *("add", "26/001", "--customer", "swl", "--legal-context", "B", "--legal-context", "A"),
        *("--source", "wallonia", "--source", "FEDERAL", "--months-back", 24, "--no-inscription"),
        *("--withhold", "paymentPeriods[SOCIAL]", "--withhold", "file/fileNumber"),
        *("--valid-from", "2026-01-01", "--valid-to", "2026-12-31"),
    )
    assert shown.splitlines() == [
        "added: 26/001 of swl",
        "  legal contexts  A, B",
        "  sources         FEDERAL, WALLONIA",
        "  months back     24",
        "  inscription     not demanded",
        "  withheld        file/fileNumber, paymentPeriods[SOCIAL]",
        "  valid           2026-01-01 to 2026-12-31",
    ]
    assert held(config, "swl")[-1] == Deliberation(
        "26/001",
        "swl",
        frozenset("AB"),
        frozenset({AuthenticSource.FEDERAL, AuthenticSource.WALLONIA}),
        24,
        False,
        date(2026, 1, 1),
        date(2026, 12, 31),
        frozenset({"paymentPeriods[SOCIAL]", "file/fileNumber"}),
    )


def test_one_is_added_with_as_little_as_it_must_say(
    deliberation: Callable[..., str], config: Path
) -> None:
    """All sources, no limit, an inscription demanded, nothing withheld, from today on."""
    deliberation("add", "26/001", "--customer", "swl", "--legal-context", "A")
    added = held(config, "swl")[-1]
    assert (added.sources, added.months_back) == (frozenset(AuthenticSource), None)
    assert (added.inscription_required, added.withheld) == (True, frozenset())
    today = consultation_day(datetime.now(UTC))
    assert (added.valid_from, added.valid_to) == (today, None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--withhold", "bonus"), "--withhold: unknown block of data to withhold: bonus; there"),
        (("--customer", "nobody"), "customer 'nobody' is not registered"),
        (("--valid-to", "2020-01-01"), "before it begins"),
        (("--valid-from", "yesterday"), "--valid-from yesterday"),
        (("--source", "WALONIA"), "WALONIA"),
    ],
)
def test_what_cannot_be_added(
    deliberation: Callable[..., str], config: Path, options: tuple[str, ...], text: str
) -> None:
    before = held(config, "swl")
    said = deliberation(
        "add", "26/001", "--customer", "swl", "--legal-context", "A", *options, code=2
    )
    assert text in said
    assert held(config, "swl") == before


def test_a_list_in_a_pipe_is_not_folded(
    deliberation: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody looks for with grep stands on its line whole."""
    contexts = [f"SWL:A_LEGAL_CONTEXT_WITH_A_LONG_NAME_{number}" for number in range(8)]
    given = [word for context in contexts for word in ("--legal-context", context)]
    deliberation("add", "26/001", "--customer", "swl", *given)
    for columns in ("100", "20"):
        monkeypatch.setenv("COLUMNS", columns)
        (line,) = [one for one in deliberation("list").splitlines() if "26/001" in one]
        assert ", ".join(contexts) in line
        assert line.rstrip().endswith("applies")


def test_a_list_of_nobody_is_refused(deliberation: Callable[..., str]) -> None:
    """An empty one would be believed."""
    said = deliberation("list", "--customer", "nobody", code=2)
    assert "customer 'nobody' is not registered" in said


def test_the_list_tells_which_apply(deliberation: Callable[..., str]) -> None:
    every = deliberation("list")
    assert all(number in every for number in ("DEMO-18/001", "DEMO-99/107", "DEMO-22/027"))
    of_one = deliberation("list", "--customer", "swcs")
    assert "DEMO-18/001" not in of_one
    rows = {line.split()[0]: line for line in of_one.splitlines() if " DEMO" in line}
    assert list(rows) == ["DEMO-19/012", "DEMO-22/018", "DEMO-22/027"]
    assert "applies" in rows["DEMO-19/012"]
    assert "revoked" in rows["DEMO-22/027"]


def test_one_is_shown_whole(deliberation: Callable[..., str]) -> None:
    """A number of two rows; which sources with which blocks, and where it came from."""
    shown = deliberation("show", "DEMO-22/022")
    assert shown.count("DEMO-22/022 of orint") == 2
    assert "sources         FEDERAL, WALLONIA\n" in shown
    assert "withheld        file/entitledPersonSsin, bonuses\n" in shown
    assert re.search(r"recorded        [0-9T:-]+Z, demo world\n", shown)
    assert "state           applies\n" in shown
    revoked = deliberation("show", "DEMO-22/027", "--customer", "swcs")
    reason = "Withdrawn by the Information Security Committee"
    assert f"state           revoked on 2023-05-02T08:00:00Z: {reason}\n" in revoked
    assert "no deliberation" in deliberation("show", "DEMO-0", code=2)


def test_what_is_older_than_version_0004_says_so(
    deliberation: Callable[..., str], config: Path
) -> None:
    with writing(open_database(load_settings(config).database.url)) as connection:
        connection.execute(update(deliberations).values(origin=None, recorded_at=None))
    assert "recorded        before this was kept\n" in deliberation("show", "DEMO-18/001")


def test_a_revoked_one_is_refused_by_the_next_request_at_every_worker(
    deliberation: Callable[..., str], config: Path
) -> None:
    """A service of four processes that has used it before; the reason is kept."""
    with contextmanager(live)(config, 4) as service:
        wsdl = f"{service.url}{CONSULTATION.path}?wsdl"
        vmsw = read_credentials(service.credentials / "vmsw")

        def codes(context: str, times: int) -> set[str]:
            """Of so many requests, each over a connection of its own, to any worker."""
            month = ("2024-01", "2024-01", ["FLANDERS"])
            clients = (connect(wsdl, vmsw) for _ in range(times))
            replies = (one.consult(LARS, *month, legal_context=context) for one in clients)
            return {reply.status.code for reply in replies}

        assert codes("VMSW:INCOME_CHECK", 8) == {"MSG00000"}
        deliberation("revoke", "DEMO-22/017", "--reason", "Withdrawn")
        assert codes("VMSW:INCOME_CHECK", 8) == {"MSG00013"}
        assert codes("VMSW:RENT_CALCULATION", 1) == {"MSG00000"}
    assert "Withdrawn" in deliberation("show", "DEMO-22/017")
    assert "revoked already" in deliberation("revoke", "DEMO-22/017", "--reason", "x", code=2)


FILE = """\
prepared_by = "An Peeters"
reviewed_by = "Jean Dubois"

[[deliberation]]
number = "26/001"
customer = "swl"
legal_contexts = ["SWL:STUDY"]
sources = ["WALLONIA"]
months_back = "unlimited"
inscription_required = false
withheld = ["paymentPeriods[SOCIAL]"]
valid_from = 2026-01-01

[[revocation]]
number = "DEMO-19/011"
customer = "swl"
reason = "Replaced by 26/001"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "deliberations.toml"
    path.write_text(FILE)
    return path


CHANGES = """\
revoke: DEMO-19/011 of swl
  legal contexts  SWL:SOCIAL_RENT
  sources         WALLONIA
  months back     84
  inscription     not demanded
  withheld        -
  valid           2019-01-01 on
  reason          Replaced by 26/001
add: 26/001 of swl
  legal contexts  SWL:STUDY
  sources         WALLONIA
  months back     no limit
  inscription     not demanded
  withheld        paymentPeriods[SOCIAL]
  valid           2026-01-01 on
1 revoked, 1 added, 0 unchanged
"""


def test_a_dry_run_shows_what_a_file_changes_and_changes_nothing(
    deliberation: Callable[..., str], config: Path, file: Path
) -> None:
    before = held(config, "swl")
    shown = deliberation("import", file, "--dry-run")
    assert shown.startswith(CHANGES)
    assert shown.endswith("A dry run: nothing was changed.\n")
    assert held(config, "swl") == before
    assert deliberation("import", file).startswith(CHANGES)
    revoked, added = held(config, "swl")
    assert revoked.revoked is not None
    assert added.number == "26/001"


def test_the_same_file_again_changes_nothing(
    deliberation: Callable[..., str], config: Path, file: Path
) -> None:
    deliberation("import", file)
    before = held(config, "swl")
    assert "\n0 revoked, 0 added, 1 unchanged\n" in deliberation("import", file)
    assert held(config, "swl") == before


def test_who_answers_for_a_file_is_shown_with_what_it_did(
    deliberation: Callable[..., str], file: Path
) -> None:
    deliberation("import", file)
    digest = hashlib.sha256(FILE.encode()).hexdigest()
    by = f"SHA-256 {digest}, prepared by An Peeters, reviewed by Jean Dubois\n"
    shown = deliberation("show", "26/001")
    assert re.search(r"recorded        [0-9T:-]+Z, import\n", shown)
    assert f"file            {by}" in shown
    assert f"revoked by file {by}" in deliberation("show", "DEMO-19/011")


def test_of_a_file_with_a_mistake_nothing_is_done(
    deliberation: Callable[..., str], config: Path, file: Path
) -> None:
    before = held(config, "swl")
    file.write_text(FILE.replace('customer = "swl"\nreason', 'customer = "swcs"\nreason'))
    said = deliberation("import", file, code=2)
    assert "revocation 1 (DEMO-19/011): there is no deliberation 'DEMO-19/011' of swcs" in said
    file.write_text(FILE.replace("Jean Dubois", "An Peeters"))
    assert "two people" in deliberation("import", file, code=2)
    assert held(config, "swl") == before
