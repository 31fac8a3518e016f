"""``demo world``: a big world from the command line, stopped or not."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """A demo of this test's own."""
    shutil.copytree(demo.parent, tmp_path / "demo")
    return tmp_path / "demo" / demo.name


def test_it_adds_persons_to_the_database(command: Command, config: Path) -> None:
    result = command("demo", "world", "--persons", 50, "--config", config, "--files", 10)
    assert result.exit_code == 0
    assert re.search(r"Ready: the database holds [0-9]+ persons", result.stdout)


def test_the_same_world_twice_is_a_mistake(command: Command, config: Path) -> None:
    command("demo", "world", "--persons", 5, "--config", config)
    result = command("demo", "world", "--persons", 5, "--config", config)
    assert result.exit_code == 2
    assert "holds such a world already" in result.stderr


def test_it_can_be_stopped(config: Path) -> None:
    arguments = ("demo", "world", "--persons", "2000000", "--config", str(config))
    with subprocess.Popen(
        [sys.executable, "-m", "ksz_childbenefits.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Until the first batch is being stored.
        wal = config.parent / "registers.sqlite-wal"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (wal.exists() and wal.stat().st_size > 100_000):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Stopped: the database holds" in output
