"""Servers as processes of their own, on cores of their own, and what they use."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import cores

from ksz_childbenefits.domain.sources import Operator

_TICK = os.sysconf("SC_CLK_TCK")
_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs: its address, and the process that all others descend from."""

    url: str
    pid: int
    start_seconds: float

    def cpu(self) -> float:
        """Seconds of CPU that all its processes have used."""
        return tree_cpu(self.pid)

    def workers(self) -> list[int]:
        """The processes that answer: those that the supervisor's fork server has forked."""
        servers = [pid for pid in _children(self.pid) if b"forkserver" in _command(pid)]
        return [worker for server in servers for worker in _children(server)]

    def memory(self) -> list[int]:
        """What each worker holds in memory, in bytes."""
        return [_resident(pid) for pid in self.workers()]


@contextmanager
def service(config: Path, *, workers: int, on: Sequence[int]) -> Iterator[Served]:
    """The service as operators start it."""
    command = ("-m", "ksz_childbenefits.cli", "serve", "--config", str(config), "--port", "0")
    with _running((*command, "--workers", str(workers)), on) as served:
        yield served


@contextmanager
def variant(name: str, config: Path, *, workers: int, on: Sequence[int]) -> Iterator[Served]:
    """The same server with something else in it (worker.py)."""
    with _running((str(_WORKER), name, str(config), str(workers)), on) as served:
        yield served


@contextmanager
def cadastre(operator: Operator, config: Path) -> Iterator[Served]:
    """An operator's cadastre, where its configuration says."""
    command = ("-m", "ksz_childbenefits.cli", "cadastre", "serve", "--operator", operator)
    with _running((*command, "--config", str(config)), cores()) as served:
        yield served


@contextmanager
def _running(arguments: Sequence[str], on: Sequence[int]) -> Iterator[Served]:
    pinned = ("taskset", "--cpu-list", ",".join(map(str, on)))
    begun = time.perf_counter()
    process = subprocess.Popen(
        (*pinned, sys.executable, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield Served(_address(process), process.pid, time.perf_counter() - begun)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if found := re.search(r"listening on (https?://\S+)", line):
            return found.group(1)
    raise SystemExit(f"did not start: {process.args!r}")


def tree_cpu(pid: int) -> float:
    """Seconds of CPU of a process and all its descendants, those that have ended too."""
    return sum(_cpu(one) for one in (pid, *_descendants(pid)))


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []


def _cpu(pid: int) -> float:
    """Its own time and that of the children that it has waited for, user and system."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / _TICK


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) * 1024
