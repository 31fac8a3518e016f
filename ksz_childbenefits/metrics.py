"""What is counted and timed, for Prometheus; several worker processes give one truth.

Labels are names from the configuration, the registers and the contract: never what a stranger
wrote, never an SSIN (SECURITY 5). The names and what they mean are listed in docs/operators.md.

The supervisor calls ``shared_between_workers`` before it starts workers; then each worker writes
its numbers to files of its own there, and whichever is asked adds them all up.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""Of what ``exposition`` gives."""

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client learns where all processes write."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 5, 10)

_REQUESTS = Counter(
    "ksz_requests",
    "Requests answered, by caller (- before it is authenticated), status code and fault code.",
    ("service", "caller", "status", "fault"),
)
_REQUEST_SECONDS = Histogram(
    "ksz_request_seconds",
    "Time from a request's headers to its answer.",
    ("service",),
    buckets=_SECONDS,
)
_SOURCE_SECONDS = Histogram(
    "ksz_source_seconds",
    "Time of one call to an operator about one source, by its outcome: answered or failed.",
    ("operator", "source", "outcome"),
    buckets=_SECONDS,
)
_BREAKER = Gauge(
    "ksz_breaker_state",
    "Circuit breaker of an operator, in the worker where it is worst: 0 closed, 1 trying, 2 open.",
    ("operator",),
    multiprocess_mode="livemax",
)
_CONNECTIONS = Gauge(
    "ksz_database_connections",
    "Connections to the database, in all workers: in_use, and the limit.",
    ("state",),
    multiprocess_mode="livesum",
)

_LIST_MADE = Gauge(
    "ksz_revocation_list_this_update_seconds",
    "When the authority made its revocation list that is used, in seconds since 1970.",
    ("authority", "certificate"),
    multiprocess_mode="livemostrecent",
)
_LIST_ENDS = Gauge(
    "ksz_revocation_list_next_update_seconds",
    "Until when an authority's revocation list is fresh, in seconds since 1970; 0: none of use.",
    ("authority", "certificate"),
    multiprocess_mode="livemostrecent",
)

_before: list[Callable[[], None]] = []

IN_FLIGHT: Final = Gauge(
    "ksz_requests_in_flight",
    "Messages that were let in and are not answered yet.",
    multiprocess_mode="livesum",
)
"""``inc`` and ``dec`` it, or use its ``track_inprogress``."""

REPLAYS: Final = Counter("ksz_replays_refused", "Messages refused because they were taken before.")
"""``inc`` it for each."""

AUDIT_SECONDS: Final = Histogram(
    "ksz_audit_commit_seconds",
    "Time to store the audit records of a group of requests durably.",
    buckets=_SECONDS,
)
"""``observe`` it for each group."""

AUDIT_REFUSED: Final = Counter(
    "ksz_audit_records_refused", "Audit records that were not stored in time: MSG00001."
)
"""``inc`` it for each."""


class BreakerState(IntEnum):
    """A circuit breaker's state, worst last."""

    CLOSED = 0
    TRYING = 1
    OPEN = 2


def request_answered(service: str, caller: str, status: str, fault: str, seconds: float) -> None:
    """Count an answer. ``status``: MSG code; ``fault``: the fault code, "-" for a reply."""
    _REQUESTS.labels(service, caller, status, fault).inc()
    _REQUEST_SECONDS.labels(service).observe(seconds)


def source_called(operator: str, source: str, outcome: str, seconds: float) -> None:
    """Time a call to an operator; ``outcome``: "answered" or "failed"."""
    _SOURCE_SECONDS.labels(operator, source, outcome).observe(seconds)


def breaker_is(operator: str, state: BreakerState) -> None:
    """Tell the state of an operator's circuit breaker in this process, at each change."""
    _BREAKER.labels(operator).set(state)


def revocation_list_is(authority: str, certificate: str, made: float, ends: float) -> None:
    """Tell of the list of an authority, by its name and the SHA-256 of its certificate, in hex."""
    _LIST_MADE.labels(authority, certificate).set(made)
    _LIST_ENDS.labels(authority, certificate).set(ends)


def before_exposition(tell: Callable[[], None]) -> None:
    """Have what changes by itself told anew before numbers are shown; one for each process."""
    _before[:] = [tell]


def connections_used(limit: int) -> Callable[[float], None]:
    """What tells how many connections to the database this process has in use, of so many."""
    _CONNECTIONS.labels("limit").set(limit)
    return _CONNECTIONS.labels("in_use").set


@contextmanager
def shared_between_workers() -> Iterator[None]:
    """A folder in which the workers started meanwhile share their numbers; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="ksz-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def worker_ended(process: int) -> None:
    """Forget what was true of a worker only while it lived; what it counted stays counted."""
    mark_process_dead(process)  # type: ignore[no-untyped-call]


def exposition() -> bytes:
    """All numbers of all workers, in Prometheus' text format."""
    for tell in _before:
        tell()
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
