"""Imported by the fork server alone (server.forking), before it forks the first worker.

Whoever stops a service may signal all of its processes, as systemd does. The fork server has to
stay until the last worker has ended, or the supervisor would not learn of its end.
"""

from __future__ import annotations

import os
import signal

import ksz_childbenefits.runtime  # noqa: F401 - what all workers need is imported here once

_END = {signal.SIGTERM}


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)


def _let_go() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _END)


def _as_usual() -> None:
    """A worker obeys: also what it was told since it was forked."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_go()


signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_as_usual)
