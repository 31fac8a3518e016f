"""The loader of the demo world: from TOML rows to registers and cadastres."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine, SsinStatus
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import reading
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_files,
    regional_repertory,
    repertory_lines,
)
from tests.demo.small_world import ALL_MONTHS, FLEMISH, STORY, small, world
from tests.registers.databases import migrated
from tests.registers.databases import sqlite as engine
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT

__all__ = ["engine", "migrated", "small"]


@pytest.fixture
def loaded(engine: Engine, small: Path) -> Engine:
    load_world(engine, world(small))
    return engine


def files(
    engine: Engine, operator: Operator, source: AuthenticSource, ssin: str
) -> tuple[File, ...]:
    return EmbeddedCadastre(engine, operator).files(CadastreCall(source, ssin, ALL_MONTHS)).files


def test_persons_with_factors_birth_dates_and_replacement(loaded: Engine) -> None:
    register = PersonRegister(loaded)
    assert register.find(NOOR) == Person(
        NOOR,
        date(2012, 3, 15),
        factors=(
            ConnectingFactor(1, "21004", date(2012, 3, 15), date(2019, 5, 31)),
            ConnectingFactor(1, "92094", date(2019, 6, 1), None),
        ),
    )
    assert register.find(PARENT) == Person(PARENT, date(1980, 6, 30))
    former = Person(OTHER_PARENT, date(1981, 2, 2), SsinStatus.REPLACED, PARENT)
    assert register.find(OTHER_PARENT) == former


def test_customers_with_their_deliberations(loaded: Engine) -> None:
    register = CustomerRegister(loaded)
    assert register.find("ocmw-namur") == Customer("ocmw-namur", "0207656610", 17, 1)
    assert register.find("sfpd") == Customer("sfpd", "0206738078", None, None)
    assert register.deliberations("fedris") == (
        Deliberation(
            number="20/024",
            customer="fedris",
            legal_contexts=frozenset({"FEDRIS:INQUIRY"}),
            sources=frozenset({AuthenticSource.FEDERAL, AuthenticSource.FLANDERS}),
            months_back=60,
            inscription_required=True,
            valid_from=date(2019, 1, 1),
            valid_to=date(2030, 12, 31),
        ),
    )


def test_a_federal_file_whole(loaded: Engine) -> None:
    descriptions = (
        Description("NL", "Kas"),
        Description("FR", "Caisse"),
        Description("DE", "Kasse"),
    )
    period = PaymentPeriod(YearMonth(2012, 4), YearMonth(2019, 5), "CHILD_ALLOWANCE")
    expected = File(
        type=FileType.CHILD_BENEFIT,
        begin=date(2012, 4, 1),
        end=date(2019, 5, 31),
        fund=Fund(None, "104", descriptions),
        file_number="104010001234",
        entitled_person=PARENT,
        children=(FileMember(NOOR, (Bonus(date(2012, 3, 20), "BIRTH"),), (period,)),),
        beneficiaries=(FileMember(PARENT),),
    )
    # Last federal month 2019-05, in Brussels: the split copied it to Iriscare.
    for operator in (Operator.ORINT, Operator.IRISCARE):
        assert files(loaded, operator, AuthenticSource.FEDERAL, NOOR) == (expected,)
    assert files(loaded, Operator.AVIQ, AuthenticSource.FEDERAL, NOOR) == ()


def test_a_flemish_file_whole(loaded: Engine) -> None:
    (found,) = files(loaded, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS)
    basic = PaymentPeriod(YearMonth(2019, 1), YearMonth(2019, 12), "BASIC")
    social = PaymentPeriod(YearMonth(2020, 1), None, "SOCIAL")
    toddler = PaymentPeriod(YearMonth(2020, 1), None, "TODDLER")
    birth = Bonus(date(2019, 2, 1), "BIRTH")
    assert found.type is FileType.PARTICIPATION
    assert found.fund == Fund("0685540471", None, (Description("NL", "Infino"),))
    assert found.children == (
        FileMember(
            OTIS,
            (birth._replace(beneficiaries=(PARENT,)),),
            (
                basic._replace(beneficiaries=(PARENT, NOOR)),
                social._replace(beneficiaries=(NOOR,)),
                toddler,
            ),
        ),
    )
    # What each of them is shown with is copied from the child when files are selected.
    assert found.beneficiaries == (FileMember(PARENT), FileMember(NOOR))


def line(**fields: object) -> RepertoryLine:
    base = RepertoryLine(
        ssin=NOOR,
        source=AuthenticSource.FEDERAL,
        customer=None,
        sector=7,
        quality=104,
        phase=0,
        file_type=FileType.CHILD_BENEFIT,
        archive=Operator.IRISCARE,
        begin=date(2012, 4, 1),
        end=date(2019, 5, 31),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def test_lines_follow_from_files_in_each_role(loaded: Engine) -> None:
    repertory = PersonRepertory(loaded)
    flemish = line(
        source=AuthenticSource.FLANDERS,
        quality=102,
        file_type=FileType.PARTICIPATION,
        archive=None,
        begin=date(2019, 1, 1),
        end=None,
    )
    assert set(repertory.lines(PARENT)) == {
        line(ssin=PARENT, quality=101),
        line(ssin=PARENT, quality=102),
        replace(flemish, ssin=PARENT),
    }
    investigated = line(
        source=AuthenticSource.WALLONIA,
        quality=107,
        archive=None,
        begin=date(2020, 1, 1),
        end=None,
    )
    assert set(repertory.lines(NOOR)) == {line(), flemish, investigated}
    assert repertory.lines(OTIS) == (replace(flemish, ssin=OTIS, quality=104),)


def test_everyone_is_inscribed_where_it_is_demanded_but_for_exceptions(loaded: Engine) -> None:
    query = select(
        repertory_lines.c.customer,
        repertory_lines.c.ssin,
        repertory_lines.c.sector,
        repertory_lines.c.quality,
        repertory_lines.c.phase,
        repertory_lines.c.begin_date,
        repertory_lines.c.end_date,
    ).where(repertory_lines.c.customer.is_not(None))
    with reading(loaded) as connection:
        found = {tuple(row) for row in connection.execute(query)}
    births = {
        NOOR: date(2012, 3, 15),
        PARENT: date(1980, 6, 30),
        OTHER_PARENT: date(1981, 2, 2),
        OTIS: date(2014, 7, 2),
    }
    assert found == {
        *(("fedris", ssin, 0, 0, 0, birth, None) for ssin, birth in births.items()),
        *(
            ("ocmw-namur", ssin, 17, 0, 0, birth, None)
            for ssin, birth in births.items()
            if ssin != NOOR
        ),
        ("ocmw-namur", NOOR, 17, 1, 2, date(2020, 1, 1), date(2020, 12, 31)),
    }


def test_regional_entries_follow_from_files(loaded: Engine) -> None:
    table = regional_repertory.c
    columns = (table.operator, table.source, table.ssin, table.quality, table.fund, table.file_type)
    with reading(loaded) as connection:
        found = Counter(tuple(row) for row in connection.execute(select(*columns)))
    federal = [(NOOR, 104), (PARENT, 101), (PARENT, 102)]
    flemish = [(OTIS, 104), (PARENT, 102), (NOOR, 102)]
    assert found == Counter(
        [
            (operator, "FEDERAL", ssin, quality, "104", "CHILD_BENEFIT")
            for operator in ("ORINT", "Iriscare")
            for ssin, quality in federal
        ]
        + [
            ("Opgroeien", "FLANDERS", ssin, quality, "0685540471", "PARTICIPATION")
            for ssin, quality in flemish
        ]
    )


def test_a_file_that_is_not_known_is_held_but_not_found(engine: Engine, small: Path) -> None:
    load_world(
        engine, world(small, otis=FLEMISH.replace('type = "PART', 'known = false\ntype = "PART'))
    )
    assert PersonRepertory(engine).lines(OTIS) == ()
    assert files(engine, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS) == ()
    with reading(engine) as connection:
        held = select(func.count()).where(cadastre_files.c.source == "FLANDERS")
        assert connection.execute(held).scalar_one() == 1


def test_files_that_say_the_same_give_one_line_and_one_entry(engine: Engine, small: Path) -> None:
    second = FLEMISH[FLEMISH.index("[[file]]") :]
    load_world(engine, world(small, otis=FLEMISH + second))
    assert len(PersonRepertory(engine).lines(OTIS)) == 1
    assert len(files(engine, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS)) == 2


def test_a_world_without_files(engine: Engine, small: Path) -> None:
    load_world(
        engine,
        world(
            small,
            noor=STORY[: STORY.index("[[file]]")],
            otis=FLEMISH[: FLEMISH.index("[[person]]")],
        ),
    )
    assert PersonRepertory(engine).lines(NOOR) == ()
    assert PersonRegister(engine).find(NOOR) is not None
