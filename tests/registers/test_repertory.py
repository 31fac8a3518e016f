"""The KSZ person repertory (DOMAIN 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import RepertoryLine, inscribed
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import DataError, Unavailable
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.repertory import PersonRepertory
from tests.registers.databases import scans, statements
from tests.registers.numbers import NOOR, OTIS

WALLOON = RepertoryLine(
    ssin=NOOR,
    source=AuthenticSource.WALLONIA,
    customer=None,
    sector=7,
    quality=104,
    phase=0,
    file_type=FileType.CHILD_BENEFIT,
    archive=None,
    begin=date(2019, 6, 1),
    end=None,
)
FEDERAL = replace(
    WALLOON,
    source=AuthenticSource.FEDERAL,
    archive=Operator.IRISCARE,
    phase=None,
    begin=date(2012, 4, 1),
    end=date(2019, 5, 31),
)
INSCRIPTION = RepertoryLine(
    ssin=NOOR,
    source=None,
    customer="fedris",
    sector=0,
    quality=0,
    phase=0,
    file_type=None,
    archive=None,
    begin=date(2015, 3, 10),
    end=date(2020, 4, 1),
)


def months(begin: str, end: str) -> MonthRange:
    return MonthRange(YearMonth.parse(begin), YearMonth.parse(end))


@pytest.fixture
def repertory(engine: Engine) -> PersonRepertory:
    register = CustomerRegister(engine)
    register.add(Customer("fedris", "0206734318", None, None))
    register.add(Customer("swl", "0231550084", 47, 0))
    return PersonRepertory(engine)


def test_lines_of_sources_come_back_by_their_begin(repertory: PersonRepertory) -> None:
    repertory.add([WALLOON, INSCRIPTION, FEDERAL, replace(WALLOON, ssin=OTIS)])
    assert repertory.lines(NOOR) == (FEDERAL, WALLOON)


def test_lines_of_other_customers_are_not_told(repertory: PersonRepertory) -> None:
    other = replace(INSCRIPTION, customer="swl")
    repertory.add([WALLOON, INSCRIPTION, other, replace(WALLOON, ssin=OTIS), FEDERAL])
    assert repertory.known([NOOR], "fedris") == (FEDERAL, INSCRIPTION, WALLOON)
    assert repertory.known([NOOR], "nobody") == (FEDERAL, WALLOON)
    assert repertory.known([], "fedris") == ()


def test_any_number_of_lines_is_one_statement(engine: Engine, repertory: PersonRepertory) -> None:
    days = (date(2019, 6, day) for day in range(1, 31))
    repertory.add([replace(WALLOON, begin=day) for day in days])
    with statements(engine) as sent:
        assert len(repertory.known([NOOR], "fedris")) == 30
    assert len(sent) == 1


def test_a_number_without_lines(repertory: PersonRepertory) -> None:
    assert repertory.lines(NOOR) == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # Inscribed from 2015-03-10 to 2020-04-01: a day of either month is enough.
        (months("2015-03", "2015-03"), True),
        (months("2010-01", "2015-02"), False),
        (months("2020-04", "2024-12"), True),
        (months("2020-05", "2024-12"), False),
        (months("1950-01", "2999-12"), True),
    ],
)
def test_an_inscription_counts_where_it_meets_the_months(
    repertory: PersonRepertory, asked: MonthRange, expected: bool
) -> None:
    repertory.add([INSCRIPTION])
    assert inscribed(repertory.known([NOOR], "fedris"), "fedris", asked) is expected


def test_an_inscription_without_end(repertory: PersonRepertory) -> None:
    repertory.add([replace(INSCRIPTION, end=None)])
    assert inscribed(repertory.known([NOOR], "fedris"), "fedris", months("2999-12", "2999-12"))


def test_an_inscription_is_of_one_customer_and_one_number(repertory: PersonRepertory) -> None:
    repertory.add([INSCRIPTION, WALLOON])
    asked = months("2019-06", "2019-06")
    assert not inscribed(repertory.known([NOOR], "swl"), "swl", asked)
    assert not inscribed(repertory.known([OTIS], "fedris"), "fedris", asked)
    # DOMAIN 5: any number of the replacement chain.
    assert inscribed(repertory.known([OTIS, NOOR], "fedris"), "fedris", asked)


@pytest.mark.parametrize("code", [902, 999])
def test_any_sector_quality_and_phase_inscribes(repertory: PersonRepertory, code: int) -> None:
    repertory.add([replace(INSCRIPTION, sector=17, quality=code, phase=code)])
    assert inscribed(repertory.known([NOOR], "fedris"), "fedris", months("2016-01", "2016-01"))


def test_each_question_is_one_statement_answered_by_indexes(
    engine: Engine, repertory: PersonRepertory
) -> None:
    repertory.add([WALLOON, INSCRIPTION])
    with statements(engine) as sent:
        repertory.lines(NOOR)
        repertory.known([NOOR, OTIS], "fedris")
    assert len(sent) == 2
    assert [step for step in scans(engine, sent) if "repertory_lines" in step] == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (replace(WALLOON, ssin="12345678900"), "the SSIN is not valid"),
        (replace(WALLOON, end=date(2019, 5, 31)), "ends on 2019-05-31, before it begins"),
        (replace(WALLOON, source=None), "a line is held by a source or by a customer"),
        (replace(WALLOON, customer="fedris"), "a line is held by a source or by a customer"),
        (replace(WALLOON, archive=Operator.AVIQ), "an archive is one of the two of the split"),
        (replace(FEDERAL, archive=Operator.ORINT), "an archive is one of the two of the split"),
        (replace(WALLOON, quality=100), "quality 100 is unknown in sector 7"),
        (replace(WALLOON, quality=108), "quality 108 is unknown in sector 7"),
        (replace(WALLOON, sector=1000), "sector 1000 is unknown"),
        (replace(INSCRIPTION, quality=1000), "quality 1000 is unknown"),
        (replace(INSCRIPTION, phase=-1), "phase -1 is unknown"),
        (replace(WALLOON, file_type=None), "a line of a source names the type of file"),
        (replace(INSCRIPTION, customer="nobody"), "the customer is unknown"),
    ],
)
def test_lines_that_break_a_rule(
    repertory: PersonRepertory, line: RepertoryLine, rule: str
) -> None:
    with pytest.raises(DataError, match=f"^row 2: {rule}") as caught:
        repertory.add([FEDERAL, line])
    assert line.ssin not in str(caught.value)
    assert repertory.lines(NOOR) == ()


@pytest.mark.parametrize("quality", [101, 102, 103, 104, 105, 106, 107, 902, 999])
def test_all_qualities_of_sector_7(repertory: PersonRepertory, quality: int) -> None:
    line = replace(WALLOON, quality=quality)
    repertory.add([line])
    assert repertory.lines(NOOR) == (line,)


def test_nothing_to_add(repertory: PersonRepertory) -> None:
    repertory.add([])


def test_a_repertory_that_does_not_answer() -> None:
    repertory = PersonRepertory(open_database("sqlite:////nowhere/registers.sqlite"))
    with pytest.raises(Unavailable):
        repertory.lines(NOOR)
    with pytest.raises(Unavailable):
        repertory.known([NOOR], "fedris")
