"""A demo world and live services that the rooms' tests share."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ksz_childbenefits.demo.__main__ import running_service
from ksz_childbenefits.demo.init import create_demo
from tests.leaks.hooks import pytest_configure, pytest_sessionfinish, pytest_terminal_summary

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs ignore Ctrl-C, and so would the programs that tests stop by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["pytest_configure", "pytest_sessionfinish", "pytest_terminal_summary"]


@dataclass(frozen=True)
class LiveService:
    """A service in processes of its own: its address, its configuration, its credentials."""

    url: str
    config: Path
    credentials: Path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a demo, made once; tests that change it make their own."""
    return create_demo(tmp_path_factory.mktemp("demo") / "world")


def copy_of(demo: Path, folder: Path) -> Path:
    """The configuration of a copy of a demo in ``folder``, to be changed at will.

    The database is copied by SQLite: who opens and closes its files beside it takes the locks from
    the connections that this process has, and then others remove the log that these still read.
    """
    shutil.copytree(demo.parent, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    source, copy = (sqlite3.connect(at / "registers.sqlite") for at in (demo.parent, folder))
    with closing(source), closing(copy):
        source.backup(copy)
    return folder / demo.name


def live(config: Path, workers: int) -> Iterator[LiveService]:
    with running_service(config, "--workers", str(workers)) as url:
        yield LiveService(url, config, config.parent / "credentials")


@pytest.fixture(scope="session")
def service(demo: Path) -> Iterator[LiveService]:
    """The demo served by four workers."""
    yield from live(demo, 4)


@pytest.fixture(scope="session")
def single(demo: Path) -> Iterator[LiveService]:
    """The demo served by one worker."""
    yield from live(demo, 1)
