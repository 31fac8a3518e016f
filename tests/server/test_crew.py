"""The crew: all that is given to it is done, in order, whatever fails on the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from ksz_childbenefits.server.crew import Crew

_T = TypeVar("_T")
_R = TypeVar("_R")


def by(work: Callable[[_T], _R]) -> Callable[[_T, Callable[[_R], None]], None]:
    """The work of somebody who delivers what a function returns."""
    return lambda given, deliver: deliver(work(given))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be logged of threads that end by an error."""
    kinds: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: kinds.append(args.exc_type.__name__))
    return kinds


def test_what_is_given_comes_back_to_who_gave_it() -> None:
    crew: Crew[int, int] = Crew(3, "test")

    async def ask() -> list[int | None]:
        return list(await asyncio.gather(*(crew.do(by(lambda n: n * n), n) for n in range(200))))

    assert asyncio.run(ask()) == [n * n for n in range(200)]
    assert len(crew._threads) == 3
    crew.close()
    assert not any(thread.is_alive() for thread in crew._threads)


def test_what_fails_is_none_and_the_crew_is_whole_again(told: list[str]) -> None:
    crew: Crew[int, float] = Crew(2, "test")

    async def ask() -> list[float | None]:
        failed = [await crew.do(by(lambda n: 1 / n), 0) for _ in range(5)]
        return [*failed, await crew.do(by(lambda n: 1 / n), 4)]

    assert asyncio.run(ask()) == [None] * 5 + [0.25]
    crew.close()
    assert told == ["ZeroDivisionError"] * 5


def test_who_went_away_is_not_waited_for() -> None:
    crew: Crew[threading.Event, bool] = Crew(1, "test")
    go = threading.Event()

    async def ask() -> bool | None:
        gone = crew.do(by(threading.Event.wait), go)
        gone.cancel()
        go.set()
        return await crew.do(by(threading.Event.is_set), go)

    assert asyncio.run(ask()) is True
    crew.close()


def test_what_waits_when_it_closes_is_not_done() -> None:
    crew: Crew[threading.Event, bool] = Crew(1, "test")
    begun, go, done = threading.Event(), threading.Event(), []

    def first(event: threading.Event) -> bool:
        begun.set()
        return event.wait(5)

    async def ask() -> None:
        crew.do(by(first), go)
        crew.do(by(lambda _: bool(done.append(1))), go)
        await asyncio.to_thread(begun.wait, 5)
        closing = asyncio.create_task(asyncio.to_thread(crew.close))
        await asyncio.sleep(0.1)
        go.set()
        await closing

    asyncio.run(ask())
    assert done == []


def test_a_result_may_be_delivered_later_by_another_thread() -> None:
    crew: Crew[int, int] = Crew(1, "test")

    def later(given: int, deliver: Callable[[int], None]) -> None:
        threading.Timer(0.05, deliver, (2 * given,)).start()

    async def ask() -> list[int | None]:
        return list(await asyncio.gather(*(crew.do(later, n) for n in range(3))))

    assert asyncio.run(ask()) == [0, 2, 4]
    crew.close()
