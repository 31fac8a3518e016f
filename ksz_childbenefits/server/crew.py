"""The threads that answer messages, at two hops each: from the event loop, and back to it.

An executor of the standard library hands each piece of work and each result over under locks and
in two futures; what the door needs is a queue of C and one call back (docs/decisions/0019).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")


class Crew(Generic[_Given, _Result]):
    """So many threads that do pieces of work in the order in which they come.

    They begin with the first piece of work, so that none crosses into another process.
    """

    def __init__(self, threads: int, name: str) -> None:
        """None runs yet."""
        self._size = threads
        self._name = name
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def do(
        self, work: Callable[[_Given, Callable[[_Result], None]], None], given: _Given
    ) -> asyncio.Future[_Result | None]:
        """Have it done; called in the event loop. None: it has failed, as the log tells.

        ``work`` delivers its result, then or later, in any thread.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result | None] = loop.create_future()

        def deliver(result: _Result | None) -> None:
            loop.call_soon_threadsafe(_fulfil, future, result)

        def act() -> None:
            with ExitStack() as failed:
                failed.callback(deliver, None)
                work(given, deliver)
                failed.pop_all()

        while len(self._threads) < self._size:
            self._start()
        self._queue.put(act)
        return future

    def close(self) -> None:
        """End the threads, each after what it does; what still waits is not done."""
        self._closed = True
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        """Do one after the other; what fails ends its thread, and another takes its place."""
        try:
            while (act := self._queue.get()) is not None:
                act()
        finally:
            if not self._closed:
                self._threads.remove(threading.current_thread())


def _fulfil(future: asyncio.Future[_Result], result: _Result) -> None:
    """A client that went away meanwhile has cancelled it."""
    if not future.done():
        future.set_result(result)
