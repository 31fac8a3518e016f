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
    assert module.GATHER_SECONDS <= time.monotonic() - begun < 5


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
    """Nobody waits for the second any more when it is its turn: it is never written."""
    monkeypatch.setattr(module, "STORE_SECONDS", 0.3)
    one, two, three = record(), record(), record()
    with ThreadPoolExecutor(2) as threads:
        with writing_held(monkeypatch):
            first = threads.submit(trail.store, one)
            time.sleep(0.1)
            second = threads.submit(trail.store, two)
            with pytest.raises(Unrecorded, match="too long"):
                second.result(5)
        # Who writes waits for the database alone, which has bounds of its own.
        first.result(5)
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


def test_who_waits_for_one_that_fails_is_refused(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody thought of: of the one who writes it is the error, of all others 503."""
    monkeypatch.setattr(module, "GATHER_SECONDS", 60)
    monkeypatch.setattr(Writer, "write", lambda *_: {}["a defect"])
    for _ in range(2):
        trail.arrive()
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(trail.store, record()) for _ in range(2)]
        assert {type(one.exception(5)) for one in both} == {KeyError, Unrecorded}


def test_an_error_that_nobody_thought_of_refuses_and_begins_anew(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail.store(record())
    with monkeypatch.context() as broken:
        broken.setattr(Writer, "write", lambda *_: {}["a defect"])
        with pytest.raises(KeyError):
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


def test_who_is_to_write_at_the_moment_when_he_gives_up_writes(
    engine: Engine, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His time is over while he is told that it is his turn: then it is."""
    monkeypatch.setattr(module, "STORE_SECONDS", 0)
    real, one, two = AuditTrail._gone, record(), record()

    def late(self: AuditTrail, waiting: Any) -> bool:
        deadline = time.monotonic() + 5
        while not waiting.leads and time.monotonic() < deadline:
            time.sleep(0.01)
        return real(self, waiting)

    monkeypatch.setattr(AuditTrail, "_gone", late)
    with ThreadPoolExecutor(2) as threads:
        with writing_held(monkeypatch):
            first = threads.submit(trail.store, one)
            time.sleep(0.1)
            second = threads.submit(trail.store, two)
            time.sleep(0.1)
        first.result(10)
        second.result(10)
    assert tickets(engine) == [one.ticket, two.ticket]
    trail.store(record())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
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


def test_while_there_is_no_chain_it_is_looked_now_and_then(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the very first record fails by an error that nobody thought of."""
    looks, real = [], trail._closing.wait

    def wait(seconds: float) -> bool:
        looks.append(seconds)
        return real(seconds)

    monkeypatch.setattr(trail._closing, "wait", wait)
    monkeypatch.setattr(Writer, "write", lambda *_: {}["a defect"])
    with pytest.raises(KeyError):
        trail.store(record())
    time.sleep(0.2)
    assert len(looks) <= 2
