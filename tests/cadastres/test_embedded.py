"""The embedded cadastre: regional repertory, then files (DOMAIN 1, 2, 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre, FailingCadastre
from ksz_childbenefits.cadastres.store import HeldFile, RegionalEntry
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import CadastreFailure
from ksz_childbenefits.registers.database import open_database
from tests.cadastres.holdings import FAMIFED, OTHER_FUND, PARENTIA, entries_of, federal, file, store
from tests.registers.databases import scans, statements
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT

FILE = file(
    [NOOR, OTIS],
    date(2014, 7, 15),
    date(2019, 5, 10),
    beneficiaries=[PARENT],
    entitled=OTHER_PARENT,
)


def call(
    ssin: str = NOOR,
    begin: str = "2000-01",
    end: str = "2019-12",
    source: AuthenticSource = AuthenticSource.FEDERAL,
) -> CadastreCall:
    return CadastreCall(source, ssin, MonthRange(YearMonth.parse(begin), YearMonth.parse(end)))


@pytest.fixture
def orint(engine: Engine) -> EmbeddedCadastre:
    return EmbeddedCadastre(engine, Operator.ORINT)


@pytest.mark.parametrize("ssin", [NOOR, OTIS, PARENT, OTHER_PARENT])
def test_a_file_is_found_whole_for_whoever_is_in_it(
    engine: Engine, orint: EmbeddedCadastre, ssin: str
) -> None:
    store(engine, [federal(FILE)])
    assert orint.files(call(ssin)).files == (FILE,)


def test_a_person_in_two_roles_finds_the_file_once(engine: Engine, orint: EmbeddedCadastre) -> None:
    both = FILE._replace(entitled_person=PARENT)
    store(engine, [federal(both)])
    assert orint.files(call(PARENT)).files == (both,)


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        # Valid from 2014-07-15 to 2019-05-10: a day in the range is enough.
        ("2014-07", "2014-07", True),
        ("2010-01", "2014-06", False),
        ("2019-05", "2019-05", True),
        ("2019-06", "2019-12", False),
        ("2016-01", "2016-01", True),
        ("1900-01", "2019-12", True),
    ],
)
def test_a_file_counts_where_its_validity_meets_the_range(
    engine: Engine, orint: EmbeddedCadastre, begin: str, end: str, found: bool
) -> None:
    store(engine, [federal(FILE)])
    assert orint.files(call(begin=begin, end=end)).files == ((FILE,) if found else ())


def test_a_file_without_end(engine: Engine) -> None:
    opened = file([NOOR], date(2020, 2, 1), fund=PARENTIA)
    held = HeldFile(Operator.IRISCARE, AuthenticSource.BRUSSELS, opened)
    store(engine, [held])
    asked = call(begin="2999-12", end="2999-12", source=AuthenticSource.BRUSSELS)
    assert EmbeddedCadastre(engine, Operator.IRISCARE).files(asked).files == (opened,)


def test_only_files_of_the_operator_and_the_source(engine: Engine) -> None:
    walloon = file([NOOR], date(2019, 1, 1), fund=PARENTIA)
    store(
        engine,
        [
            federal(FILE),
            HeldFile(Operator.ORINT, AuthenticSource.WALLONIA, walloon),
            HeldFile(Operator.AVIQ, AuthenticSource.WALLONIA, walloon._replace(file_number="A")),
        ],
    )
    asked = call(source=AuthenticSource.WALLONIA)
    assert EmbeddedCadastre(engine, Operator.ORINT).files(asked).files == (walloon,)
    assert EmbeddedCadastre(engine, Operator.AVIQ).files(call()).files == ()


def elsewhere(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, fund=OTHER_FUND.number)


def of_another_type(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, file_type=FileType.PARTICIPATION)


def of_another_person(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, ssin=OTIS)


def of_another_source(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, source=AuthenticSource.WALLONIA)


def of_another_operator(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, operator=Operator.AVIQ)


def before(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, begin=date(2000, 1, 1), end=date(2013, 12, 31))


def in_another_role(entry: RegionalEntry) -> RegionalEntry:
    return replace(entry, quality=102)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (elsewhere, False),
        (of_another_type, False),
        (of_another_person, False),
        (of_another_source, False),
        (of_another_operator, False),
        (before, False),
        (in_another_role, True),
    ],
)
def test_the_regional_repertory_must_know_the_person_at_that_fund(
    engine: Engine,
    orint: EmbeddedCadastre,
    changed: Callable[[RegionalEntry], RegionalEntry],
    found: bool,
) -> None:
    entry = next(entry for entry in entries_of(federal(FILE)) if entry.ssin == NOOR)
    store(engine, [federal(FILE)], [changed(entry)])
    assert orint.files(call(begin="2014-01")).files == ((FILE,) if found else ())


def test_several_entries_give_a_file_once(engine: Engine, orint: EmbeddedCadastre) -> None:
    entry = entries_of(federal(FILE))[0]
    store(engine, [federal(FILE)], [entry, entry, replace(entry, quality=102)])
    assert orint.files(call()).files == (FILE,)


def test_funds_by_code_and_by_enterprise_number(engine: Engine, orint: EmbeddedCadastre) -> None:
    second = file([NOOR], date(2018, 1, 1), fund=OTHER_FUND, number=None)
    store(engine, [federal(FILE), federal(second)])
    assert [found.fund for found in orint.files(call()).files] == [FAMIFED, OTHER_FUND]


def test_a_call_is_one_statement_answered_by_indexes(
    engine: Engine, orint: EmbeddedCadastre
) -> None:
    store(engine, [federal(FILE)])
    with statements(engine) as sent:
        orint.files(call())
    assert len(sent) == 1
    assert scans(engine, sent) == []


def test_a_cadastre_whose_database_does_not_answer_fails() -> None:
    cadastre = EmbeddedCadastre(open_database("sqlite:////nowhere/cadastre.sqlite"), Operator.AVIQ)
    with pytest.raises(CadastreFailure, match=r"AVIQ: the database does not answer") as caught:
        cadastre.files(call())
    assert NOOR not in str(caught.value)


def test_a_failing_cadastre_fails() -> None:
    cadastre: Cadastre = FailingCadastre(Operator.AVIQ)
    with pytest.raises(CadastreFailure, match="AVIQ") as caught:
        cadastre.files(call())
    assert NOOR not in str(caught.value)
