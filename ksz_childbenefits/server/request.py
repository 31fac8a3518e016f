"""A request as the door sees it, and as the endpoint gets it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ksz_childbenefits.exchange import Message
from ksz_childbenefits.soap_app import message_of

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_IDENTITY = {"", "identity"}


class Request:
    """One HTTP request of an ASGI server; ``received`` (UTC): when its headers were complete.

    ``port`` is that of the listener at which it came in, whatever the Host header says.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Nothing is read yet."""
        self._scope = scope
        self._receive = receive
        self.received = datetime.now(UTC)
        self.method: str = scope["method"]
        self.scheme: str = scope["scheme"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: str = scope["query_string"].decode("latin-1")
        self.port: int | None = (scope["server"] or (None, None))[1]

    def header(self, name: str) -> str | None:
        """The values of a header, joined as HTTP joins them; None: absent."""
        key = name.encode()
        values = [value for other, value in self._scope["headers"] if other == key]
        return b", ".join(values).decode("latin-1") if values else None

    @property
    def content_type(self) -> str:
        """As the header says it."""
        return self.header("content-type") or ""

    @property
    def soap_action(self) -> str | None:
        """As the header says it, quotes and all."""
        return self.header("soapaction")

    def is_plain_xml(self) -> bool:
        """``text/xml`` that nothing encodes; its charset is not judged here (SECURITY 1)."""
        coding = (self.header("content-encoding") or "").strip().lower()
        transfer = (self.header("transfer-encoding") or "chunked").strip().lower()
        media_type = self.content_type.partition(";")[0].strip().lower()
        return media_type == "text/xml" and coding in _IDENTITY and transfer == "chunked"

    async def body(self) -> bytes | None:
        """The whole body; None: the client went away, or sent too much."""
        parts: list[bytes] = []
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                return None
            parts.append(event["body"])
            if not event["more_body"]:
                return b"".join(parts)

    def message(self, body: bytes) -> Message:
        """What the endpoint is given: the body and the headers that it reads, and no other."""
        return message_of(body, self.content_type, self.soap_action, self.received)
