"""``route`` on the demo's child of Brussels that moved to Namur on 2019-06-01."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command

MOVED = "12031590217"
CANCELLED = "17110393916"


def headings(output: str) -> dict[str, str]:
    """Each source with what is decided about it."""
    lines = (line.split(maxsplit=1) for line in output.splitlines()[1:] if line[:1].isupper())
    return {line[0]: line[1].strip() for line in lines}


def test_from_2024_the_archive_and_the_regions_operator(command: Command, demo: Path) -> None:
    result = command(
        "route",
        MOVED,
        "--from",
        "2018-01",
        "--to",
        "2024-12",
        "--on",
        "2024-01-01",
        "--config",
        demo,
    )
    assert result.exit_code == 0
    # DOMAIN 1: last federal month 2019-05 in Brussels, so Iriscare; windows cut the ranges.
    assert headings(result.stdout) == {
        "FEDERAL": "2018-01..2019-12 at Iriscare",
        "BRUSSELS": "not consulted: MSG00021",
        "FLANDERS": "not consulted: MSG00021",
        "WALLONIA": "2019-01..2024-12 at AVIQ",
        "EASTBELGIUM": "not consulted: MSG00021",
    }
    shown = " ".join(result.stdout.split())
    assert "(DOMAIN 1, archive named by the line)" in shown
    assert "(DOMAIN 2, route: competent by domicile)" in shown


def test_before_2024_orint_holds_both(command: Command, demo: Path) -> None:
    result = command(
        "route",
        MOVED,
        "--from",
        "2018-01",
        "--to",
        "2024-12",
        "--on",
        "2023-12-31",
        "--config",
        demo,
    )
    found = headings(result.stdout)
    assert found["FEDERAL"] == "2018-01..2019-12 at ORINT"
    assert found["WALLONIA"] == "2019-01..2024-12 at ORINT"


def test_without_an_end_the_months_reach_to_the_consultation_day(
    command: Command, demo: Path
) -> None:
    result = command("route", MOVED, "--from", "2021-03", "--on", "2022-08-31", "--config", demo)
    assert result.stdout.startswith("Months asked 2021-03..2022-08, consultation day 2022-08-31")
    assert "FEDERAL      not consulted" in result.stdout
    assert "(DOMAIN 1, window of the source)" in result.stdout


@pytest.mark.parametrize(
    ("ssin", "code"),
    [
        ("12031590218", "MSG00011"),
        ("nobody", "MSG00011"),
        ("85073003328", "MSG00005"),
        ("11230094261", "is replaced by 11030994635: MSG00006"),
        (CANCELLED, "MSG00007"),
    ],
)
def test_a_number_that_is_not_routed(command: Command, demo: Path, ssin: str, code: str) -> None:
    result = command("route", ssin, "--from", "2021-01", "--config", demo)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.rstrip().endswith(code)


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "2021-1"),
        ("--from", "2021-02", "--to", "2021-01"),
        ("--from", "2021-01", "--to", "x"),
        ("--from", "2021-01", "--on", "1-1-2021"),
        ("--from", "2021-01", "--on", "1800-01-01"),
    ],
)
def test_what_makes_no_sense_is_explained(
    command: Command, demo: Path, options: tuple[str, ...]
) -> None:
    result = command("route", MOVED, *options, "--config", demo)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_a_missing_database_is_not_created(command: Command, demo: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(demo.read_text())
    result = command("route", MOVED, "--from", "2021-01", "--config", config)
    assert result.exit_code == 2
    assert "there is no database" in result.stderr
    assert list(tmp_path.iterdir()) == [config]


def test_an_empty_database_is_refused(command: Command, demo: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(demo.read_text())
    (tmp_path / "registers.sqlite").touch()
    result = command("route", MOVED, "--from", "2021-01", "--config", config)
    assert result.exit_code == 2
    assert "schema" in result.stderr
