"""Nothing is lost or doubled by the split, and the proof of it finds damage (DOMAIN 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import (
    Delete,
    Engine,
    Insert,
    String,
    Update,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ksz_childbenefits.cadastres import carrying
from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.proof import ProofFailed, prove
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.cadastres.store import HeldFile, insert_files
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    regional_repertory,
    repertory_lines,
)
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
from tests.cadastres.holdings import OTHER_FUND, PARENTIA, federal, file, store
from tests.registers.numbers import MILA, NOOR, OTHER_PARENT, OTIS, PARENT

pytestmark = pytest.mark.once


@pytest.fixture
def engine(engine: Engine) -> Engine:
    PersonRegister(engine).add(PERSONS)
    return engine


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
        func.aggregate_strings(
            cadastre_file_members.c.ssin + cast(cadastre_file_members.c.quality, String), " "
        ).label("members"),
    ).group_by(cadastre_file_members.c.file_id)
    grouped = members.subquery()
    query = (
        select(*columns, grouped.c.members)
        .join(grouped, grouped.c.file_id == cadastre_files.c.id)
        .where(cadastre_files.c.operator.in_([o.value for o in operators]))
        .where(cadastre_files.c.carried_from.is_not(None) == carried)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return Counter(str((*row[:-1], sorted(row.members.split()))) for row in rows)


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_nothing_is_lost_or_doubled(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(carrying, "CHUNK", chunk)
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
        Counter(map(repr, EmbeddedCadastre(engine, o).files(call).files))
        for o in (ORINT, IRISCARE, AVIQ)
    )
    assert of_iriscare + of_aviq == of_orint


def test_a_second_split_carries_only_what_is_new(engine: Engine) -> None:
    store(engine, MIXED)
    PersonRepertory(engine).add([LINE])
    first = split(engine)
    assert split(engine) == first
    PersonRepertory(engine).add([replace(LINE, begin=OF_OTIS.begin, end=OF_OTIS.end)])
    assert split(engine).lines == {IRISCARE: 1, AVIQ: 1}


def test_what_is_imported_while_it_is_split_is_carried_too(engine: Engine) -> None:
    store(engine, [federal(OF_NOOR)])
    PersonRepertory(engine).add([replace(LINE, end=None)])
    later = [federal(OF_OTIS)]

    def add(what: str, _rows: int) -> None:
        if what == "FEDERAL lines" and later:
            with writing(engine) as connection:
                insert_files(connection, later)
            later.clear()

    count = split(engine, add)
    assert count.files == {ORINT: 2, IRISCARE: 1, AVIQ: 1}
    # The parent's entry and line led to Iriscare alone until then.
    assert count.entries == {ORINT: 2, IRISCARE: 2, AVIQ: 1}
    assert count.lines == {IRISCARE: 1, AVIQ: 1}


def test_a_loss_is_no_concurrent_change(engine: Engine) -> None:
    store(engine, MIXED)
    split(engine)
    with writing(engine) as connection:
        connection.execute(update(cadastre_files).where(CARRIED).values(file_number="X"))
        # This is mended: the copy is made anew.
        connection.execute(delete(regional_repertory).where(COPIED_ENTRY))
    with pytest.raises(ProofFailed, match="lost 1 of 8 files"):
        split(engine)


def test_nothing_to_split(engine: Engine) -> None:
    assert split(engine).files == {ORINT: 0}


CARRIED = cadastre_files.c.carried_from == 1
COPIED_ENTRY = regional_repertory.c.carried_from == 1
SAID = [column.name for column in repertory_lines.c if column.name != "id"]
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
            .where(cadastre_files.c.operator == "Opgroeien")
            .values(operator="AVIQ", carried_from=99, source="WALLONIA"),
            "added 1 files",
        ),
        (
            update(cadastre_files).where(CARRIED).values(operator="Opgroeien"),
            "Opgroeien does not hold FEDERAL",
        ),
        (
            # The entry of Mila's and Noor's entitled person: of a file that is at Iriscare.
            update(regional_repertory)
            .where(
                regional_repertory.c.carried_from.is_not(None),
                regional_repertory.c.ssin == OTHER_PARENT,
            )
            .values(operator="AVIQ"),
            "1 of 13 entries have no copy where a file is that they lead to",
        ),
        (
            # Both files name the parent at one fund: its entries lead to both archives.
            delete(regional_repertory).where(
                regional_repertory.c.carried_from.is_not(None),
                regional_repertory.c.ssin == PARENT,
                regional_repertory.c.operator == "AVIQ",
            ),
            "3 of 13 entries have no copy where a file is that they lead to",
        ),
        (update(repertory_lines).values(archive=None), "a FEDERAL line names no archive"),
        (
            insert(repertory_lines).from_select(
                SAID, select(*(repertory_lines.c[name] for name in SAID))
            ),
            "1 FEDERAL lines are there more than once",
        ),
    ],
)
def test_the_proof_finds_damage(
    engine: Engine, damage: Update | Delete | Insert, finding: str
) -> None:
    store(engine, MIXED)
    PersonRepertory(engine).add([LINE])
    split(engine)
    with writing(engine) as connection:
        connection.execute(damage)
        with pytest.raises(ProofFailed, match=finding):
            prove(connection)


def test_a_file_cannot_be_carried_twice(engine: Engine) -> None:
    store(engine, MIXED)
    split(engine)
    with writing(engine) as connection:
        copied = dict(connection.execute(select(cadastre_files).where(CARRIED)).mappings().one())
        with pytest.raises(IntegrityError):
            connection.execute(insert(cadastre_files), copied | {"id": 999})


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("stage", ["Files", "Entries", "FEDERAL lines"])
def test_a_split_that_was_killed_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(carrying, "CHUNK", 1)
    store(engine, MIXED)
    PersonRepertory(engine).add([LINE, replace(LINE, begin=OF_OTIS.begin, end=OF_OTIS.end)])

    def kill(what: str, rows: int) -> None:
        if what == stage:
            raise Killed

    with pytest.raises(Killed):
        split(engine, kill)
    count = split(engine)
    assert count.files == {ORINT: 8, AVIQ: 4, IRISCARE: 4}
    assert count.lines == {IRISCARE: 1, AVIQ: 1}
    assert contents(engine, [IRISCARE, AVIQ], carried=True) == contents(
        engine, [ORINT], carried=False
    )
    # The sum of the hashes at the archives is that of ORINT.
    of_orint, *others = (int(count.digests[o], 16) for o in (ORINT, AVIQ, IRISCARE))
    assert of_orint == sum(others) % 2**256
