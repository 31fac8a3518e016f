"""What goes back over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

Send = Callable[[dict[str, Any]], Awaitable[None]]

XML = "text/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

_SLICE: Final = 64 * 1024
"""Bytes written at once: over TLS, what is written whole is out of sight until it is taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``headers`` are those besides Content-Type and Content-Length."""

    status: int
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()

    async def send(self, send: Send) -> None:
        """Give the answer to an ASGI server."""
        headers = (
            ("content-type", self.content_type),
            ("content-length", str(len(self.body))),
            *self.headers,
        )
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            }
        )
        for start in range(0, max(len(self.body), 1), _SLICE):
            piece, end = self.body[start : start + _SLICE], start + _SLICE
            await send(
                {"type": "http.response.body", "body": piece, "more_body": end < len(self.body)}
            )


def short(status: HTTPStatus, **headers: str) -> Answer:
    """The status in words."""
    return Answer(status, f"{status.phrase}\n".encode(), headers=tuple(headers.items()))
