"""``demo world``: a big world from the command line, stopped or not."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import copy_of

pytestmark = pytest.mark.once


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """A demo of this test's own."""
    return copy_of(demo, tmp_path / "demo")


def test_it_adds_persons_to_the_database(command: Command, config: Path) -> None:
    result = command("demo", "world", "--persons", 50, "--config", config, "--files", 10)
    assert result.exit_code == 0
    assert re.search(r"Ready: the database holds [0-9]+ persons", result.stdout)


def test_the_same_world_twice_is_a_mistake(command: Command, config: Path) -> None:
    command("demo", "world", "--persons", 5, "--config", config)
    result = command("demo", "world", "--persons", 5, "--config", config)
    assert result.exit_code == 2
    assert "holds such a world already" in result.stderr


def _persons(config: Path) -> int:
    with sqlite3.connect(config.parent / "registers.sqlite") as connection:
        return int(connection.execute("SELECT count(*) FROM persons").fetchone()[0])


def test_it_can_be_stopped(config: Path) -> None:
    arguments = ("demo", "world", "--persons", "2000000", "--config", str(config), "--files", "0")
    before = _persons(config)
    with subprocess.Popen(
        [sys.executable, "-m", "ksz_childbenefits.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Until the first batch is stored.
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and _persons(config) == before:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Stopped: the database holds" in output
    assert _persons(config) > before
