"""The samples as a set: each cites its rule, none is there twice, and the tags say the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.conformance.case import Case, Tag, World, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.report import difference
from tests.conformance.in_process import Worlds

SAMPLES = Path(__file__).parents[2] / "samples"
CASES = load_cases(SAMPLES)
DEMO_WORLD = [case for case in CASES if case.tag is Tag.DEMO_WORLD]

RULE = re.compile(r"(DOMAIN|SECURITY|CONTRACT)( [1-7])?(, .+)?")


def context(case: Case) -> tuple[object, ...]:
    """All that decides the answer: what is asked, by whom, how it is sent, in which world."""
    return case.request, case.customer, case.sign, case.send, case.http, case.world


def test_each_case_cites_the_rule_that_it_proves() -> None:
    for case in CASES:
        assert RULE.fullmatch(case.rule), case.name
        assert re.search(r"DOMAIN|SECURITY|CONTRACT", case.story), case.name
        assert case.story.endswith("."), case.name


def test_no_two_cases_ask_the_same_in_the_same_context() -> None:
    seen: dict[str, str] = {}
    for case in CASES:
        key = repr(context(case))
        assert key not in seen, f"{case.name} is {seen.get(key)} again"
        seen[key] = case.name


def test_each_tag_has_its_cases() -> None:
    """Issue 2, item 7, names three tags; the rules are shown by at least fifty beside protocol."""
    tags = [case.tag for case in CASES]
    assert tags.count(Tag.DEMO_WORLD) + tags.count(Tag.IN_PROCESS) >= 50
    assert set(tags) == set(Tag)


@pytest.mark.parametrize("case", DEMO_WORLD, ids=lambda case: case.name)
def test_cases_of_the_demo_world_name_their_end(case: Case) -> None:
    """Without an end it is the month of the consultation day (DOMAIN 4), which passes."""
    period = next(etree.fromstring(case.request).iter("period"))
    assert period.find("endMonth") is not None


@pytest.mark.once
@pytest.mark.parametrize("day", ["2024-01-01", "2025-02-28", "2031-07-01"])
def test_cases_of_the_demo_world_hold_on_any_day_from_2024(day: str, demo: Path) -> None:
    """Only the cutover changes who answers (DOMAIN 1): what holds today holds on these days."""
    keys = KeyRing(demo.parent / "credentials")
    judge = Judge(Worlds(demo).transport(World(as_of=day)), keys, keys.service())
    for case in DEMO_WORLD:
        verdict = judge.judge(case)
        assert verdict.passed, f"{case.name} on {day}\n" + "\n".join(difference(verdict))
