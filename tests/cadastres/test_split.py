"""The split of ORINT's holdings between Iriscare and AVIQ (DOMAIN 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Delete, Engine, Update, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ksz_childbenefits.cadastres import split as splitting
from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.proof import prove
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.cadastres.store import HeldFile
from ksz_childbenefits.domain.files import File, FileType, Fund
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    regional_repertory,
    repertory_lines,
)
from tests.cadastres.holdings import OTHER_FUND, PARENTIA, entries_of, federal, file, store
from tests.registers.numbers import MILA, NOOR, OTHER_PARENT, OTIS, PARENT, ssin

ORINT, AVIQ, IRISCARE = Operator.ORINT, Operator.AVIQ, Operator.IRISCARE
ALL_MONTHS = MonthRange(YearMonth(1900, 1), YearMonth(2999, 12))


def home(nis: str, begin: date, end: date | None = None) -> ConnectingFactor:
    return ConnectingFactor(1, nis, begin, end)


PERSONS = [
    # Brussels to 2019-05-31, then Namur: last federal month 2019-05, so Iriscare.
    Person(
        NOOR,
        date(2012, 3, 15),
        factors=(
            home("21004", date(2012, 3, 15), date(2019, 5, 31)),
            home("92094", date(2019, 6, 1)),
        ),
    ),
    # Ghent: last federal month 2018-12, not in Brussels, so AVIQ.
    Person(OTIS, date(2014, 7, 2), factors=(home("44021", date(2014, 7, 2)),)),
    # Brussels throughout: last federal month 2019-12, so Iriscare.
    Person(MILA, date(2016, 1, 10), factors=(home("21001", date(2016, 1, 10)),)),
    # 25 years old in 2005: last federal month 2004-12, in Brussels, so Iriscare.
    Person(PARENT, date(1980, 1, 1), factors=(home("21009", date(1980, 1, 1)),)),
    # Never domiciled anywhere, so AVIQ.
    Person(OTHER_PARENT, date(1981, 2, 2)),
]
OF_NOOR = file([NOOR], date(2012, 4, 1), date(2019, 5, 31), beneficiaries=[PARENT])
OF_OTIS = file([OTIS], date(2014, 8, 1), date(2018, 12, 31), beneficiaries=[PARENT])
LINE = RepertoryLine(
    ssin=PARENT,
    source=AuthenticSource.FEDERAL,
    customer=None,
    sector=7,
    quality=102,
    phase=0,
    file_type=FileType.CHILD_BENEFIT,
    archive=None,
    begin=OF_NOOR.begin,
    end=OF_NOOR.end,
)


@pytest.fixture
def engine(engine: Engine) -> Engine:
    PersonRegister(engine).add(PERSONS)
    return engine


def held(engine: Engine, operator: Operator, ssin: str = PARENT) -> tuple[File, ...]:
    """What an operator answers for FEDERAL, whatever the months."""
    call = CadastreCall(AuthenticSource.FEDERAL, ssin, ALL_MONTHS)
    return EmbeddedCadastre(engine, operator).files(call)


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
    assert EmbeddedCadastre(engine, operator).files(call) == (live,)
    assert EmbeddedCadastre(engine, ORINT).files(call) == (live,)
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


MIXED = [
    federal(OF_NOOR),
    federal(OF_OTIS),
    federal(file([MILA, NOOR], date(2016, 2, 1), date(2019, 12, 31), entitled=OTHER_PARENT)),
    federal(file([OTIS], date(2015, 1, 1), date(2015, 12, 31), fund=OTHER_FUND)),
    federal(OF_NOOR),
    HeldFile(ORINT, AuthenticSource.WALLONIA, file([NOOR], date(2019, 6, 1), fund=PARENTIA)),
    HeldFile(ORINT, AuthenticSource.EASTBELGIUM, file([OTIS], date(2019, 1, 1), fund=PARENTIA)),
    HeldFile(ORINT, AuthenticSource.BRUSSELS, file([MILA], date(2020, 1, 1), fund=PARENTIA)),
    HeldFile(Operator.OPGROEIEN, AuthenticSource.FLANDERS, file([OTIS], date(2019, 1, 1))),
    # Begun after the split at its operator: nothing to do with ORINT.
    HeldFile(AVIQ, AuthenticSource.WALLONIA, file([OTIS], date(2024, 2, 1), fund=PARENTIA)),
]


def contents(engine: Engine, operators: Iterable[Operator], *, carried: bool) -> Counter[str]:
    """The rows of all files, members included, as texts without who holds them."""
    columns = [c for c in cadastre_files.c if c.name not in ("id", "operator", "carried_from")]
    members = select(
        cadastre_file_members.c.file_id,
        func.group_concat(cadastre_file_members.c.ssin + cadastre_file_members.c.quality).label(
            "members"
        ),
    ).group_by(cadastre_file_members.c.file_id)
    grouped = members.subquery()
    query = (
        select(*columns, grouped.c.members)
        .join(grouped, grouped.c.file_id == cadastre_files.c.id)
        .where(cadastre_files.c.operator.in_([o.value for o in operators]))
        .where(cadastre_files.c.carried_from.is_not(None) == carried)
    )
    with reading(engine) as connection:
        return Counter(str(tuple(row)) for row in connection.execute(query))


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_nothing_is_lost_or_doubled(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(splitting, "_CHUNK", chunk)
    store(engine, MIXED)
    count = split(engine)
    # ORINT: five federal files and three regional ones; Otis' two federal and two regional to AVIQ.
    assert count.files == {ORINT: 8, AVIQ: 4, IRISCARE: 4}
    before = contents(engine, [ORINT], carried=False)
    assert before.total() == 8
    assert contents(engine, [IRISCARE, AVIQ], carried=True) == before


@pytest.mark.parametrize("ssin", [NOOR, OTIS, MILA, PARENT, OTHER_PARENT])
@pytest.mark.parametrize(
    "months", [ALL_MONTHS, MonthRange(YearMonth(2014, 1), YearMonth(2015, 6))], ids=str
)
def test_the_archives_together_answer_what_orint_answered(
    engine: Engine, ssin: str, months: MonthRange
) -> None:
    store(engine, MIXED)
    split(engine)
    call = CadastreCall(AuthenticSource.FEDERAL, ssin, months)
    of_orint, of_iriscare, of_aviq = (
        Counter(map(repr, EmbeddedCadastre(engine, o).files(call))) for o in (ORINT, IRISCARE, AVIQ)
    )
    assert of_iriscare + of_aviq == of_orint


def test_a_second_split_carries_only_what_is_new(engine: Engine) -> None:
    store(engine, MIXED)
    PersonRepertory(engine).add([LINE])
    first = split(engine)
    assert split(engine) == first
    PersonRepertory(engine).add([replace(LINE, begin=OF_OTIS.begin, end=OF_OTIS.end)])
    assert split(engine).lines == {IRISCARE: 1, AVIQ: 1}


def test_nothing_to_split(engine: Engine) -> None:
    assert split(engine).files == {ORINT: 0}


CARRIED = cadastre_files.c.carried_from == 1
COPIED_ENTRY = regional_repertory.c.carried_from == 1
A_COPY = select(cadastre_files.c.id).where(CARRIED).scalar_subquery()


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (update(cadastre_files).where(CARRIED).values(carried_from=None), "lost 1 of 8 files"),
        (delete(regional_repertory).where(COPIED_ENTRY), "lost 1 of 13 entries"),
        (update(cadastre_files).where(CARRIED).values(file_number="X"), "lost 1 of 8 files"),
        (update(cadastre_files).where(CARRIED).values(content={}), "lost 1 of 8 files"),
        (
            delete(cadastre_file_members).where(cadastre_file_members.c.file_id == A_COPY),
            "lost 1 of 8 files",
        ),
        (update(regional_repertory).where(COPIED_ENTRY).values(quality=105), "lost 1 of 13"),
        (
            update(cadastre_files)
            .where(cadastre_files.c.operator == "OPGROEIEN")
            .values(operator="AVIQ", carried_from=99, source="WALLONIA"),
            "added 1 files",
        ),
        (
            update(cadastre_files).where(CARRIED).values(operator="OPGROEIEN"),
            "OPGROEIEN does not hold FEDERAL",
        ),
        (update(repertory_lines).values(archive=None), "a FEDERAL line names no archive"),
    ],
)
def test_the_proof_finds_damage(engine: Engine, damage: Update | Delete, finding: str) -> None:
    store(engine, MIXED)
    PersonRepertory(engine).add([LINE])
    split(engine)
    with writing(engine) as connection:
        connection.execute(damage)
        with pytest.raises(DataError, match=finding):
            prove(connection)


def test_a_file_cannot_be_carried_twice(engine: Engine) -> None:
    store(engine, MIXED)
    split(engine)
    with writing(engine) as connection:
        copied = dict(connection.execute(select(cadastre_files).where(CARRIED)).mappings().one())
        with pytest.raises(IntegrityError):
            connection.execute(insert(cadastre_files), copied | {"id": 999})
