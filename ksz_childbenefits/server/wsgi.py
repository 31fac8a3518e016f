"""The bridge from the event loop to a WSGI application: a bounded pool of threads.

The door has read the whole body before, and every reply is whole before it is sent, so one hop to a
thread and back is enough (docs/decisions/0002: a2wsgi makes five).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any

from ksz_childbenefits.server.answer import Answer
from ksz_childbenefits.soap_app import WsgiApp


class ThreadedWsgi:
    """A WSGI application run in ``threads``, which several may share."""

    def __init__(self, application: WsgiApp, threads: Executor) -> None:
        """The threads stay the caller's."""
        self._application = application
        self._threads = threads

    async def __call__(self, environ: dict[str, Any]) -> Answer:
        """Run the application for one request; waits for a free thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, environ)

    def _run(self, environ: dict[str, Any]) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started.append((status, headers))

        body = b"".join(self._application(environ, start_response))
        status, headers = started[-1]
        named = {name.lower(): value for name, value in headers}
        del named["content-length"]
        content_type = named.pop("content-type")
        return Answer(int(status[:3]), body, content_type, tuple(named.items()))
