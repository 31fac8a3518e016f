"""Statements straight to the driver: the same answers and refusals as through SQLAlchemy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, bindparam, delete, insert, select, text

from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers import direct as module
from ksz_childbenefits.registers.database import open_database, reading, writing
from ksz_childbenefits.registers.direct import Direct, Prepared, direct
from ksz_childbenefits.registers.schema import deliberations, persons
from tests.registers.numbers import NOOR, OTIS

OF_NUMBERS = Prepared(
    lambda _: (
        select(persons.c.ssin, persons.c.birth_date)
        .where(persons.c.ssin.in_(bindparam("numbers", expanding=True)))
        .order_by(persons.c.ssin)
    )
)
WITHDRAWN = Prepared(lambda _: delete(persons).where(persons.c.status == bindparam("state")))


@pytest.fixture
def asked(engine: Engine) -> Direct:
    with writing(engine) as connection:
        for ssin, born in ((NOOR, date(2012, 3, 15)), (OTIS, date(2015, 6, 1))):
            row = {"ssin": ssin, "birth_date": born, "status": "EXISTING"}
            connection.execute(insert(persons).values(row))
    return direct(engine)


@pytest.mark.parametrize("times", [1, 2])
def test_a_list_may_be_of_any_length(asked: Direct, times: int) -> None:
    for _ in range(times):
        assert asked.rows(OF_NUMBERS, numbers=[]) == []
        assert asked.rows(OF_NUMBERS, numbers=[OTIS]) == [(OTIS, date(2015, 6, 1))]
        both = asked.rows(OF_NUMBERS, numbers=[OTIS, NOOR, "none"])
        assert sorted(both) == sorted([(NOOR, date(2012, 3, 15)), (OTIS, date(2015, 6, 1))])


def test_a_change_is_seen_by_all_at_once_and_counted(asked: Direct, engine: Engine) -> None:
    assert asked.change(WITHDRAWN, state="CANCELLED") == 0
    assert asked.change(WITHDRAWN, state="EXISTING") == 2
    with reading(engine) as connection:
        assert connection.execute(select(persons)).all() == []


def test_what_a_type_needs_on_the_way_in_and_out_it_gets(engine: Engine) -> None:
    """Dates, lists in JSON and truth values, which the two drivers hold differently."""
    columns = (
        *(deliberations.c.begin_date, deliberations.c.sources),
        deliberations.c.inscription_required,
    )
    begun = Prepared(
        lambda _: select(*columns).where(deliberations.c.begin_date <= bindparam("day"))
    )
    with writing(engine) as connection:
        connection.execute(
            text("INSERT INTO customers (name, title, cbe_number) VALUES ('a', '', '0206731645')")
        )
        connection.execute(
            insert(deliberations).values(
                number="1",
                customer="a",
                legal_contexts=["X"],
                sources=["WALLONIA"],
                inscription_required=True,
                begin_date=date(2020, 1, 1),
                withheld=[],
            )
        )
    assert direct(engine).rows(begun, day=date(2019, 12, 31)) == []
    found = direct(engine).rows(begun, day=date(2020, 1, 1))
    assert found == [(date(2020, 1, 1), ["WALLONIA"], True)]


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    gone = open_database(f"sqlite:///{tmp_path / 'nowhere' / 'registers.sqlite'}")
    with pytest.raises(Unavailable, match="SQLITE_CANTOPEN"):
        direct(gone).rows(OF_NUMBERS, numbers=[NOOR])


def test_a_table_that_is_not_there_is_no_silence(unmigrated: Engine) -> None:
    """What is wrong with a statement is a defect; where the driver cannot tell, it is Unavailable.

    SQLite has one error for both.
    """
    kind = Unavailable if unmigrated.dialect.name == "sqlite" else Exception
    with pytest.raises(kind):
        direct(unmigrated).rows(OF_NUMBERS, numbers=[NOOR])


def test_one_engine_has_one_and_closes_what_lies_ready(asked: Direct, engine: Engine) -> None:
    assert direct(engine) is asked
    asked.rows(OF_NUMBERS, numbers=[NOOR])
    assert len(asked._ready) == 1
    engine.dispose()
    assert asked._ready == []
    assert asked.rows(OF_NUMBERS, numbers=[NOOR])


def test_a_server_that_restarts_is_not_noticed(postgresql: Engine) -> None:
    asked = direct(postgresql)
    assert asked.rows(OF_NUMBERS, numbers=[NOOR]) == []
    with postgresql.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert asked.rows(OF_NUMBERS, numbers=[NOOR]) == []


def test_commits_of_others_are_on_the_disk_whoever_had_the_connection(sqlite: Engine) -> None:
    """What a request changes waits for the commit of its record; nothing else may wait."""
    asked = direct(sqlite)
    asked.rows(OF_NUMBERS, numbers=[NOOR])
    ((_, driver),) = asked._ready
    assert driver.execute("PRAGMA synchronous").fetchone() == (care("NORMAL"),)
    asked.close()
    with reading(sqlite) as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == care("FULL")


def care(name: str) -> int:
    """SQLite's numbers for its levels of care."""
    return {"OFF": 0, "NORMAL": 1, "FULL": 2}[name]


def test_no_more_connections_are_kept_than_are_useful(
    sqlite: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", 1)
    asked = Direct(sqlite)
    first, second = asked.take(), asked.take()
    assert first[1] is not second[1]
    asked._ready.append(first)
    asked.rows(OF_NUMBERS, numbers=[NOOR])
    assert len(asked._ready) == 1
    asked.close()
