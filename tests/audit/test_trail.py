"""The trail: many threads store, one writes; none waits in vain, whatever happens."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.audit import trail as module
from ksz_childbenefits.audit.trail import AuditTrail
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.errors import Unavailable, Unrecorded
from ksz_childbenefits.registers.database import open_database
from tests.audit.trails import findings, keys, marks, record, rows

UNFORESEEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
"""The thread that writes ends by an error that nobody thought of; the next record has another."""


@pytest.fixture
def trail(engine: Engine) -> Iterator[AuditTrail]:
    made = AuditTrail(engine, keys())
    yield made
    made.close()


def tickets(engine: Engine) -> list[str]:
    return [row.ticket for row in rows(engine) if row.signature is None]


@contextmanager
def writing_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Nothing is written until the end; then the list holds the sizes of the groups."""
    go, sizes = threading.Event(), []
    real = Writer.write

    def write(self: Writer, entries: Any) -> None:
        assert go.wait(10)
        sizes.append(len(entries))
        real(self, entries)

    monkeypatch.setattr(Writer, "write", write)
    try:
        yield sizes
    finally:
        go.set()


def test_what_is_stored_is_there(engine: Engine, trail: AuditTrail) -> None:
    one = record()
    trail.store(one)
    assert tickets(engine) == [one.ticket]


