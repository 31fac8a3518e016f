"""The split of ORINT's holdings between Iriscare and AVIQ (DOMAIN 1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.cadastres.store import HeldFile
from ksz_childbenefits.domain.files import File, FileType, Fund
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from tests.cadastres.federal import (
    ALL_MONTHS,
    AVIQ,
    IRISCARE,
    LINE,
    OF_NOOR,
    OF_OTIS,
    ORINT,
    PERSONS,
)
from tests.cadastres.holdings import OTHER_FUND, PARENTIA, entries_of, federal, file, store
from tests.registers.numbers import MILA, NOOR, OTHER_PARENT, OTIS, PARENT, ssin


@pytest.fixture
def engine(engine: Engine) -> Engine:
    PersonRegister(engine).add(PERSONS)
    return engine


def held(engine: Engine, operator: Operator, ssin: str = PARENT) -> tuple[File, ...]:
    """What an operator answers for FEDERAL, whatever the months."""
    call = CadastreCall(AuthenticSource.FEDERAL, ssin, ALL_MONTHS)
    return EmbeddedCadastre(engine, operator).files(call).files


def archives(engine: Engine, ssin: str = PARENT) -> list[tuple[date, Operator | None]]:
    return [(line.begin, line.archive) for line in PersonRepertory(engine).lines(ssin)]


@pytest.mark.parametrize(
    ("source", "operator"),
    [
        (AuthenticSource.WALLONIA, AVIQ),
        (AuthenticSource.EASTBELGIUM, AVIQ),
        (AuthenticSource.BRUSSELS, IRISCARE),
    ],
)
def test_a_regional_source_goes_to_its_operator(
    engine: Engine, source: AuthenticSource, operator: Operator
) -> None:
    # A child of Ghent: the domicile plays no part.
    live = file([OTIS], date(2020, 1, 1), fund=PARENTIA)
    store(engine, [HeldFile(ORINT, source, live)])
    count = split(engine)
    call = CadastreCall(source, OTIS, ALL_MONTHS)
    assert EmbeddedCadastre(engine, operator).files(call).files == (live,)
    assert EmbeddedCadastre(engine, ORINT).files(call).files == (live,)
    assert count.files == {ORINT: 1, operator: 1}
    assert count.entries == {ORINT: 1, operator: 1}


@pytest.mark.parametrize(
    ("children", "archive"),
    [
        ([NOOR], IRISCARE),
        ([OTIS], AVIQ),
        ([MILA], IRISCARE),
        # The youngest decides: Otis of 2014 before Noor of 2012, Mila of 2016 before both.
        ([NOOR, OTIS], AVIQ),
        ([NOOR, OTIS, MILA], IRISCARE),
        # A child that the register does not hold has no domicile there.
        ([ssin("100101997")], AVIQ),
    ],
)
def test_a_federal_file_goes_to_the_archive_of_its_youngest_child(
    engine: Engine, children: list[str], archive: Operator
) -> None:
    whole = file(children, date(2012, 4, 1), date(2018, 12, 31), beneficiaries=[PARENT])
    store(engine, [federal(whole)])
    split(engine)
    (other,) = {IRISCARE, AVIQ} - {archive}
    for member in (*children, PARENT):
        assert held(engine, archive, member) == (whole,)
        assert held(engine, other, member) == ()


@pytest.mark.parametrize("fund", [OF_NOOR.fund, OTHER_FUND])
def test_a_parent_with_files_in_both_archives_finds_each_in_its_own(
    engine: Engine, fund: Fund
) -> None:
    of_otis = replace(OF_OTIS, fund=fund)
    store(engine, [federal(OF_NOOR), federal(of_otis)])
    split(engine)
    assert held(engine, IRISCARE) == (OF_NOOR,)
    assert held(engine, AVIQ) == (of_otis,)
    assert held(engine, ORINT) == (OF_NOOR, of_otis)


def test_an_entry_at_a_fund_with_files_of_both_archives_goes_to_both(engine: Engine) -> None:
    of_parent = [e for e in entries_of(federal(OF_NOOR)) if e.ssin == PARENT]
    store(engine, [federal(OF_NOOR), federal(OF_OTIS)], of_parent)
    count = split(engine)
    assert count.entries == {ORINT: 1, IRISCARE: 1, AVIQ: 1}
    assert held(engine, IRISCARE) == (OF_NOOR,)
    # ORINT found it by the same entry: the split must not lose it.
    assert held(engine, AVIQ) == (OF_OTIS,)


@pytest.mark.parametrize(("ssin", "archive"), [(PARENT, IRISCARE), (OTHER_PARENT, AVIQ)])
def test_an_entry_without_files_goes_by_the_persons_own_domicile(
    engine: Engine, ssin: str, archive: Operator
) -> None:
    entry = replace(entries_of(federal(OF_NOOR))[0], ssin=ssin, fund=OTHER_FUND.number)
    store(engine, [federal(OF_NOOR), federal(OF_OTIS)], [entry])
    assert split(engine).entries == {ORINT: 1, archive: 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # The same role and days as one file: that file's archive.
        (LINE, [IRISCARE]),
        (replace(LINE, begin=OF_OTIS.begin, end=OF_OTIS.end), [AVIQ]),
        (replace(LINE, quality=103, begin=OF_OTIS.begin, end=OF_OTIS.end), [AVIQ]),
        # Other days: the files that it meets in that role, one line for each archive.
        (replace(LINE, begin=date(2012, 4, 1), end=date(2014, 7, 31)), [IRISCARE]),
        (replace(LINE, begin=date(2015, 1, 1), end=None), [AVIQ, IRISCARE]),
        # In no file in that role: the files that it meets.
        (replace(LINE, quality=105, end=date(2013, 1, 1)), [IRISCARE]),
        (replace(LINE, quality=101, begin=date(2018, 1, 1)), [AVIQ, IRISCARE]),
        # It meets no file, or of another type only: the person's own domicile.
        (replace(LINE, begin=date(2000, 1, 1), end=date(2001, 1, 1)), [IRISCARE]),
        (replace(LINE, file_type=FileType.PARTICIPATION), [IRISCARE]),
        (replace(LINE, ssin=OTHER_PARENT), [AVIQ]),
        # What never routes has its archive too.
        (replace(LINE, phase=902), [IRISCARE]),
    ],
)
def test_a_line_gets_the_archive_of_the_files_that_it_stands_for(
    engine: Engine, line: RepertoryLine, expected: list[Operator]
) -> None:
    store(engine, [federal(OF_NOOR), federal(OF_OTIS)])
    PersonRepertory(engine).add([line])
    count = split(engine)
    assert sorted(archives(engine, line.ssin)) == [(line.begin, archive) for archive in expected]
    assert count.lines == dict.fromkeys(expected, 1)


def test_a_line_that_names_an_archive_keeps_it_and_others_have_none(engine: Engine) -> None:
    store(engine, [federal(OF_NOOR)])
    named = replace(LINE, archive=AVIQ)
    walloon = replace(LINE, source=AuthenticSource.WALLONIA, begin=date(2020, 1, 1), end=None)
    PersonRepertory(engine).add([named, walloon])
    split(engine)
    assert archives(engine) == [(named.begin, AVIQ), (walloon.begin, None)]
