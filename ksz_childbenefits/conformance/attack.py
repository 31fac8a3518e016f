"""The hostile cases against a live service: the slow ones beside the others, and its health."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ksz_childbenefits.conformance.case import Case, Family
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.run import Result, Tally, skip_reason
from ksz_childbenefits.errors import KszError

QUICK_SECONDS: Final = 1.0
"""How long an honest request may take, before, during and after."""

_TIMES: Final = 5


@dataclass(frozen=True, slots=True)
class Health:
    """Honest requests one after the other: how many were answered as they must be, how slowly."""

    answered: int
    slowest: float

    @property
    def good(self) -> bool:
        """Whether all were answered, and quickly."""
        return self.answered == _TIMES and self.slowest <= QUICK_SECONDS


@dataclass(slots=True)
class Tallies:
    """The counts of each family."""

    families: dict[Family, Tally] = field(default_factory=lambda: {one: Tally() for one in Family})

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.case.family is not None:
            self.families[result.case.family].add(result)

    @property
    def total(self) -> Tally:
        """All of them together."""
        total = Tally()
        for tally in self.families.values():
            total.passed += tally.passed
            total.failed += tally.failed
            total.skipped += tally.skipped
        return total


def attack(cases: Sequence[Case], judge: Judge) -> Iterator[Result]:
    """The results one by one; slow peers are at work from the beginning and come last."""
    slow = [case for case in cases if case.family is Family.SLOW]
    outcomes: queue.SimpleQueue[Result | KszError] = queue.SimpleQueue()
    for case in slow:
        # Daemons, so that Ctrl-C need not wait for them.
        threading.Thread(target=_tell, args=(case, judge, outcomes), daemon=True).start()
    for case in cases:
        if case.family is not Family.SLOW:
            yield _result(case, judge)
    for _ in slow:
        outcome = outcomes.get()
        if isinstance(outcome, KszError):
            raise outcome
        yield outcome


def health(honest: Case, judge: Judge) -> Health:
    """Whether an honest request is answered as ever, several times over."""
    answered, slowest = 0, 0.0
    for _ in range(_TIMES):
        began = time.monotonic()
        answered += judge.judge(honest).passed
        slowest = max(slowest, time.monotonic() - began)
    return Health(answered, slowest)


def _result(case: Case, judge: Judge) -> Result:
    reason = skip_reason(case, judge.keys)
    return Result(case, judge.judge(case) if reason is None else None, reason)


def _tell(case: Case, judge: Judge, outcomes: queue.SimpleQueue[Result | KszError]) -> None:
    try:
        outcomes.put(_result(case, judge))
    except KszError as error:
        outcomes.put(error)