def test_who_comes_while_one_is_written_shares_a_commit(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [record() for _ in range(9)]
    with ThreadPoolExecutor(9) as threads:
        with writing_held(monkeypatch) as sizes:
            done = [threads.submit(trail.store, records[0])]
            time.sleep(0.1)
            done += [threads.submit(trail.store, one) for one in records[1:]]
            time.sleep(0.2)
        for one in done:
            one.result(10)
    assert sizes == [1, 8]
    assert sorted(tickets(engine)) == sorted(one.ticket for one in records)


def test_who_is_in_hand_is_waited_for_to_share_a_commit(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three in hand: two bring their records, the third departs without; then it is written."""
    monkeypatch.setattr(module, "GATHER_SECONDS", 60)
    monkeypatch.setattr(module, "QUIET_SECONDS", 60)
    for _ in range(3):
        trail.arrive()
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(trail.store, record()) for _ in range(2)]
        time.sleep(0.2)
        assert not rows(engine)
        trail.depart()
        for one in done:
            one.result(5)
    assert marks(engine) == ["start", "record", "record"]


def test_nobody_is_waited_for_long(engine: Engine, trail: AuditTrail) -> None:
    trail.store(record())
    for _ in range(3):
        trail.arrive()
    begun = time.monotonic()
    trail.store(record())
    assert module.QUIET_SECONDS <= time.monotonic() - begun < 5


def test_while_others_come_it_is_gathered_on_but_not_for_ever(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One every 50 ms, of many in hand: each is soon enough, all together are too many."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 5)
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.5)
    for _ in range(100):
        trail.arrive()
    sizes = []
    real = Writer.write
    monkeypatch.setattr(Writer, "write", lambda s, e: (sizes.append(len(e)), real(s, e)))
    with ThreadPoolExecutor(30) as threads:
        for _ in range(30):
            threads.submit(trail.store, record())
            time.sleep(0.05)
    assert 2 <= len(sizes) <= 6
    assert sum(sizes) == len(tickets(engine)) == 30


def test_many_at_once_over_several_writers_are_all_there_once(engine: Engine) -> None:
    """As several workers' threads; the chains then fit, and so do the marks."""
    trails = [AuditTrail(engine, keys()) for _ in range(3)]
    records = [record() for _ in range(300)]
    with ThreadPoolExecutor(24) as threads:
        list(threads.map(lambda job: trails[job[0] % 3].store(job[1]), enumerate(records)))
    for one in trails:
        one.close()
    assert sorted(tickets(engine)) == sorted(one.ticket for one in records)
    assert len({row.writer for row in rows(engine)}) == 3
    assert not findings(engine)


def test_the_end_writes_what_waits_and_ends_the_chain(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = record(), record()
    with ThreadPoolExecutor(3) as threads:
        with writing_held(monkeypatch):
            done = [threads.submit(trail.store, one)]
            time.sleep(0.1)
            done.append(threads.submit(trail.store, two))
            time.sleep(0.1)
            end = threads.submit(trail.close)
            time.sleep(0.1)
        for each in (*done, end):
            each.result(10)
    assert marks(engine) == ["start", "record", "record", "stop"]
    with pytest.raises(Unrecorded):
        trail.store(record())


def test_closing_a_trail_without_records_leaves_no_trace(engine: Engine) -> None:
    AuditTrail(engine, keys()).close()
    assert not rows(engine)


def test_it_is_sealed_without_further_records(engine: Engine, trail: AuditTrail) -> None:
    trail.store(record())
    deadline = time.monotonic() + 5
    while marks(engine) != ["start", "record", "checkpoint"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_record_that_is_not_written_in_time_is_refused_and_withdrawn(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits any more for the second when it is its turn: it is never written.

    The first is being written: it is on the disk, though no reply with data has left.
    """
    monkeypatch.setattr(module, "STORE_SECONDS", 1.0)
    one, two, three = record(), record(), record()
    with ThreadPoolExecutor(2) as threads, writing_held(monkeypatch):
        first = threads.submit(trail.store, one)
        time.sleep(0.1)
        second = threads.submit(trail.store, two)
        for each in (first, second):
            with pytest.raises(Unrecorded, match="too long"):
                each.result(5)
    trail.store(three)
    assert tickets(engine) == [one.ticket, three.ticket]


def test_a_database_that_is_gone_refuses_and_when_it_is_back_serves(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail.store(record())
    down = True
    real = Writer._append

    def append(self: Writer, *arguments: Any) -> None:
        if down:
            raise Unavailable("the database does not answer")
        real(self, *arguments)

    monkeypatch.setattr(Writer, "_append", append)
    for _ in range(3):
        with pytest.raises(Unrecorded, match="does not answer"):
            trail.store(record())
    down = False
    then = record()
    trail.store(then)
    trail.close()
    assert tickets(engine)[1:] == [then.ticket]
    assert not findings(engine)


@UNFORESEEN
def test_who_waits_for_one_that_fails_is_refused(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody thought of: nobody waits in vain."""
    monkeypatch.setattr(module, "GATHER_SECONDS", 60)
    monkeypatch.setattr(module, "QUIET_SECONDS", 60)
    monkeypatch.setattr(Writer, "write", lambda *_: {}["a defect"])
    for _ in range(2):
        trail.arrive()
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(trail.store, record()) for _ in range(2)]
        assert {type(one.exception(5)) for one in both} == {Unrecorded}


@UNFORESEEN
def test_an_error_that_nobody_thought_of_refuses_and_begins_anew(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail.store(record())
    with monkeypatch.context() as broken:
        broken.setattr(Writer, "write", lambda *_: {}["a defect"])
        with pytest.raises(Unrecorded, match="has failed"):
            trail.store(record())
    then = record()
    trail.store(then)
    trail.close()
    assert tickets(engine)[1:] == [then.ticket]
    assert len({row.writer for row in rows(engine)}) == 2


def test_a_server_that_restarts_is_not_noticed(
    tmp_path: object, cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """All connections are closed by the server; the record is stored over another one."""
    caplog.set_level(logging.DEBUG)
    from ksz_childbenefits.registers.migrating import migrate

    engine = open_database(cluster.create("restarted"))
    trail = AuditTrail(engine, keys())
    try:
        migrate(engine)
        trail.store(record())
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = 'restarted' AND pid <> pg_backend_pid()"
            )
        trail.store(record())
        trail.close()
        assert marks(engine) == ["start", "record", "record", "stop"]
    finally:
        trail.close()
        engine.dispose()


def test_what_is_settled_is_told_once(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who watches refuses it, while it is being written; it is on the disk all the same."""
    monkeypatch.setattr(module, "STORE_SECONDS", 0)
    one, told = record(), []
    with writing_held(monkeypatch):
        trail.submit(trail.entry(one), told.append)
        deadline = time.monotonic() + 5
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
    trail.close()
    assert [type(refusal) for refusal in told] == [Unrecorded]
    assert tickets(engine) == [one.ticket]


@UNFORESEEN
def test_after_an_error_of_who_attends_another_does(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next record begins another chain, which is sealed as ever."""
    failed = threading.Event()

    def attend(_: Writer) -> None:
        failed.set()
        raise KeyError("a defect")

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "attend", attend)
        trail.store(record())
        assert failed.wait(5)
    trail.store(record())
    deadline = time.monotonic() + 5
    while "checkpoint" not in marks(engine) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert marks(engine).count("checkpoint") == 1
    assert len({row.writer for row in rows(engine)}) == 2


@UNFORESEEN
def test_an_error_that_nobody_thought_of_leaves_no_thread_behind(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(Writer, "write", lambda *_: {}["a defect"])
    with pytest.raises(Unrecorded):
        trail.store(record())
    deadline = time.monotonic() + 5
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
