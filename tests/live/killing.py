"""Kill -9, of one process or of all that belong together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all below it."""
    if not Path(f"/proc/{pid}").exists():
        return []
    return [pid, *(one for child in _children(pid) for one in family(child))]


def workers(supervisor: int) -> list[int]:
    """The processes under a supervisor that serve: what its fork server has forked."""
    return [worker for server in fork_servers(supervisor) for worker in _children(server)]


def fork_servers(supervisor: int) -> list[int]:
    """The process that all workers come from, once there is one."""
    return [pid for pid in _children(supervisor) if b"forkserver" in _command(pid)]


def servers(guard: int) -> list[int]:
    """The processes of PostgreSQL under what guards them, which ends with them."""
    return [pid for pid in family(guard) if _command(pid).partition(b"\0")[0].endswith(b"postgres")]


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def kill(processes: Iterable[int]) -> None:
    """Kill them, in this order, and return when they are gone."""
    victims = list(processes)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    _gone(victims)


def _gone(processes: Iterable[int]) -> None:
    deadline = time.monotonic() + 30
    while any(map(_lives, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
