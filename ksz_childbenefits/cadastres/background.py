"""An event loop on a thread of its own, for calls that many threads start and wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

_Result = TypeVar("_Result")

_LOOKUPS = 256
"""How many names may be looked up at a time.

Each look-up keeps a thread until the system's resolver gives up, long after the call for it has.
This many, an operator that cannot be resolved leaves some for the others before its breaker opens;
there are only ever as many threads as look-ups that wait.
"""


class BackgroundLoop:
    """One per process; its thread starts with the first call, so that nothing runs in vain."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._at_end: list[Callable[[], Awaitable[None]]] = []
        self._closed = False

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have ``close`` awaited on the loop before it ends."""
        self._at_end.append(close)

    def submit(self, coroutine: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Run a coroutine on the loop, from any thread; RuntimeError once closed."""
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._running())
        except RuntimeError:
            coroutine.close()
            raise

    def close(self) -> None:
        """Break off what is under way and wait until thread and sockets are gone."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread is None or self._loop is None or self._stop is None:
            return
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("the loop is closed")
            if self._loop is None:
                ready = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(ready,), name="background-loop", daemon=True
                )
                self._thread.start()
                ready.wait()
            assert self._loop is not None  # noqa: S101 - set before ready
            return self._loop

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_default_executor(ThreadPoolExecutor(_LOOKUPS, "look-up"))
        ready.set()
        await self._stop.wait()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        for close in self._at_end:
            await close()
