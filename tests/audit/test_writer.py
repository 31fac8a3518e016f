"""The writer: durable groups, one chain per life, and commits whose outcome nobody was told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.exc import IntegrityError, OperationalError

from ksz_childbenefits.audit import ledger, writer
from ksz_childbenefits.audit.neighbours import seal_dead
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers.audit_schema import audit_chains, audit_records
from ksz_childbenefits.registers.database import open_database, writing
from tests.audit.trails import entries, findings, keys, marks, record, rows, texts, trail
from tests.registers.databases import address
from tests.registers.numbers import NOOR, OTIS


@pytest.fixture
def scribe(engine: Engine) -> Iterator[Writer]:
    made = Writer(engine, keys())
    yield made
    made.stop()


class Clock:
    """The time that a writer's duties follow: it stands until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        monkeypatch.setattr(writer, "time", self)

    def monotonic(self) -> float:
        return 1000 + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def tickets(engine: Engine) -> list[str | None]:
    return [row.ticket for row in rows(engine) if row.signature is None]


def chains(engine: Engine) -> list[tuple[str, bool]]:
    with engine.connect() as connection:
        found = connection.execute(audit_chains.select().order_by(audit_chains.c.writer))
        return [(row.writer, row.ended) for row in found]


def test_a_chain_begins_with_a_mark_and_each_item_names_the_one_before(
    engine: Engine, scribe: Writer
) -> None:
    one, two = record(), record()
    scribe.write(entries(one, two))
    scribe.stop()
    assert marks(engine) == ["start", "record", "record", "stop"]
    members, items = texts(engine), rows(engine)
    assert [told["number"] for told in members] == [1, 2, 3, 4]
    assert [told["previous"] for told in members] == ["00" * 32, *(i.hash.hex() for i in items[:3])]
    assert tickets(engine) == [one.ticket, two.ticket]
    assert not findings(engine)


def test_what_is_searched_by_stands_beside_the_text(engine: Engine, scribe: Writer) -> None:
    nobody = record()
    nobody.particulars = replace(nobody.particulars, persons=())
    scribe.write(entries(record(OTIS), record(NOOR, OTIS), nobody))
    found = [(row.caller, row.customer_ticket, row.ssin) for row in rows(engine)[1:]]
    assert found == [("fedris", "customers-own-ticket", ssin) for ssin in (OTIS, None, None)]
    scribe.stop()
    assert not findings(engine)


