"""The split of ORINT's holdings between Iriscare and AVIQ (DOMAIN 1)."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, func, select, text

from ksz_childbenefits.cadastres import split as splitting
from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.cadastres.store import HeldFile, RegionalEntry, insert_files
from ksz_childbenefits.domain.files import File, FileType, Fund
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import cadastre_files, regional_repertory
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
    of_otis = OF_OTIS._replace(fund=fund)
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
    # The parent is in Noor's file, so a line says its archive too (DOMAIN 1).
    assert archives(engine) == [(named.begin, AVIQ), (named.begin, IRISCARE), (walloon.begin, None)]


UNKNOWN = ssin("100101997")
"""A child that the register does not hold."""


@pytest.mark.parametrize(
    ("files", "entries", "missing"),
    [
        ([file([UNKNOWN, NOOR], date(2012, 4, 1))], [], 1),
        ([], [UNKNOWN], 1),
        ([file([UNKNOWN], date(2012, 4, 1))], [UNKNOWN, ssin("700101997", False)], 2),
    ],
)
def test_without_the_domiciles_nothing_is_split(
    engine: Engine, files: list[File], entries: list[str], missing: int
) -> None:
    entry = entries_of(federal(OF_NOOR))[0]
    held_entries = [replace(entry, ssin=number) for number in entries]
    store(engine, [federal(OF_OTIS), *map(federal, files)], held_entries)
    with pytest.raises(DataError, match=f"register of persons: {missing}; .*`persons import`") as e:
        split(engine)
    assert not any(number in str(e.value) for number in [UNKNOWN, *entries])
    assert held(engine, AVIQ, OTIS) == held(engine, AVIQ, UNKNOWN) == ()


def test_a_region_needs_no_domicile(engine: Engine) -> None:
    walloon = file([UNKNOWN], date(2020, 1, 1), fund=PARENTIA)
    store(engine, [HeldFile(ORINT, AuthenticSource.WALLONIA, walloon)])
    assert split(engine).files == {ORINT: 1, AVIQ: 1}


def test_lines_without_the_files_that_they_stand_for_are_not_split(engine: Engine) -> None:
    # A parent in Brussels of a child in Ghent: its own domicile would say Iriscare.
    PersonRepertory(engine).add([replace(LINE, begin=OF_OTIS.begin, end=OF_OTIS.end)])
    with pytest.raises(DataError, match="none of ORINT's federal files"):
        split(engine)
    assert archives(engine) == [(OF_OTIS.begin, None)]


def of_parent(*files: File) -> list[RegionalEntry]:
    return [e for one in files for e in entries_of(federal(one)) if e.ssin == PARENT]


@pytest.mark.parametrize("first", [[OF_NOOR], [OF_OTIS], []])
def test_a_file_that_comes_later_is_found_in_its_archive(engine: Engine, first: list[File]) -> None:
    # One entry for both files, as both are at one fund.
    line = replace(LINE, begin=date(2015, 1, 1), end=None)
    store(engine, [*map(federal, first), federal(WITHOUT_PARENT)], of_parent(OF_NOOR))
    PersonRepertory(engine).add([line])
    split(engine)
    with writing(engine) as connection:
        later = [one for one in (OF_NOOR, OF_OTIS) if one not in first]
        insert_files(connection, [federal(one) for one in later])
    split(engine)
    assert held(engine, IRISCARE) == (OF_NOOR,)
    assert held(engine, AVIQ) == (OF_OTIS,)
    assert {archive for _, archive in archives(engine)} == {AVIQ, IRISCARE}
    again = split(engine)
    assert again.entries == {ORINT: 1, IRISCARE: 1, AVIQ: 1}
    assert again.lines == {IRISCARE: 1, AVIQ: 1}


WITHOUT_PARENT = file([NOOR], date(2016, 1, 1), date(2016, 12, 31), fund=OTHER_FUND)


@pytest.mark.parametrize(
    ("of_archive", "added"),
    [
        # Another line of the same role covers what the line and Otis' file have in common ...
        (replace(LINE, archive=AVIQ, begin=date(2014, 8, 1), end=date(2018, 12, 31)), False),
        (replace(LINE, archive=AVIQ, begin=date(2010, 1, 1), end=None), False),
        # ... or only some of it, or is of another role or archive.
        (replace(LINE, archive=AVIQ, begin=date(2010, 1, 1), end=date(2017, 12, 31)), True),
        (replace(LINE, archive=AVIQ, begin=date(2010, 1, 1), end=None, quality=101), True),
        (replace(LINE, archive=IRISCARE, begin=date(2014, 8, 1), end=date(2018, 12, 31)), True),
    ],
)
def test_a_named_line_gets_another_only_where_none_covers_the_file(
    engine: Engine, of_archive: RepertoryLine, added: bool
) -> None:
    store(engine, [federal(OF_NOOR), federal(OF_OTIS)])
    line = replace(LINE, archive=IRISCARE, begin=date(2012, 1, 1), end=None)
    PersonRepertory(engine).add([line, of_archive])
    split(engine)
    assert (archives(engine).count((line.begin, AVIQ)) == 1) == added


def test_an_export_of_before_the_split_doubles_no_line(engine: Engine) -> None:
    both = replace(LINE, begin=date(2015, 1, 1), end=None)
    store(engine, [federal(OF_NOOR), federal(OF_OTIS)])
    PersonRepertory(engine).add([LINE, both])
    first = split(engine)
    # What was exported before comes back by an import: no archive, so not the same line.
    PersonRepertory(engine).add([LINE, both])
    assert split(engine) == first


def test_what_an_operator_imported_of_its_own_is_not_doubled(engine: Engine) -> None:
    """A database into which AVIQ's export was imported, before ORINT's was split there."""
    own = [replace(federal(OF_OTIS), operator=AVIQ)]
    other = OF_OTIS._replace(begin=date(2014, 9, 1))
    files = [federal(OF_NOOR), federal(OF_OTIS), federal(OF_OTIS), federal(other)]
    entries = [entry for one in files[:2] for entry in entries_of(one)]
    store(engine, [*own, *files], [*entries, *entries_of(own[0])])
    count = split(engine)
    # Each of ORINT's has one copy, the first of them the one that was there.
    assert count.files == {ORINT: 4, IRISCARE: 1, AVIQ: 3}
    assert Counter(held(engine, AVIQ, OTIS)) == {OF_OTIS: 2, other: 1}
    with reading(engine) as connection:
        of_otis = (regional_repertory.c.operator == "AVIQ") & (regional_repertory.c.ssin == OTIS)
        query = select(func.count()).select_from(regional_repertory).where(of_otis)
        assert connection.execute(query).scalar() == 1
        mine = select(func.count()).select_from(cadastre_files)
        assert connection.execute(mine.where(cadastre_files.c.operator == "AVIQ")).scalar() == 3


@pytest.mark.parametrize("stage", [0, 1, 2], ids=["files", "entries", "lines"])
def test_two_splits_at_once_double_nothing(postgresql: Engine, stage: int) -> None:
    PersonRegister(postgresql).add(PERSONS)
    store(postgresql, [federal(OF_NOOR), federal(OF_OTIS)], of_parent(OF_NOOR))
    PersonRepertory(postgresql).add([replace(LINE, begin=date(2015, 1, 1), end=None)])
    with ThreadPoolExecutor(1) as pool:
        for _, take in splitting._STAGES[:stage]:
            with writing(postgresql) as connection:
                take(connection, 0)
        with writing(postgresql) as connection:
            # A split that has not committed this yet when another comes to the same rows.
            splitting._STAGES[stage][1](connection, 0)
            other = pool.submit(split, postgresql)
            until_one_waits(postgresql)
        count = other.result()
    assert count.files == {ORINT: 2, IRISCARE: 1, AVIQ: 1}
    assert count.entries == {ORINT: 1, IRISCARE: 1, AVIQ: 1}
    assert count.lines == {IRISCARE: 1, AVIQ: 1}


def until_one_waits(engine: Engine) -> None:
    """Return when a transaction of this database waits for another's lock."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        with reading(engine) as connection:
            if connection.execute(waiting).scalar():
                return
        time.sleep(0.02)
    raise AssertionError("nothing waits")
