"""Keeping revocation lists fresh beside the service, and saying so before one is not.

This is the supervisor's work: no request waits for it, and all workers of the machine read what is
kept. Each gateway keeps its own.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.logs import place_of
from ksz_childbenefits.security.list_fetching import (
    FetchLimits,
    NotFetched,
    fetch_list,
    kept_list,
)

_log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 5.0
"""Seconds before the second try of a fetch that failed; doubled after each."""

_PARTS_OF_FRESHNESS: Final = 4
"""A list is fetched again at the latest when this part of its remaining time has passed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often lists are fetched and looked at, and how long before their end is a warning."""

    seconds: float = 3600
    warn: timedelta = timedelta(days=1)
    limits: FetchLimits = field(default_factory=FetchLimits)


@dataclass(frozen=True, slots=True)
class KeptList:
    """The list of one authority: its file, and the address that we fetch it from, if we do."""

    issuer: x509.Certificate
    path: Path
    url: str | None
    schedule: Schedule

    @property
    def name(self) -> str:
        """The authority, for the log."""
        return self.issuer.subject.rfc4514_string()


class ListKeeper:
    """Keeps the lists of one configuration; while another is about to take its place, of both."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._loop = BackgroundLoop()
        self._tasks: dict[KeptList, Future[None]] = {}
        self._expected: frozenset[KeptList] = frozenset()

    def expect(self, lists: Iterable[KeptList]) -> None:
        """Begin to keep these too; waits until those that nothing is kept of were tried once.

        A list that could not be fetched refuses its authority's certificates, not the service.
        """
        self._expected = frozenset(lists)
        tries: list[Future[None]] = []
        for one in self._expected - self._tasks.keys():
            tries.append(Future())
            self._tasks[one] = self._loop.submit(_keep(one, tries[-1]))
            self._tasks[one].add_done_callback(_tell_if_broken)
        wait(tries, max((one.schedule.limits.seconds + 1 for one in self._expected), default=0))

    def settle(self) -> None:
        """Keep only what was expected last: its configuration is the one that is served."""
        for one in self._tasks.keys() - self._expected:
            self._tasks.pop(one).cancel()

    def close(self) -> None:
        """End; what is kept stays."""
        self._loop.close()


async def _keep(one: KeptList, tried: Future[None]) -> None:
    kept = kept_list(one.path, one.issuer)
    if one.url is None or (kept is not None and kept.is_fresh(datetime.now(UTC))):
        tried.set_result(None)
    failures = 0
    while True:
        failures = 0 if await _fetched(one) else failures + 1
        if not tried.done():
            tried.set_result(None)
        remaining = _look(one)
        pause = one.schedule.seconds
        if failures:
            pause = min(pause, _FIRST_PAUSE * 2 ** min(failures - 1, 20))
        elif one.url is not None and remaining is not None:
            pause = min(pause, max(remaining.total_seconds() / _PARTS_OF_FRESHNESS, _FIRST_PAUSE))
        # Many gateways are not to come all at once.
        await asyncio.sleep(pause * random.uniform(0.8, 1))  # noqa: S311 - no secret


async def _fetched(one: KeptList) -> bool:
    """Fetch a list that is fetched; whether it is as it should be then."""
    if one.url is None:
        return True
    now = datetime.now(UTC)
    try:
        fetched = await fetch_list(one.url, one.issuer, one.path, one.schedule.limits, now)
    except NotFetched as failure:
        _log.warning(
            "revocation list not fetched", extra={"authority": one.name, "reason": str(failure)}
        )
        return False
    told = {"this_update": fetched.begin.isoformat(), "next_update": fetched.end.isoformat()}
    _log.info("revocation list fetched", extra={"authority": one.name, **told})
    return True


def _look(one: KeptList) -> timedelta | None:
    """Tell of a list that is of no use, or will soon be; how long it is still fresh, if it is."""
    kept, now = kept_list(one.path, one.issuer), datetime.now(UTC)
    if kept is None or not kept.is_fresh(now):
        reason = "missing or unfit" if kept is None else "not fresh"
        _log.error("revocation list of no use", extra={"authority": one.name, "reason": reason})
        return None
    remaining = kept.end - now
    if remaining < min(one.schedule.warn, (kept.end - kept.begin) / _PARTS_OF_FRESHNESS):
        told = {"next_update": kept.end.isoformat()}
        _log.warning("revocation list stale soon", extra={"authority": one.name, **told})
    return remaining


def _tell_if_broken(task: Future[None]) -> None:
    """A list that is kept no more must not go unnoticed."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("revocation lists are not kept", extra={"reason": place_of(error)})
