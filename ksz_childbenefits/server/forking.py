"""Where workers come from: a process that has imported everything, and forks one after the other.

A worker that starts Python anew needs longer to import than for all else (docs/decisions/0020).
That process is the fork server of ``multiprocessing``: it has one thread and has opened nothing, so
what it forks is like new. It imports while the supervisor does, and ends after the last worker.

This module imports little: it is to run before everything else is imported.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Final

from ksz_childbenefits.metrics import shared_between_workers as metrics_of_all
from ksz_childbenefits.rates import shared_between_workers as rates_of_all

FORKING: Final = multiprocessing.get_context("forkserver")
"""How workers are started, and what they share is made."""

_FORKED: Final = "ksz_childbenefits.forked"


@contextmanager
def workers_to_come() -> Iterator[None]:
    """A service's supervisor is to run inside: all workers share numbers and rates.

    They learn from the environment where; the fork server hands down the one that it begins with.
    """
    with metrics_of_all(), rates_of_all():
        FORKING.set_forkserver_preload([_FORKED])
        forkserver.ensure_running()
        yield
