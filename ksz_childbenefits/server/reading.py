"""The clock of a request that comes in, however it drips (SECURITY 1).

A request can also come in a quarter of a million packets, each of which costs microseconds. So what
is not in at once is fetched so many times a second only, and gathers in the kernel meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

_PROMPT_SECONDS: Final = 0.1
"""A request that is not in by then is read by intervals."""

_PAUSE_SECONDS: Final = 0.05
"""How long its bytes gather."""

_FETCH_SECONDS: Final = 0.002
"""How long they are then read as they come."""


class ReadingClock:
    """Of one connection: runs from a request's first byte to its last."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        flow: FlowControl,
        too_late: Callable[[], None],
    ) -> None:
        """``flow`` pauses reading too, for reasons of its own; ``too_late`` ends the connection."""
        self._loop = loop
        self._transport = transport
        self._flow = flow
        self._too_late = too_late
        self._timer: asyncio.TimerHandle | None = None
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Start it, unless it runs: the request must be in within so many seconds."""
        if self._timer is None:
            self._end = self._loop.time() + seconds
            self._timer = self._loop.call_later(_PROMPT_SECONDS, self._pause)

    def stop(self, *, listen: bool) -> None:
        """Stop it; ``listen``: whether the connection is to be read on, as bytes come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if listen:
                self._resume()

    def _pause(self) -> None:
        if self._loop.time() >= self._end:
            self._too_late()
            return
        self._transport.pause_reading()
        self._timer = self._loop.call_later(_PAUSE_SECONDS, self._fetch)

    def _fetch(self) -> None:
        self._resume()
        self._timer = self._loop.call_later(_FETCH_SECONDS, self._pause)

    def _resume(self) -> None:
        if not self._flow.read_paused:
            self._transport.resume_reading()
