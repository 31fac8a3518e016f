"""The replay store: one insert decides, whoever comes at the same time (SECURITY 3)."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers import database
from ksz_childbenefits.registers.database import open_database, reading, writing
from ksz_childbenefits.registers.replay import (
    FORGOTTEN,
    KEPT_SECONDS,
    PURGE_SECONDS,
    SqlReplayStore,
)
from ksz_childbenefits.registers.schema import replay
from tests.registers.databases import address

KEY = b"\x01" * 32
KEYS = [bytes([number]) * 32 for number in range(20)]
HOUR = 3600


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=300)


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds + 1)  # store_row rounds down


def keys(engine: Engine) -> set[bytes]:
    with reading(engine) as connection:
        return set(connection.execute(select(replay.c.key)).scalars()) - {FORGOTTEN}


def store_row(engine: Engine, key: bytes, seconds_ago: int) -> None:
    expires = int(datetime.now(UTC).timestamp()) - seconds_ago
    with writing(engine) as connection:
        connection.execute(insert(replay).values(key=key, expires=expires))


def test_a_key_is_new_once(engine: Engine) -> None:
    store = SqlReplayStore(engine)
    assert store.insert(KEY, soon()) is True
    assert store.insert(KEY, soon()) is False
    assert SqlReplayStore(engine).insert(KEY, soon()) is False
    assert store.insert(b"\x02" * 32, soon()) is True


def test_of_many_threads_one_is_first(engine: Engine) -> None:
    stores = [SqlReplayStore(engine) for _ in range(4)]
    expires = soon()
    with ThreadPoolExecutor(16) as threads:
        calls = [
            (key, threads.submit(stores[turn % 4].insert, key, expires))
            for key in KEYS
            for turn in range(8)
        ]
    firsts = [key for key, call in calls if call.result()]
    assert sorted(firsts) == KEYS


def insert_all(url: str, expires: datetime, _: int) -> list[bytes]:
    engine = open_database(url)
    store = SqlReplayStore(engine)
    with ThreadPoolExecutor(4) as threads:
        firsts = list(threads.map(lambda key: store.insert(key, expires), KEYS))
    engine.dispose()
    return [key for key, first in zip(KEYS, firsts, strict=True) if first]


def test_of_many_processes_one_is_first(engine: Engine) -> None:
    run = partial(insert_all, address(engine), soon())
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as processes:
        firsts = [key for found in processes.map(run, range(3)) for key in found]
    assert sorted(firsts) == KEYS


def test_keys_expired_for_long_are_purged_and_no_others(engine: Engine) -> None:
    store_row(engine, b"long ago", KEPT_SECONDS + 10)
    store_row(engine, b"just now", 1)
    store_row(engine, b"still accepted", -60)
    SqlReplayStore(engine).insert(KEY, soon())
    assert keys(engine) == {b"just now", b"still accepted", KEY}


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_machine_whose_clock_is_wrong_purges_as_the_others_do(
    engine: Engine, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's clock decides, which is one for all machines."""
    store_row(engine, b"long ago", KEPT_SECONDS + 10)
    store_row(engine, b"just now", 1)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    SqlReplayStore(engine).insert(KEY, soon())
    assert keys(engine) == {b"just now", KEY}


def test_a_message_that_a_clock_set_back_makes_young_again_is_a_replay(engine: Engine) -> None:
    """By an hour and more, as by a wrong time zone: its key, 360 s later, is kept for two more."""
    store_row(engine, KEY, seconds_ago=3600 + 360)
    assert SqlReplayStore(engine).insert(KEY, soon()) is False


def test_what_may_have_been_deleted_is_not_new_however_far_the_clock_is_set_back(
    engine: Engine,
) -> None:
    """Of messages as old as one whose key is deleted nobody knows whether they were taken."""
    older, newest, first = b"older", b"newest", b"first"
    store_row(engine, older, 4 * HOUR)
    store_row(engine, newest, 3 * HOUR)
    store = SqlReplayStore(engine)
    assert store.insert(first, soon()) is True
    assert keys(engine) == {first}
    for other in (store, SqlReplayStore(engine)):
        assert other.insert(newest, ago(3 * HOUR + 30)) is False
        assert other.insert(b"unseen", ago(3 * HOUR + 60)) is False
    assert store.insert(b"unseen", ago(3 * HOUR - 60)) is True


def test_what_is_forgotten_stays_so_when_something_older_is_deleted(engine: Engine) -> None:
    store_row(engine, b"newest", 3 * HOUR)
    assert SqlReplayStore(engine).insert(KEY, soon()) is True
    store_row(engine, b"older", 4 * HOUR)
    assert SqlReplayStore(engine).insert(KEY, soon()) is False
    assert keys(engine) == {KEY}
    assert SqlReplayStore(engine).insert(b"newest", ago(3 * HOUR)) is False


def test_purging_is_not_done_on_every_insert(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("ksz_childbenefits.registers.replay.time.monotonic", lambda: now)
    store = SqlReplayStore(engine)
    store.insert(KEYS[0], soon())
    store_row(engine, b"long ago", KEPT_SECONDS + 10)
    store.insert(KEYS[1], soon())
    assert b"long ago" in keys(engine)
    now += PURGE_SECONDS
    store.insert(KEYS[2], soon())
    assert keys(engine) == set(KEYS[:3])


def test_a_key_lives_to_the_end_of_its_last_second(engine: Engine) -> None:
    SqlReplayStore(engine).insert(KEY, datetime.fromtimestamp(2_000_000_000.25, UTC))
    with reading(engine) as connection:
        assert connection.execute(select(replay.c.expires)).scalar_one() == 2_000_000_001


def test_a_store_that_does_not_answer_refuses() -> None:
    store = SqlReplayStore(open_database("sqlite:////nowhere/registers.sqlite"))
    with pytest.raises(Unavailable):
        store.insert(KEY, soon())


def test_a_store_that_is_locked_refuses(
    tmp_path: Path, sqlite: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    hurried = SqlReplayStore(open_database(f"sqlite:///{tmp_path / 'registers.sqlite'}"))
    with writing(sqlite), pytest.raises(Unavailable):
        hurried.insert(KEY, soon())
