"""A run over the cases: which are skipped and why, the results one by one, the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ksz_childbenefits.conformance.case import Case, Tag
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge, Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """A case with its verdict, or with the reason why it was skipped."""

    case: Case
    verdict: Verdict | None
    skipped: str | None


@dataclass(slots=True)
class Tally:
    """The counts of a run so far."""

    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.skipped is not None:
            self.skipped[result.skipped] += 1
        elif result.verdict is not None and result.verdict.passed:
            self.passed += 1
        else:
            self.failed += 1


def run(cases: Iterable[Case], judge: Judge, tag: Tag | None) -> Iterator[Result]:
    """The results over HTTP, one by one; with a ``tag``, cases of other tags are skipped."""
    for case in cases:
        reason = skip_reason(case, judge.keys)
        if reason is None and tag is not None and case.tag is not tag:
            reason = f'not tagged "{tag.value}"'
        verdict = judge.judge(case) if reason is None else None
        yield Result(case, verdict, reason)


def skip_reason(case: Case, keys: KeyRing) -> str | None:
    """Why a case cannot be run over HTTP with these keys; None: it can."""
    if case.tag is Tag.IN_PROCESS:
        needs = "another clock" if case.send.later else "an outage or another day"
        return f"in process: needs {needs} (the tests run it)"
    names = (case.sign.credentials or case.customer, case.sign.certificate)
    missing = next((name for name in names if name and not keys.holds(name)), None)
    return None if missing is None else f"no credentials of {missing}"
