"""pytest's hooks: collect while tests run, in however many processes, and search at the end."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from ksz_childbenefits import metrics
from ksz_childbenefits.logs import JsonLines
from tests.leaks.search import leaks

FOLDER: Final = "KSZ_LEAKS_FOLDER"
_SITE = Path(__file__).parent / "site"
_SHOWN = 20

_found = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect: in a folder of the whole run, which processes of pytest-xdist inherit."""
    if not _is_one_of_many(config):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="ksz-leaks-")
        path = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_SITE), path)))
    file = Path(os.environ[FOLDER]) / f"log-{os.getpid()}"
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(JsonLines())
    handler.setLevel(logging.INFO)
    handler.addFilter(_is_logged)
    logging.getLogger().addHandler(handler)
    logging.getLogger("ksz_childbenefits").setLevel(logging.INFO)


def _is_one_of_many(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _is_logged(record: logging.LogRecord) -> bool:
    """Whether a service would log it (logs.configure_logging)."""
    top = record.name.partition(".")[0]
    least = {"spyne": logging.CRITICAL, "httpx": logging.WARNING, "httpcore": logging.WARNING}
    return record.levelno >= least.get(top, logging.INFO)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search, once everything has ended; a number found fails the run."""
    folder = Path(os.environ[FOLDER])
    (folder / f"metrics-{os.getpid()}").write_bytes(metrics.exposition())
    if _is_one_of_many(session.config):
        return
    found = [f"{file.name}: {line}" for file, line in islice(leaks(folder.iterdir()), _SHOWN)]
    shutil.rmtree(folder)
    session.config.stash[_found] = found
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was found."""
    found = config.stash.get(_found, [])
    if found:
        terminalreporter.section("SSINs in logs or metrics", red=True)
        for line in found:
            terminalreporter.line(line)