def test_a_chain_is_sealed_after_so_many_records(
    engine: Engine, scribe: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_RECORDS", 3)
    scribe.write(entries(record(), record()))
    scribe.write(entries(record(), record()))
    scribe.write(entries(record()))
    assert marks(engine) == ["start", *["record"] * 4, "checkpoint", "record"]


def test_a_chain_is_sealed_a_second_after_its_first_record_that_is_not(
    engine: Engine, scribe: Writer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log is told of each mark: what it says cannot be changed in the database."""
    caplog.set_level(logging.INFO)
    scribe.write(entries(record()))
    scribe.attend()
    assert 0 < scribe.due() <= 1
    assert marks(engine) == ["start", "record"]
    clock.ahead = 1
    scribe.attend()
    assert marks(engine) == ["start", "record", "checkpoint"]
    assert scribe.due() > 1
    told = [one.__dict__ for one in caplog.records if one.message == "audit mark"]
    items = [row for row in rows(engine) if row.signature is not None]
    assert [(one["number"], one["hash"]) for one in told] == [
        (item.number, item.hash.hex()) for item in items
    ]


# Commits whose outcome is not known.


@contextmanager
def commit_failing(
    engine: Engine, *, done: bool, after: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """The next commit fails as its connection breaks: done, or not; ``after`` comes then."""
    dialect = engine.dialect
    real = dialect.do_commit

    def lost(connection: Any) -> None:
        dialect.do_commit = real  # type: ignore[method-assign]
        (real if done else dialect.do_rollback)(connection)
        after()
        raise OperationalError("COMMIT", None, OSError("connection lost"))

    dialect.do_commit = lost  # type: ignore[method-assign]
    try:
        yield
    finally:
        dialect.do_commit = real  # type: ignore[method-assign]


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("before", [0, 2], ids=["a new chain", "a chain"])
def test_a_commit_whose_answer_is_lost_stores_its_records_once(
    engine: Engine, scribe: Writer, done: bool, before: int
) -> None:
    written = [record() for _ in range(before)]
    if written:
        scribe.write(entries(*written))
    lost, then = [record(), record()], record()
    with commit_failing(engine, done=done):
        scribe.write(entries(*lost))
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(engine) == [one.ticket for one in (*written, *lost, then)]
    assert [ended for _, ended in chains(engine)] == [True]
    assert not findings(engine)


def test_records_that_nobody_could_be_told_of_are_no_gap(
    engine: Engine, scribe: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up after a commit that was done: the reply was not sent, the chain goes on behind."""
    scribe.write(entries(record()))
    monkeypatch.setattr(writer, "_RETRY_SECONDS", -1)
    given_up, then = record(), record()
    with commit_failing(engine, done=True), pytest.raises(Unavailable):
        scribe.write(entries(given_up))
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(engine)[1:] == [given_up.ticket, then.ticket]
    assert not findings(engine)


def test_a_commit_that_comes_late_is_found_and_not_repeated(
    engine: Engine, scribe: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server had the COMMIT and was slow: when we look it is not there, when we write it is."""
    scribe.write(entries(record()))
    late = record()
    items: list[Any] = []
    real_add, real_newest = writer.ledger.add, writer.ledger.newest

    def keep(connection: Any, written: Any, evidence: Any) -> None:
        items.extend(written)
        real_add(connection, written, evidence)

    def arrives(connection: Any, name: str) -> Any:
        """Another session's commit, between our look and our insert."""
        found = real_newest(connection, name)
        real_add(connection, items[:1], ())
        monkeypatch.setattr(writer.ledger, "newest", real_newest)
        return found

    monkeypatch.setattr(writer.ledger, "add", keep)
    monkeypatch.setattr(writer.ledger, "newest", arrives)
    with commit_failing(engine, done=False):
        scribe.write(entries(late))
    scribe.stop()
    assert tickets(engine)[1:] == [late.ticket]
    assert not findings(engine)


@pytest.mark.parametrize("lands", ["before the retry looks", "as it writes", "after it"])
def test_the_beginning_of_a_chain_that_comes_late_is_not_repeated(
    engine: Engine, scribe: Writer, monkeypatch: pytest.MonkeyPatch, lands: str
) -> None:
    """Under another name both beginnings would be let in, and the record be there twice."""
    first, then = record(), record()
    items: list[Any] = []
    real_add, real_newest = writer.ledger.add, writer.ledger.newest

    def keep(connection: Any, written: Any, evidence: Any) -> None:
        items.extend(written)
        monkeypatch.setattr(writer.ledger, "add", real_add)
        real_add(connection, written, evidence)

    def land(connection: Any) -> None:
        ledger.begin(connection, items[0].head.writer, items[0].at)
        real_add(connection, items, ())

    def arrives(connection: Any, name: str) -> Any:
        found = real_newest(connection, name)
        monkeypatch.setattr(writer.ledger, "newest", real_newest)
        land(connection)
        return found

    def elsewhere() -> None:
        with writing(engine) as connection:
            land(connection)

    monkeypatch.setattr(writer.ledger, "add", keep)
    if lands == "as it writes":
        monkeypatch.setattr(writer.ledger, "newest", arrives)
    late = elsewhere if lands == "before the retry looks" else lambda: None
    with commit_failing(engine, done=False, after=late):
        scribe.write(entries(first))
    if lands == "after it":
        with pytest.raises(IntegrityError):
            elsewhere()
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(engine) == [first.ticket, then.ticket]
    assert [ended for _, ended in chains(engine)] == [True]
    assert not findings(engine)


def test_a_commit_that_hangs_for_long_is_still_known(
    postgresql: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a standby must confirm it and is away: others' numbers wait for it, and give up."""
    scribe = Writer(postgresql, keys())
    scribe.write(entries(record()))
    monkeypatch.setattr(writer, "_RETRY_SECONDS", -1)
    monkeypatch.setattr(Writer, "_goes_on", lambda *_: False)  # so that it adds as patched here
    hanging, refused = record(), [record() for _ in range(12)]
    real = writer.ledger.add
    with postgresql.connect() as other:

        def elsewhere(connection: Any, items: Any, evidence: Any) -> None:
            """The server has it all, and the COMMIT; but its answer does not come."""
            real(other, items, evidence)
            monkeypatch.setattr(writer.ledger, "add", impatient)

        def impatient(connection: Any, items: Any, evidence: Any) -> None:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
            real(connection, items, evidence)

        monkeypatch.setattr(writer.ledger, "add", elsewhere)
        with commit_failing(postgresql, done=False), pytest.raises(Unavailable):
            scribe.write(entries(hanging))
        for one in refused:
            with pytest.raises(Unavailable):
                scribe.write(entries(one))
        other.commit()
    then = record()
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(postgresql)[1:] == [hanging.ticket, then.ticket]
    assert len(chains(postgresql)) == 1
    assert not findings(postgresql)


# What others do to a chain.


def as_dead(engine: Engine) -> None:
    """All writers were last seen long ago."""
    with writing(engine) as connection:
        connection.execute(update(audit_chains).values(seen=1))


def test_a_writer_seals_the_chains_of_the_dead(
    engine: Engine, scribe: Writer, clock: Clock
) -> None:
    """Two items that no mark vouches for, as a kill -9 leaves them; then whoever lives signs."""
    dead = Writer(engine, keys())
    dead.write(entries(record(), record()))
    as_dead(engine)
    scribe.write(entries(record()))
    clock.ahead = writer.PULSE_SECONDS
    scribe.attend()
    assert marks(engine)[:4] == ["start", "record", "record", "seal"]
    assert [ended for _, ended in chains(engine)] == [True, False]
    scribe.stop()
    assert not findings(engine)


def test_of_two_who_find_somebody_dead_one_seals(engine: Engine) -> None:
    """Both look before either has sealed; the slower finds the chain ended."""
    dead = Writer(engine, keys())
    dead.write(entries(record()))
    as_dead(engine)
    with writing(engine) as connection:
        found = ledger.others(connection, "nobody", 0)
    for _ in range(2):
        seal_dead(engine, found, keys().first, [])
    assert marks(engine) == ["start", "record", "seal"]
    assert not findings(engine)


def test_after_a_night_without_service_the_first_record_has_the_rest_sealed(
    engine: Engine, scribe: Writer
) -> None:
    """Killed in the evening: in the morning nobody finds a trail that was not sealed in time."""
    killed = Writer(engine, keys())
    killed.write(entries(record(at=datetime.now(UTC) - timedelta(hours=12))))
    as_dead(engine)
    scribe.write(entries(record()))
    scribe.attend()
    assert [finding for finding in findings(engine) if finding.grave] == []


def test_the_living_are_not_sealed(engine: Engine, scribe: Writer, clock: Clock) -> None:
    other = Writer(engine, keys())
    other.write(entries(record()))
    scribe.write(entries(record()))
    clock.ahead = writer.PULSE_SECONDS
    scribe.attend()
    assert "seal" not in marks(engine)
    other.stop()


def test_who_was_taken_for_dead_begins_another_chain(
    engine: Engine, scribe: Writer, clock: Clock
) -> None:
    wrong = Writer(engine, keys())
    first, second = record(), record()
    wrong.write(entries(first))
    as_dead(engine)
    scribe.write(entries(record()))
    clock.ahead = writer.PULSE_SECONDS
    scribe.attend()
    wrong.write(entries(second))
    wrong.stop()
    scribe.stop()
    assert {first.ticket, second.ticket} <= {*tickets(engine)}
    assert len(chains(engine)) == 3
    assert not findings(engine)


def test_an_item_that_somebody_else_puts_behind_a_chain_is_found(
    engine: Engine, scribe: Writer
) -> None:
    """Made to fit by who can write the table: the writer finds its chain taken, and says so."""
    forger = Writer(engine, keys())
    scribe.write(entries(record()))
    forger._reach = scribe._reach
    forged = record(caller="somebody-innocent")
    forger.write(entries(forged))
    own = record()
    scribe.write(entries(own))
    scribe.stop()
    assert len(chains(engine)) == 2
    (found,) = [finding for finding in findings(engine) if finding.grave]
    assert (found.first, found.last, found.fault) == (3, 3, "not expected there")
    assert "now" in found.reason


def test_marks_name_the_heads_of_other_chains(engine: Engine) -> None:
    trail(engine, 1)
    trail(engine, 1)
    end, start = rows(engine)[2], texts(engine)[3]
    assert start["others"] == [[end.writer, 3, end.hash.hex()]]


def test_a_writer_without_records_vouches_for_the_others_now_and_then(
    engine: Engine, scribe: Writer, clock: Clock
) -> None:
    scribe.write(entries(record()))
    clock.ahead = 1
    scribe.attend()
    trail(engine, 1)
    end = rows(engine)[-1]
    clock.ahead = writer.PULSE_SECONDS + 1
    scribe.attend()
    assert marks(engine)[:3] == ["start", "record", "checkpoint"]
    clock.ahead = writer.IDLE_SECONDS + writer.PULSE_SECONDS
    scribe.attend()
    assert texts(engine)[3]["others"] == [[end.writer, end.number, end.hash.hex()]]


# A database that does not do what is asked.


def test_what_the_database_refuses_is_not_stored_and_then_goes_on(
    engine: Engine, scribe: Writer
) -> None:
    broken = record()
    scribe.write(entries(record()))
    refused = entries(broken)
    broken.caller = "x" * 65 if engine.dialect.name == "postgresql" else object()  # type: ignore[assignment]
    with pytest.raises(Unavailable, match="refuses"):
        scribe.write(refused)
    then = record()
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(engine)[1:] == [then.ticket]
    assert not findings(engine)


@contextmanager
def turned_off(server: Engine, setting: str) -> Iterator[None]:
    """Meanwhile all connections to the server, also those that are open, have this off."""

    def reloaded(change: str, value: str) -> None:
        with server.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(f"ALTER SYSTEM {change}")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
            while connection.exec_driver_sql(f"SHOW {setting}").scalar() != value:
                time.sleep(0.01)

    reloaded(f"SET {setting} = off", "off")
    try:
        yield
    finally:
        reloaded(f"RESET {setting}", "on")


FORGETFUL = ["fsync", "synchronous_commit"]
"""What, turned off, makes a commit return before it is on the disk."""


@pytest.mark.parametrize("setting", FORGETFUL)
def test_no_chain_begins_at_a_server_that_forgets(postgresql: Engine, setting: str) -> None:
    scribe = Writer(postgresql, keys())
    with turned_off(postgresql, setting), pytest.raises(Unavailable, match=setting):
        scribe.write(entries(record()))
    assert not rows(postgresql)
    scribe.write(entries(record()))
    scribe.stop()


@pytest.mark.parametrize("setting", FORGETFUL)
def test_a_reload_that_makes_the_server_forget_is_noticed_at_the_next_pulse(
    postgresql: Engine, clock: Clock, caplog: pytest.LogCaptureFixture, setting: str
) -> None:
    """From then on nothing is recorded; the chain stays alive, and goes on once it may."""
    scribe = Writer(postgresql, keys())
    first, refused, then = record(), record(), record()
    scribe.write(entries(first))
    with turned_off(postgresql, setting):
        clock.ahead = writer.PULSE_SECONDS
        scribe.attend()
        told = "audit trail refuses records"
        warned = [one.__dict__ for one in caplog.records if one.message == told]
        assert [one["reason"] for one in warned] == [f"it needs {setting}, which is off"]
        for _ in range(2):
            with pytest.raises(Unavailable, match=setting):
                scribe.write(entries(refused))
    scribe.write(entries(then))
    scribe.stop()
    assert tickets(postgresql) == [first.ticket, then.ticket]
    assert len(chains(postgresql)) == 1
    assert not findings(postgresql)


def test_a_server_that_forgets_what_it_committed_is_not_trusted(postgresql: Engine) -> None:
    url = f"{address(postgresql)}?options=-c%20synchronous_commit%3Doff"
    other = open_database(url)
    try:
        with pytest.raises(Unavailable, match="synchronous_commit"):
            Writer(other, keys()).write(entries(record()))
    finally:
        other.dispose()
    with postgresql.connect() as connection:
        assert not connection.execute(audit_records.select()).all()
