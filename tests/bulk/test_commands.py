"""The commands of bulk: killed and resumed for real, exit codes, exports (issue 3)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.registers.database import open_database
from tests.bulk.files import recorded, rejected, rejections_of, stored, written
from tests.cli.conftest import Command, command
from tests.registers.numbers import ssin

pytestmark = pytest.mark.once

__all__ = ["command"]

LINES = [
    f"{ssin(f'1{n % 10}0{1 + n // 10 % 9}{1 + n // 90 % 28:02d}{1 + n // 2520:03d}')},WALLONIA,,"
    "7,104,0,CHILD_BENEFIT,,2020-01-01," if n % 50 else "nonsense"
    for n in range(1500)
]  # fmt: skip

# As the command does it, in batches of a few lines, each of which takes its time.
PROGRAM = """
import sys, time
from ksz_childbenefits.bulk import intake
intake.run_import.__kwdefaults__["batch_bytes"] = 2000
advance = intake.progress.advance
def slowly(*arguments):
    advance(*arguments)
    time.sleep(0.01)
intake.progress.advance = slowly
from ksz_childbenefits.cli.app import main
main()
"""


@pytest.fixture
def config(demo: Path, tmp_path: Path, migrated: Path) -> Path:
    """The demo's configuration over an empty database of this test."""
    shutil.copytree(demo.parent, tmp_path / "demo", ignore=shutil.ignore_patterns("*.sqlite*"))
    shutil.copy(migrated, tmp_path / "demo" / "registers.sqlite")
    return tmp_path / "demo" / "config.toml"


@pytest.fixture
def own(config: Path) -> Engine:
    return open_database(f"sqlite:///{config.parent / 'registers.sqlite'}")


def reached(config: Path) -> int:
    """How many lines the import has read."""
    with sqlite3.connect(config.parent / "registers.sqlite") as connection:
        found = connection.execute("SELECT lines FROM imports").fetchone()
    return found[0] if found else 0


def test_killed_and_resumed(config: Path, own: Engine, tmp_path: Path, command: Command) -> None:
    path = written(tmp_path / "lines.csv.gz", *LINES)
    arguments = ["repertory", "import", str(path), "--config", str(config)]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])
    while reached(config) < 400:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 400 < reached(config) < len(LINES)
    result = command(*arguments)
    assert result.exit_code == 1
    assert "Imported 1,470 lines, rejected 30" in result.output
    assert "before" not in result.output
    assert str(rejections_of(path)) in result.output
    good = [line for line in LINES if line != "nonsense"]
    assert [row[0] for row in stored(own)] == [line[:11] for line in good]
    assert rejected(path) == [
        (number, "WRONG_FIELDS") for number, line in enumerate(LINES, 2) if line == "nonsense"
    ]
    state = (stored(own), recorded(own), rejections_of(path).read_bytes())
    result = command(*arguments)
    assert result.exit_code == 1
    assert "imported before and is not read again" in result.output
    assert "Imported 1,470 lines, rejected 30" in result.output
    assert (stored(own), recorded(own), rejections_of(path).read_bytes()) == state


def test_stopped_by_the_user(config: Path, own: Engine, tmp_path: Path, command: Command) -> None:
    path = written(tmp_path / "lines.csv", *LINES)
    arguments = ["repertory", "import", str(path), "--config", str(config)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True
    )
    while reached(config) < 300:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "The same command goes on" in output
    assert "Imported 1,470 lines" in command(*arguments).output
    assert len(stored(own)) == 1470


def test_export_import_export_is_equal(
    demo: Path, config: Path, own: Engine, tmp_path: Path, command: Command
) -> None:
    first, second = tmp_path / "persons.csv", tmp_path / "again.csv"
    command("persons", "export", first, "--config", demo)
    result = command("persons", "import", first, "--config", config)
    assert result.exit_code == 0, result.output
    command("persons", "export", second, "--config", config)
    assert first.read_bytes() == second.read_bytes()
    # Lines of customers are refused where these are not registered; all others go round.
    lines = tmp_path / "lines.csv"
    command("repertory", "export", lines, "--config", demo)
    assert command("repertory", "import", lines, "--config", config).exit_code == 1
    assert {rule for _, rule in rejected(lines)} == {"UNKNOWN_CUSTOMER", "OVERLAP"}
    refused = {number for number, _ in rejected(lines)}
    command("repertory", "export", second, "--config", config)
    kept = [t for n, t in enumerate(lines.read_text().splitlines(), 1) if n not in refused]
    assert second.read_text().splitlines() == kept


def test_split(config: Path, demo: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "orint.jsonl"
    command("cadastre", "export", path, "--operator", "orint", "--config", demo)
    result = command("cadastre", "import", path, "--operator", "orint", "--config", config)
    assert result.exit_code == 0, result.output
    # Where the children lived tells the archive: without that nothing is guessed.
    result = command("cadastre", "split", "--config", config)
    assert result.exit_code == 2
    assert "`persons import` comes first" in result.stderr
    people = tmp_path / "persons.csv"
    command("persons", "export", people, "--config", demo)
    command("persons", "import", people, "--config", config)
    result = command("cadastre", "split", "--config", config)
    assert result.exit_code == 0
    assert "Proved" in result.output
    with sqlite3.connect(config.parent / "registers.sqlite") as connection:
        connection.execute("DELETE FROM regional_repertory WHERE carried_from IS NOT NULL")
        connection.execute("UPDATE cadastre_files SET file_number = 'X' WHERE carried_from = 1")
    result = command("cadastre", "split", "--config", config)
    assert result.exit_code == 1
    assert "The proof fails: the split lost 1 of" in result.output
