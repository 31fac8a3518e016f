"""``conformance run``: counts, skips, exit codes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ksz_childbenefits.cli import conformance
from ksz_childbenefits.cli.app import app
from ksz_childbenefits.conformance.case import Case, Tag, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge, Verdict
from ksz_childbenefits.conformance.run import Tally, run
from tests.conformance.conftest import SAMPLES
from tests.conftest import LiveService

pytestmark = pytest.mark.once

CASES = load_cases(SAMPLES)
COUNT = {tag: sum(case.tag is tag for case in CASES) for tag in Tag}


def command(url: str, credentials: Path, *options: str) -> tuple[int, str]:
    arguments = ["conformance", "run", "--url", url, "--credentials", str(credentials), *options]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_all_pass_and_the_skipped_are_counted(service: LiveService) -> None:
    code, output = command(service.url, service.credentials)
    passed = COUNT[Tag.PROTOCOL] + COUNT[Tag.DEMO_WORLD]
    assert code == 0, output
    assert f"{passed} passed, 0 failed, {COUNT[Tag.IN_PROCESS]} skipped" in output
    assert f"skipped {COUNT[Tag.IN_PROCESS]}: in process" in output


def test_a_tag_chooses(service: LiveService) -> None:
    code, output = command(service.url, service.credentials, "--tag", "demo world")
    assert code == 0, output
    assert f"{COUNT[Tag.DEMO_WORLD]} passed, 0 failed" in output
    assert f'skipped {COUNT[Tag.PROTOCOL]}: not tagged "demo world"' in output


def unequal(_: Judge, case: Case) -> Verdict:
    return Verdict(["code = MSG00011"], ["code = MSG00005"])


def test_a_difference_is_shown_and_is_exit_code_1(
    service: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judge, "judge", unequal)
    code, output = command(service.url, service.credentials, "--tag", "demo world")
    assert code == 1
    assert "failed not-allowed-source" in output
    assert "-code = MSG00011" in output
    assert "+code = MSG00005" in output
    assert f"0 passed, {COUNT[Tag.DEMO_WORLD]} failed" in output


def test_ctrl_c_shows_the_counts_so_far(
    service: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: Judge, case: Case) -> Verdict:
        if case.name == CASES[2].name:
            raise KeyboardInterrupt
        return Verdict([], [])

    monkeypatch.setattr(Judge, "judge", stopped)
    code, output = command(service.url, service.credentials)
    assert code == conformance.STOPPED == 130
    assert "stopped; so far:" in output
    assert "2 passed, 0 failed" in output


@pytest.fixture
def deaf() -> Iterator[str]:
    """A port that nothing listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_mistakes_are_one_line(deaf: str, keys: KeyRing, tmp_path: Path) -> None:
    assert "cannot connect to http://127.0.0.1:" in command(deaf, keys.folder)[1]
    assert "ftp://host is not an http or https URL" in command("ftp://host", keys.folder)[1]
    assert "service.pem" in command(deaf, tmp_path)[1]
    assert command(deaf, keys.folder)[0] == 2


def test_without_the_keys_of_a_customer_its_cases_are_skipped(keys: KeyRing) -> None:
    """A customer that runs the kit has its own key alone."""
    tally = Tally()
    for result in run(
        CASES, Judge(lambda _: pytest.fail("sent"), KeyRing(Path("nowhere")), keys.service()), None
    ):
        tally.add(result)
    assert tally.passed == tally.failed == 0
    assert tally.skipped.total() == len(CASES)
    assert tally.skipped["no credentials of vmsw"] > 0
