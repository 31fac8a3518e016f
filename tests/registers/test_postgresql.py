"""What is particular to PostgreSQL: nothing waits for ever, and a question is one round trip."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest
from sqlalchemy import Engine, insert, make_url, select, text

from ksz_childbenefits.errors import ConfigurationError, Unavailable
from ksz_childbenefits.registers import database, postgresql
from ksz_childbenefits.registers.database import (
    answers,
    asking,
    open_database,
    reading,
    without_deadline,
    writing,
)
from ksz_childbenefits.registers.direct import direct
from ksz_childbenefits.registers.edition import Edition
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.registers.schema import persons
from tests.registers.databases import address
from tests.registers.numbers import NOOR, OTIS
from tests.registers.test_replay import KEYS, soon


@pytest.fixture
def hurried(postgresql: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that the server ends statements of after 100 ms, and that itself waits 300 ms."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    monkeypatch.setattr("ksz_childbenefits.registers.postgresql.SPARE_SECONDS", 0.3)
    options = "-c statement_timeout=100 -c lock_timeout=50"
    url = make_url(address(postgresql)).update_query_dict({"options": options})
    engine = open_database(url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def backend(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_an_address_without_driver_gets_ours(cluster: object, postgresql: Engine) -> None:
    assert postgresql.url.drivername == "postgresql+psycopg"
    assert postgresql.dialect.driver == "psycopg"


def test_a_driver_that_is_not_installed_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError):
        open_database("postgresql+asyncpg://127.0.0.1/registers")


def test_the_address_can_say_otherwise() -> None:
    url = make_url("postgresql://host/registers?connect_timeout=9")
    assert "connect_timeout" not in postgresql.connection_arguments(url, 5)
    assert postgresql.connection_arguments(url, 5)["tcp_user_timeout"] == 5000


def test_a_server_that_is_not_there_is_unavailable() -> None:
    engine = open_database("postgresql://nobody@127.0.0.1:1/registers")
    with pytest.raises(Unavailable), reading(engine):
        pass
    assert not answers(engine)


def test_a_statement_that_takes_too_long_is_unavailable(hurried: Engine) -> None:
    pid = backend(hurried)
    with pytest.raises(Unavailable, match="QueryCanceled 57014"), reading(hurried) as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert backend(hurried) == pid


def test_a_lock_held_too_long_is_unavailable(postgresql: Engine, hurried: Engine) -> None:
    with writing(postgresql) as connection:
        connection.execute(text("LOCK TABLE persons"))
        with pytest.raises(Unavailable, match="LockNotAvailable 55P03"):
            PersonRegister(hurried).find(NOOR)
    assert PersonRegister(hurried).find(NOOR) is None


def test_a_frozen_server_is_unavailable_in_time_and_used_again_after(hurried: Engine) -> None:
    pid = backend(hurried)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            PersonRegister(hurried).find(NOOR)
        assert time.monotonic() - began < 2
        assert backend(hurried) != pid
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("ask", [asking, reading, writing])
def test_a_server_that_restarted_is_used_again(
    postgresql: Engine, hurried: Engine, ask: Callable[[Engine], object]
) -> None:
    pid = backend(hurried)
    with reading(postgresql) as connection:
        # To a client the same as a restart: the server says goodbye and closes the connection.
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with ask(hurried) as connection:  # type: ignore[attr-defined]
        assert connection.execute(select(persons)).all() == []
    assert backend(hurried) != pid


def test_imports_and_migrations_take_their_time_and_only_they(hurried: Engine) -> None:
    with writing(hurried) as connection:
        without_deadline(connection)
        connection.execute(text("SELECT pg_sleep(0.5)"))
    with pytest.raises(Unavailable), reading(hurried) as connection:
        connection.execute(text("SELECT pg_sleep(5)"))


@contextmanager
def round_trips(engine: Engine) -> Iterator[Callable[[], int]]:
    """How often the server became ready for another query: counted in libpq's own trace.

    Of the connection that lies ready for requests, or else of the pool's.
    """
    ready = direct(engine)._ready
    with engine.connect() as pooled:
        connection = ready[-1][1] if ready else pooled.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with tempfile.TemporaryFile() as trace:
        connection.pgconn.trace(trace.fileno())

        def count() -> int:
            connection.pgconn.untrace()
            trace.seek(0)
            return trace.read().count(b"ReadyForQuery")

        yield count


@pytest.mark.parametrize(
    "question",
    [
        lambda engine: PersonRegister(engine).find(NOOR),
        lambda engine: PersonRegister(engine).chain(NOOR),
        lambda engine: PersonRegister(engine).look_up(NOOR),
        lambda engine: PersonRepertory(engine).lines(NOOR),
        lambda engine: PersonRepertory(engine).known([NOOR, OTIS], "fedris"),
    ],
    ids=["find", "chain", "look_up", "lines", "known"],
)
def test_a_question_is_one_round_trip(
    postgresql: Engine, question: Callable[[Engine], object]
) -> None:
    rows = [{"ssin": NOOR, "birth_date": date(2012, 3, 15), "status": "EXISTING"}]
    with writing(postgresql) as connection:
        connection.execute(insert(persons), rows)
    postgresql.dispose()
    question(postgresql)
    with round_trips(postgresql) as count:
        question(postgresql)
        assert count() == 1


def test_what_is_remembered_of_a_customer_is_one_round_trip(postgresql: Engine) -> None:
    postgresql.dispose()
    edition = Edition(postgresql)
    assert edition.answer("who", lambda: "fedris") == "fedris"
    with round_trips(postgresql) as count:
        assert edition.answer("who", lambda: "somebody else") == "fedris"
        assert count() == 1


def test_a_signature_seen_or_not_is_one_round_trip(postgresql: Engine) -> None:
    store = SqlReplayStore(postgresql)
    store.insert(KEYS[0], soon())  # Purges, for the next minute.
    for key in KEYS[:2]:
        with round_trips(postgresql) as count:
            store.insert(key, soon())
            assert count() == 1


def test_a_person_is_looked_up_by_its_key_in_a_small_register_too(postgresql: Engine) -> None:
    """Of some thousand persons PostgreSQL reads all in the time that a few look-ups may take."""
    with postgresql.begin() as connection:
        numbers = "SELECT lpad(n::text, 11, '0'), '2012-03-15', 'EXISTING' FROM generate_series"
        rows = f"INSERT INTO persons (ssin, birth_date, status) {numbers}(1, 5000) n"
        connection.execute(text(rows))
    register = PersonRegister(postgresql)
    found, _ = register.look_up("00000000077")
    ((_, driver),) = direct(postgresql)._ready
    driver.execute("BEGIN")
    assert register.look_up("00000000077") == (found, ("00000000077",))
    query = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'persons'"
    assert driver.execute(query).fetchone() == (0,)
    driver.execute("COMMIT")


def test_the_commit_of_a_key_waits_for_no_disk_and_no_other_commit_does(
    postgresql: Engine,
) -> None:
    """A pooler may give the connection to another transaction next: the setting ends with this."""
    store = SqlReplayStore(postgresql)
    store.insert(KEYS[0], soon())
    ((_, driver),) = direct(postgresql)._ready
    driver.execute("BEGIN")
    assert store.insert(KEYS[1], soon())
    assert driver.execute("SHOW synchronous_commit").fetchone() == ("off",)
    driver.execute("COMMIT")
    assert driver.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_what_is_stored_by_asking_stays(postgresql: Engine) -> None:
    with asking(postgresql, writes=True) as connection:
        row = {"ssin": NOOR, "birth_date": "2012-03-15", "status": "EXISTING"}
        connection.execute(text("INSERT INTO persons VALUES (:ssin, :birth_date, :status)"), row)
    assert PersonRegister(postgresql).find(NOOR) is not None
