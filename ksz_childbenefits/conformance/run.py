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
        reason = _skip_reason(case, judge.keys, tag)
        verdict = judge.judge(case) if reason is None else None
        yield Result(case, verdict, reason)


def _skip_reason(case: Case, keys: KeyRing, tag: Tag | None) -> str | None:
    if case.tag is Tag.IN_PROCESS:
        return "in process: needs an outage or another day (the tests run it)"
    if tag is not None and case.tag is not tag:
        return f'not tagged "{tag.value}"'
    names = (case.sign.credentials or case.customer, case.sign.certificate)
    missing = next((name for name in names if name and not keys.holds(name)), None)
    return None if missing is None else f"no credentials of {missing}"
