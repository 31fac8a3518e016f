"""uvicorn's HTTP/1.1 with bounds on time and size (SECURITY 1).

uvicorn waits for ever for a request that drips, reads any amount, and holds a reply for ever for a
client that does not take it. This protocol adds one clock for reading, one for writing, and
counters; a request that it refuses never reaches the application.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ksz_childbenefits.server.limits import BoundedConfig

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


class Refusal(Exception):
    """Raised through the parser: answer this status, and close the connection."""

    def __init__(self, status: HTTPStatus) -> None:
        """``status``: 400, 413 or 431."""
        super().__init__(status.phrase)
        self.status = status


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
        self.leaving = False
        self.patience = _FAREWELL_SECONDS
        self.reading: asyncio.TimerHandle | None = None
        self.writing: asyncio.TimerHandle | None = None
        self.lingering: asyncio.TimerHandle | None = None
        self.deaf = False
        self.advanced = False
        self.headers_read = False
        self.unproductive_bytes = 0
        self.body_bytes = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed too."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1)  # so that a waiting reply is noticed
        self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self.deaf = True
        self._stop_reading()
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
        self._judge_headers()
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
        self._stop_reading()
        super().on_message_complete()
        self.cycle.more_body = False
        if self.cycle.response_complete and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _judge_headers(self) -> None:
        """RFC 9112: version, origin-form target, one Host; then the bounds on size."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in {"1.0", "1.1"} or self.url[:1] != b"/" or b"#" in self.url:
            raise Refusal(HTTPStatus.BAD_REQUEST)
        if self.parser.get_method() == b"CONNECT":
            # Its target is no path, and the parser takes all after it for another protocol.
            raise Refusal(HTTPStatus.BAD_REQUEST)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise Refusal(HTTPStatus.BAD_REQUEST)
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.header_bytes:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        length = dict(self.headers).get(b"content-length", b"0")
        if int(length) > self.limits.request_bytes:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

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
        if self.reading is None and not self.deaf:
            self.reading = self.loop.call_later(self.limits.read_seconds, self._too_slow)

    def _stop_reading(self) -> None:
        if self.reading is not None:
            self.reading.cancel()
            self.reading = None

    def _too_slow(self) -> None:
        _log.info("connection closed", extra={"reason": "no whole request in time"})
        self.transport.abort()

    def pause_writing(self) -> None:
        """Start the clock of writing: the client does not take the reply."""
        super().pause_writing()
        if self.writing is None:
            self.writing = self.loop.call_later(self.limits.write_seconds, self._not_taken)

    def resume_writing(self) -> None:
        """Stop it: all is taken."""
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None
        super().resume_writing()

    def _not_taken(self) -> None:
        _log.info("connection closed", extra={"reason": "reply not taken in time"})
        self.transport.abort()

    # Refusals

    def _refuse(self, status: HTTPStatus) -> None:
        """Read no further, answer ``status`` and close; an answer on its way goes out instead."""
        self.deaf = True
        self._stop_reading()
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
