"""When a person may be a child, and who is competent (DOMAIN 1)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.domain.competence import child_months, competent_months
from ksz_childbenefits.domain.domiciles import domiciles
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import (
    ALL_SOURCES,
    ANN,
    BRUSSELS,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    WALLONIA,
    home,
    months,
    person,
)
from tests.domain.test_domiciles import registers


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2000-03-15", ("2000-03", "2025-02")),
        ("2000-03-01", ("2000-03", "2025-02")),
        ("2000-03-31", ("2000-03", "2025-02")),
        ("2001-01-01", ("2001-01", "2025-12")),
        ("2000-02-29", ("2000-02", "2025-01")),
        ("1880-06-10", ("1900-01", "1905-05")),
    ],
)
def test_a_child_from_birth_to_the_month_before_the_25th_birthday(
    birth: str, expected: tuple[str, str]
) -> None:
    assert child_months(person(birth)) == months(*expected)


def test_before_the_calendar_nobody_is_a_child() -> None:
    long_ago = person("1874-12-31", home(BRUSSELS, "1875-01-01"))
    assert child_months(long_ago) is None
    assert competent_months(long_ago, FEDERAL) == ()
    assert child_months(person("1875-02-01")) == months("1900-01", "1900-01")


def competences(of: Person) -> dict[AuthenticSource, list[str]]:
    found = {s: [str(m) for m in competent_months(of, s)] for s in ALL_SOURCES}
    return {source: ranges for source, ranges in found.items() if ranges}


@pytest.mark.parametrize("region", [WALLONIA, EASTBELGIUM, FLANDERS])
def test_each_region_from_2019(region: AuthenticSource) -> None:
    of = person("2012-03-15", home(region, "2012-03-15"))
    assert competences(of) == {FEDERAL: ["2012-03..2018-12"], region: ["2019-01..2037-02"]}


def test_brussels_from_2020_and_federal_to_2019() -> None:
    of = person("2012-03-15", home(BRUSSELS, "2012-03-15"))
    assert competences(of) == {FEDERAL: ["2012-03..2019-12"], BRUSSELS: ["2020-01..2037-02"]}


def test_federal_before_2019_asks_for_no_domicile() -> None:
    assert competences(person("2012-03-15")) == {FEDERAL: ["2012-03..2018-12"]}


def test_brussels_to_may_2019_then_namur() -> None:
    of = person(
        "2012-03-15", home(BRUSSELS, "2012-03-15", "2019-05-31"), home(WALLONIA, "2019-06-01")
    )
    assert competences(of) == {FEDERAL: ["2012-03..2019-05"], WALLONIA: ["2019-06..2037-02"]}


def test_into_brussels_in_the_course_of_2019() -> None:
    of = person(
        "2012-03-15", home(FLANDERS, "2012-03-15", "2019-06-30"), home(BRUSSELS, "2019-07-01")
    )
    assert competences(of) == {
        FEDERAL: ["2012-03..2018-12", "2019-07..2019-12"],
        FLANDERS: ["2019-01..2019-06"],
        BRUSSELS: ["2020-01..2037-02"],
    }


def test_abroad_and_back() -> None:
    of = person(
        "2012-03-15", home(WALLONIA, "2012-03-15", "2020-02-10"), home(WALLONIA, "2021-09-20")
    )
    assert competences(of)[WALLONIA] == ["2019-01..2020-02", "2021-09..2037-02"]


def test_the_age_limit_ends_every_competence() -> None:
    of = person("1995-06-15", home(BRUSSELS, "1995-06-15"))
    assert competences(of) == {FEDERAL: ["1995-06..2019-12"], BRUSSELS: ["2020-01..2020-05"]}
    assert competences(person("1994-03-01", home(WALLONIA, "1994-03-01"))) == {
        FEDERAL: ["1994-03..2018-12"],
        WALLONIA: ["2019-01..2019-02"],
    }
    assert competences(person("1980-03-01", home(WALLONIA, "1980-03-01"))) == {
        FEDERAL: ["1980-03..2005-02"]
    }


def naive(of: Person, source: AuthenticSource, at: tuple[int, int]) -> bool:
    """The table of DOMAIN 1 for one month, the domicile given."""
    birth = (of.birth_date.year, of.birth_date.month)
    if not birth <= at < (birth[0] + 25, birth[1]):
        return False
    lived = [r for held, r in domiciles(of.factors) if held.includes(YearMonth(*at))]
    if source is FEDERAL:
        return at <= (2018, 12) or (at[0] == 2019 and lived == [BRUSSELS])
    if source is BRUSSELS:
        return at >= (2020, 1) and lived == [BRUSSELS]
    return at >= (2019, 1) and lived == [source]


@given(registers(), st.dates(date(1993, 6, 1), date(2020, 6, 30)), st.sampled_from(ALL_SOURCES))
def test_intervals_agree_with_month_by_month(
    rows: list[ConnectingFactor], birth: date, source: AuthenticSource
) -> None:
    of = Person(ANN, birth, factors=tuple(rows))
    found = competent_months(of, source)
    for at in [(year, number) for year in (2018, 2019, 2020) for number in range(1, 13)]:
        inside = [held for held in found if held.includes(YearMonth(*at))]
        assert len(inside) == naive(of, source, at)
