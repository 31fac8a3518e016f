"""Months and ranges of months (DOMAIN 4: handled as intervals; years 1900 to 2999)."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.domain.months import (
    FIRST_MONTH,
    LAST_MONTH,
    MonthRange,
    YearMonth,
    union,
)
from tests.domain.makers import day, month, months

MONTHS = st.builds(YearMonth, st.integers(2018, 2021), st.integers(1, 12))
RANGES = st.tuples(MONTHS, MONTHS).map(lambda pair: MonthRange(min(pair), max(pair)))


def counted(months: MonthRange) -> set[tuple[int, int]]:
    """The months of a range, one by one: the naive view that the intervals must agree with."""
    return {
        (year, number)
        for year in range(2018, 2022)
        for number in range(1, 13)
        if (months.begin.year, months.begin.month)
        <= (year, number)
        <= (months.end.year, months.end.month)
    }


@pytest.mark.parametrize("text", ["1900-01", "2999-12", "2024-02"])
def test_a_month_reads_as_it_is_written(text: str) -> None:
    assert str(month(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "2024-1",
        "2024- 1",
        "2024-+1",
        "2024/01",
        "2024-00",
        "2024-13",
        "1899-12",
        "3000-01",
        "²024-01",
        "20 4-01",
        "",
        "a-b",
    ],
)
def test_other_texts_are_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        YearMonth.parse(text)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 5, 6])
def test_digits_of_other_scripts_are_no_month(place: int) -> None:
    text = "2024-01"
    arabic = chr(0x0660 + int(text[place]))
    with pytest.raises(ValueError, match="YYYY-MM"):
        YearMonth.parse(text[:place] + arabic + text[place + 1 :])


@pytest.mark.parametrize(
    ("begin", "plus", "end"),
    [
        ("2024-01", 0, "2024-01"),
        ("2024-11", 2, "2025-01"),
        ("2024-01", -1, "2023-12"),
        ("2024-01", -60, "2019-01"),
        ("1900-01", -1, "1900-01"),
        ("1900-01", -9999, "1900-01"),
        ("2999-12", 1, "2999-12"),
        ("2999-11", 1, "2999-12"),
    ],
)
def test_counting_months_stays_within_the_calendar(begin: str, plus: int, end: str) -> None:
    assert month(begin).plus(plus) == month(end)


def test_days_of_a_month() -> None:
    february = YearMonth.of(date(2024, 2, 10))
    assert (february.first_day, february.last_day) == (date(2024, 2, 1), date(2024, 2, 29))
    assert month("2999-12").last_day == date(2999, 12, 31)


def test_a_range_is_never_empty() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        months("2024-02", "2024-01")
    assert str(months("2024-01", "2024-01")) == "2024-01..2024-01"


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("2019-01-31", "2019-02-01", ("2019-01", "2019-02")),
        ("2019-01-15", None, ("2019-01", "2999-12")),
        ("1850-03-01", "1900-01-01", ("1900-01", "1900-01")),
        ("1850-03-01", "1899-12-31", None),
        ("3000-01-01", None, None),
        ("2999-12-31", "3500-01-01", ("2999-12", "2999-12")),
        ("1900-05-01", "2999-05-01", ("1900-05", "2999-05")),
    ],
)
def test_the_months_of_days(begin: str, end: str | None, expected: tuple[str, str] | None) -> None:
    found = MonthRange.of_days(day(begin), day(end) if end else None)
    assert found == (months(*expected) if expected else None)


@pytest.mark.parametrize(
    ("begin", "end", "touches"),
    [
        ("2018-01-01", "2018-12-31", False),
        ("2018-01-01", "2019-01-01", True),
        ("2019-02-28", None, True),
        ("2019-03-01", None, False),
        ("2018-01-01", None, True),
    ],
)
def test_days_that_touch_months(begin: str, end: str | None, touches: bool) -> None:
    asked = months("2019-01", "2019-02")
    assert asked.touches_days(day(begin), day(end) if end else None) is touches


def test_includes_both_ends() -> None:
    asked = months("2019-01", "2019-03")
    assert [asked.includes(month(f"2019-0{n}")) for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert not asked.includes(month("2018-12"))


@given(RANGES, RANGES)
def test_intersection_and_overlap_agree_with_counting(one: MonthRange, other: MonthRange) -> None:
    both = one.intersection(other)
    assert (counted(both) if both else set()) == counted(one) & counted(other)
    assert one.overlaps(other) is bool(counted(one) & counted(other))


@given(st.lists(RANGES, max_size=6))
def test_union_keeps_the_months_and_leaves_gaps_only(ranges: list[MonthRange]) -> None:
    joined = union(ranges)
    assert set[tuple[int, int]]().union(*map(counted, joined)) == set[tuple[int, int]]().union(
        *map(counted, ranges)
    )
    assert all(a.end.plus(1) < b.begin for a, b in pairwise(joined))


def test_union_joins_what_follows_on() -> None:
    assert union([months("2019-01", "2019-12"), months("1990-01", "2018-12")]) == (
        months("1990-01", "2019-12"),
    )
    assert union([MonthRange(FIRST_MONTH, LAST_MONTH), MonthRange(LAST_MONTH, LAST_MONTH)]) == (
        MonthRange(FIRST_MONTH, LAST_MONTH),
    )
