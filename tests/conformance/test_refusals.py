"""Bad input of every row of SECURITY, at one worker and at four; the next request is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksz_childbenefits.conformance.case import Case, Tag, load_case, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.report import difference
from ksz_childbenefits.conformance.transport import HttpTransport
from tests.conftest import LiveService

SAMPLES = Path(__file__).parents[2] / "samples"
REFUSALS = [case for case in load_cases(SAMPLES) if case.expect and case.tag is not Tag.IN_PROCESS]
NEXT = load_case(SAMPLES / "accepted-plain")


def of(case: Case) -> str:
    return case.name


@pytest.fixture(scope="module", params=["single", "service"], ids=["1 worker", "4 workers"])
def judge(request: pytest.FixtureRequest) -> Judge:
    live: LiveService = request.getfixturevalue(request.param)
    keys = KeyRing(live.credentials)
    return Judge(HttpTransport(live.url), keys, keys.service())


@pytest.mark.parametrize("case", REFUSALS, ids=of)
def test_it_is_refused_by_its_row_and_the_next_is_served(case: Case, judge: Judge) -> None:
    for one in (case, NEXT):
        verdict = judge.judge(one)
        assert verdict.passed, f"{one.story}\n" + "\n".join(difference(verdict))
