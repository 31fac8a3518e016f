"""The domicile of a month, from the connecting factors (DOMAIN 1)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.domain.domiciles import domiciles
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor
from ksz_childbenefits.domain.regions import UnknownMunicipality, region_of
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import BRUSSELS, CITY, EASTBELGIUM, FLANDERS, WALLONIA, home, months


def test_no_row_no_domicile() -> None:
    assert domiciles(()) == ()


def test_an_open_row_runs_to_the_end_of_the_calendar() -> None:
    assert domiciles([home(WALLONIA, "2012-03-15")]) == ((months("2012-03", "2999-12"), WALLONIA),)


def test_the_first_day_decides_the_month_of_a_move() -> None:
    """Antwerp to Brussels mid-month: the month belongs to Antwerp."""
    moved = [home(FLANDERS, "2019-01-01", "2020-06-14"), home(BRUSSELS, "2020-06-15")]
    assert domiciles(moved) == (
        (months("2019-01", "2020-06"), FLANDERS),
        (months("2020-07", "2999-12"), BRUSSELS),
    )


def test_a_move_on_the_first_day() -> None:
    moved = [home(BRUSSELS, "2012-03-15", "2019-05-31"), home(WALLONIA, "2019-06-01")]
    assert domiciles(moved) == (
        (months("2012-03", "2019-05"), BRUSSELS),
        (months("2019-06", "2999-12"), WALLONIA),
    )


def test_without_a_domicile_on_the_first_day_the_first_within_the_month_decides() -> None:
    """Born, or back from abroad, mid-month; then moved again in the same month."""
    back = [
        home(EASTBELGIUM, "2020-03-10", "2020-03-19"),
        home(FLANDERS, "2020-03-20", "2020-03-31"),
        home(WALLONIA, "2020-05-31", "2020-05-31"),
    ]
    assert domiciles(reversed(back)) == (
        (months("2020-03", "2020-03"), EASTBELGIUM),
        (months("2020-05", "2020-05"), WALLONIA),
    )


def test_the_day_before_the_first_does_not_count() -> None:
    rows = [home(FLANDERS, "2020-01-01", "2020-03-31"), home(WALLONIA, "2020-04-02")]
    assert domiciles(rows)[1] == (months("2020-04", "2999-12"), WALLONIA)


def test_the_lowest_numbered_factor_held_in_the_month_decides() -> None:
    """In 2020-03 factor 2 covers the first day; factor 1, held from the 31st, decides."""
    rows = [
        home(FLANDERS, "2020-01-01", "2020-12-31", factor=2),
        home(WALLONIA, "2020-03-31", "2020-06-01", factor=1),
        home(EASTBELGIUM, "2019-12-01", factor=6),
    ]
    assert domiciles(rows) == (
        (months("2019-12", "2019-12"), EASTBELGIUM),
        (months("2020-01", "2020-02"), FLANDERS),
        (months("2020-03", "2020-06"), WALLONIA),
        (months("2020-07", "2020-12"), FLANDERS),
        (months("2021-01", "2999-12"), EASTBELGIUM),
    )


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
def test_each_factor_goes_before_the_next(factor: int) -> None:
    rows = [
        home(FLANDERS, "2020-01-01", factor=factor + 1),
        home(WALLONIA, "2020-01-01", factor=factor),
    ]
    assert domiciles(rows) == ((months("2020-01", "2999-12"), WALLONIA),)


def test_rows_of_one_region_are_one_domicile() -> None:
    rows = [home("11001", "2019-01-01", "2019-12-31"), home("44021", "2020-01-01", "2020-12-31")]
    assert domiciles(rows) == ((months("2019-01", "2020-12"), FLANDERS),)


def test_a_row_runs_on_past_a_recoding() -> None:
    """54007 Mouscron became 57096 on 2019-01-01; the row of 2010 stays valid (DOMAIN 3)."""
    assert domiciles([home("54007", "2010-01-01")]) == ((months("2010-01", "2999-12"), WALLONIA),)


def test_a_code_that_was_not_valid_on_the_from_date_is_an_error() -> None:
    with pytest.raises(UnknownMunicipality):
        domiciles([home("54007", "2019-01-01")])


def test_rows_outside_the_calendar_are_cut_or_left_out() -> None:
    rows = [home(FLANDERS, "1850-01-01", "1900-02-15"), home(WALLONIA, "3000-01-01")]
    assert domiciles(rows) == ((months("1900-01", "1900-02"), FLANDERS),)


def test_of_two_rows_that_cover_the_first_day_the_newest_counts() -> None:
    """The register refuses such rows; if there are any, the answer is at least always the same."""
    rows = [home(FLANDERS, "2020-01-01", "2020-03-31"), home(WALLONIA, "2020-02-01", "2020-02-29")]
    expected = (
        (months("2020-01", "2020-01"), FLANDERS),
        (months("2020-02", "2020-02"), WALLONIA),
        (months("2020-03", "2020-03"), FLANDERS),
    )
    assert domiciles(rows) == domiciles(reversed(rows)) == expected
    later = [home(FLANDERS, "2019-10-01", "2020-04-30"), home(WALLONIA, "2020-02-10", "2020-04-30")]
    assert domiciles(later) == (
        (months("2019-10", "2020-02"), FLANDERS),
        (months("2020-03", "2020-04"), WALLONIA),
    )


# The naive oracle: day by day, from the text of DOMAIN 1.

FIRST_DAY = date(2019, 1, 1)
HORIZON = 460


def naive(rows: list[ConnectingFactor], year: int, month: int) -> AuthenticSource | None:
    """The entity of the domicile on the first day, else of the first domicile within the month."""
    days = [
        FIRST_DAY + timedelta(n)
        for n in range(HORIZON + 62)
        if ((FIRST_DAY + timedelta(n)).year, (FIRST_DAY + timedelta(n)).month) == (year, month)
    ]
    for factor in range(1, 7):
        for on in days:
            for row in rows:
                if row.factor == factor and row.begin <= on and (row.end is None or on <= row.end):
                    return region_of(row.nis, row.begin)
    return None


@st.composite
def registers(draw: st.DrawFn) -> list[ConnectingFactor]:
    """Rows that do not overlap within one factor, as the register demands."""
    rows: list[ConnectingFactor] = []
    for factor in draw(st.sets(st.integers(1, 6), max_size=3)):
        edges = sorted(draw(st.sets(st.integers(0, HORIZON), max_size=8)))
        for first, last in zip(edges[::2], edges[1::2], strict=False):
            nis = draw(st.sampled_from(sorted(CITY.values())))
            begin, end = FIRST_DAY + timedelta(first), FIRST_DAY + timedelta(last)
            rows.append(ConnectingFactor(factor, nis, begin, end))
    return draw(st.permutations(rows))


@given(registers())
def test_intervals_agree_with_day_by_day(rows: list[ConnectingFactor]) -> None:
    found = domiciles(rows)
    for year, number in [(2019, n) for n in range(1, 13)] + [(2020, n) for n in range(1, 6)]:
        at = YearMonth(year, number)
        regions = [region for held, region in found if held.includes(at)]
        expected = naive(rows, year, number)
        assert regions == ([] if expected is None else [expected])
