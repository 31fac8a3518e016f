"""uvicorn's HTTP/1.1 with bounds on time and size (SECURITY 1).

uvicorn waits for ever for a request that drips, reads any amount, and holds a reply for ever for a
client that does not take it. This protocol adds one clock for reading, one for writing, and
counters; a request that it refuses never reaches the application. How many connections there are,
and how much they have not taken yet, is bounded for all together (crowd.py).
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ksz_childbenefits.server.head import Refusal, judge
from ksz_childbenefits.server.limits import BoundedConfig
from ksz_childbenefits.server.reading import ReadingClock

_log = logging.getLogger(__name__)

_SLICE: Final = 16 * 1024
"""Bytes parsed at once: what may pass unnoticed above a bound."""

_LINGER_SECONDS: Final = 1
"""How long a refused connection stays open, unread: closed at once, the client may lose the 4xx."""

_FAREWELL_SECONDS: Final = 1.0
"""At the end of the service: how long a new connection may still say nothing."""

_LOOK_SECONDS: Final = 0.1
"""How often a connection that stays looks whether the service ends."""

_HOP: Final = (b"connection", b"upgrade", b"http2-settings")


class BoundedProtocol(HttpToolsProtocol):
    """One connection; at any time one clock runs, or the application is at work."""

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn calls it."""
        super().__init__(config, server_state, app_state, _loop)
        self.limits = config.limits
        self.stopping = config.stopping
        self.crowd = config.crowd
        self.leaving = False
        self.patience = _FAREWELL_SECONDS
        self.reading: ReadingClock = None  # type: ignore[assignment]  # until there is a transport
        self.writing: asyncio.TimerHandle | None = None
        self.lingering: asyncio.TimerHandle | None = None
        self.deaf = False
        self.advanced = False
        self.headers_read = False
        self.unproductive_bytes = 0
        self.body_bytes = 0

    # The connection

    def connection_made(self, transport: Any) -> None:
        """Start the clock: a connection that says nothing is closed too."""
        super().connection_made(transport)
        if self.scheme == "https":
            transport.set_read_buffer_limits(high=1)  # so that what is not read is not decrypted
        transport.set_write_buffer_limits(high=1)  # so that a waiting reply is noticed
        self.reading = ReadingClock(self.loop, transport, self.flow, self._too_late)
        self._start_reading()
        self.crowd.waits(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self.crowd.left(self)
        self.deaf = True
        self.reading.stop(listen=False)
        for timer in (self.writing, self.lingering):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The worker goes: answer what is in, or coming in, and say that it was the last answer.

        A client that keeps its connection may be sending at this moment: while others take over, it
        is waited for until the connection would have been closed anyway. At the end of the service
        only as long as a first request may be on its way.
        """
        self.leaving = True
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        if self.stopping.is_set() and not self.unproductive_bytes:
            self.patience = 0 if self.cycle is not None else self.patience - _LOOK_SECONDS
            if self.patience <= 0:
                self.transport.close()
                return
        self.loop.call_later(_LOOK_SECONDS, self.shutdown)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a half-closed connection until its answer is sent, if one is being made."""
        self.deaf = True
        if self._answering() and self.transport.can_write_eof():
            self.cycle.keep_alive = False
            return True
        return False

    def data_received(self, data: bytes) -> None:
        """Parse what came in, in slices, for as long as the request is within its bounds."""
        self._unset_keepalive_if_required()
        if not self._answering():
            self._start_reading()
        for start in range(0, len(data), _SLICE):
            if self.deaf:
                return
            self._parse(data[start : start + _SLICE])

    def _parse(self, data: bytes) -> None:
        self.advanced = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, Refusal) else HTTPStatus.BAD_REQUEST)
        else:
            self._count(len(data))

    def _count(self, size: int) -> None:
        """Bound what is neither a whole header block nor body: headers, chunk lines, trailers."""
        self.unproductive_bytes = 0 if self.advanced else self.unproductive_bytes + size
        if self.unproductive_bytes > self.limits.header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin a request, unless another one is still being answered (RFC 9112, 9.3.2)."""
        if self._answering():
            raise Refusal(HTTPStatus.BAD_REQUEST)
        super().on_message_begin()
        self.headers_read = False
        self.body_bytes = 0
        self._start_reading()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers are dropped."""
        if not self.headers_read:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse what cannot be served, and hand the rest to the application."""
        self.headers_read = self.advanced = True
        judge(self.parser, self.url, self.headers, self.limits)
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            if self.leaving:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; chunked ones are bounded here."""
        self.advanced = True
        self.body_bytes += len(body)
        if self.body_bytes > self.limits.request_bytes:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock of reading; if the answer is out already, the connection is idle."""
        if self.parser.should_upgrade():
            return
        self.advanced = True
        self.reading.stop(listen=True)
        super().on_message_complete()
        self.cycle.more_body = False
        if not self.cycle.response_complete:
            self.crowd.is_served(self)
        elif not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """The answer is on its way; what follows is the client's to do."""
        super().on_response_complete()
        self._look_whether_taken()
        if not self.transport.is_closing():
            self.crowd.waits(self)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Serve the request as if it had not offered another protocol (RFC 9110, 7.8).

        Java's HttpClient offers h2c with its first request; the parser takes the body of such a
        request for the other protocol, so it is parsed once more without the offer.
        """
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            if name not in _HOP:
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self._parse(b"".join([*head, b"\r\n", rest]))

    # Clocks

    def _answering(self) -> bool:
        """Whether a whole request is in and its answer is not yet out."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _start_reading(self) -> None:
        if not self.deaf:
            self.reading.start(self.limits.read_seconds)

    def _too_late(self) -> None:
        self.give_up("no whole request in time")

    def pause_writing(self) -> None:
        """Start the clock of writing: the client does not take the reply."""
        super().pause_writing()
        if self.writing is None:
            self.writing = self.loop.call_later(self.limits.write_seconds, self._not_taken)
        self.crowd.is_slow(self)

    def resume_writing(self) -> None:
        """What was written is taken; the clock goes on while more of the same reply is to come."""
        super().resume_writing()
        self._look_whether_taken()

    def _look_whether_taken(self) -> None:
        """Stop the clock of writing once the whole reply is taken."""
        if self.flow.write_paused or self._to_be_written():
            return
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None
        self.crowd.took_all(self)

    def unsent(self) -> int:
        """Bytes of the reply that the client has not taken yet."""
        return int(self.transport.get_write_buffer_size()) + self._to_be_written()

    def _to_be_written(self) -> int:
        """Bytes of the reply that wait until those before them are taken."""
        cycle = self.cycle
        return 0 if cycle is None or cycle.response_complete else cycle.expected_content_length

    def _not_taken(self) -> None:
        self.give_up("reply not taken in time")

    def give_up(self, reason: str) -> None:
        """Close at once, whatever is under way."""
        _log.info("connection closed", extra={"reason": reason})
        self.transport.abort()

    # Refusals

    def _refuse(self, status: HTTPStatus) -> None:
        """Read no further, answer ``status`` and close; an answer on its way goes out instead."""
        self.deaf = True
        self.reading.stop(listen=False)
        self.flow.pause_reading()
        if self._answering():
            self.cycle.keep_alive = False
            return
        if self._leave_application():
            self.transport.close()
            return
        _log.info("request refused", extra={"http": status.value, "reason": status.phrase})
        text = status.phrase.encode() + b"\n"
        self.transport.write(
            STATUS_LINE[status] + b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(text), text)
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.lingering = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def _leave_application(self) -> bool:
        """Tell an application that waits for this body that none comes; True: it has answered."""
        cycle = self.cycle
        if cycle is None or not cycle.more_body:
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return bool(cycle.response_started)
