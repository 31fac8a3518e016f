"""Which federal archive holds a child, and a file (DOMAIN 1, the split of 2024)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ksz_childbenefits.domain.archives import (
    archive_of_child,
    archive_of_file,
    last_federal_month,
)
from ksz_childbenefits.domain.persons import Person
from tests.domain.makers import (
    ANN,
    AVIQ,
    BEN,
    BRUSSELS,
    DIA,
    FLANDERS,
    IRISCARE,
    WALLONIA,
    home,
    month,
    person,
)

ALWAYS_BRUSSELS = person("2012-03-15", home(BRUSSELS, "2012-03-15"))
TO_NAMUR = person(
    "2012-03-15", home(BRUSSELS, "2012-03-15", "2019-05-31"), home(WALLONIA, "2019-06-01")
)
TO_BRUSSELS = person(
    "2012-03-15", home(FLANDERS, "2012-03-15", "2019-06-30"), home(BRUSSELS, "2019-07-01")
)
LEFT_BRUSSELS_IN_2018 = person(
    "2012-03-15", home(BRUSSELS, "2012-03-15", "2018-12-01"), home(FLANDERS, "2018-12-02")
)
LEFT_BRUSSELS_BEFORE = person(
    "2012-03-15", home(BRUSSELS, "2012-03-15", "2018-11-30"), home(FLANDERS, "2018-12-01")
)
GROWN_UP_IN_BRUSSELS = person(
    "1985-04-10", home(BRUSSELS, "1985-04-10", "2010-03-31"), home(WALLONIA, "2010-04-01")
)
GROWN_UP_THEN_BRUSSELS = person(
    "1985-04-10", home(WALLONIA, "1985-04-10", "2010-03-31"), home(BRUSSELS, "2010-04-01")
)


@pytest.mark.parametrize(
    ("child", "last", "archive"),
    [
        (ALWAYS_BRUSSELS, "2019-12", IRISCARE),
        (TO_NAMUR, "2019-05", IRISCARE),
        (TO_BRUSSELS, "2019-12", IRISCARE),
        (LEFT_BRUSSELS_IN_2018, "2018-12", IRISCARE),  # in Brussels on the first of the month
        (LEFT_BRUSSELS_BEFORE, "2018-12", AVIQ),
        (person("2012-03-15", home(WALLONIA, "2012-03-15")), "2018-12", AVIQ),
        (person("2012-03-15"), "2018-12", AVIQ),  # domiciled nowhere
        (person("2012-03-15", home(BRUSSELS, "2020-01-01")), "2018-12", AVIQ),
        (GROWN_UP_IN_BRUSSELS, "2010-03", IRISCARE),  # age limit included
        (GROWN_UP_THEN_BRUSSELS, "2010-03", AVIQ),
    ],
)
def test_the_archive_of_the_last_federal_month(child: Person, last: str, archive: object) -> None:
    assert last_federal_month(child) == month(last)
    assert archive_of_child(child) is archive


@pytest.mark.parametrize(
    "child",
    [
        person("2019-02-01", home(WALLONIA, "2019-02-01")),
        person("2020-01-01", home(BRUSSELS, "2020-01-01")),
        person("1870-01-01"),
    ],
)
def test_a_child_that_never_was_federal_has_no_archive(child: Person) -> None:
    assert last_federal_month(child) is None
    assert archive_of_child(child) is None


def test_the_youngest_child_decides_for_the_file() -> None:
    older = person("2010-01-01", home(WALLONIA, "2010-01-01"), ssin=BEN)
    assert archive_of_file([older, ALWAYS_BRUSSELS]) is IRISCARE
    assert archive_of_file([ALWAYS_BRUSSELS, older]) is IRISCARE
    younger = person("2012-03-16", home(WALLONIA, "2012-03-16"), ssin=BEN)
    assert archive_of_file([younger, ALWAYS_BRUSSELS]) is AVIQ


def test_on_a_tie_the_lowest_number_decides() -> None:
    twin = person("2012-03-15", home(WALLONIA, "2012-03-15"), ssin=DIA)
    assert archive_of_file([twin, ALWAYS_BRUSSELS]) is IRISCARE
    assert archive_of_file([ALWAYS_BRUSSELS, twin]) is IRISCARE
    assert archive_of_file([replace(twin, ssin=ANN), replace(ALWAYS_BRUSSELS, ssin=DIA)]) is AVIQ


def test_without_a_child_that_was_federal_the_file_goes_where_all_others_go() -> None:
    assert archive_of_file(()) is AVIQ
    assert archive_of_file([person("2020-01-01", home(BRUSSELS, "2020-01-01"))]) is AVIQ
