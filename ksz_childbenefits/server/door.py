"""The door: paths, methods and media types (SECURITY 1), as an ASGI application.

What passes it is a POST of ``text/xml`` on the service path, its body whole and within its bound;
what the body is worth is the gateway's to judge. The protocol beneath holds the bounds on time and
size and refuses what is no HTTP.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ksz_childbenefits.contract.wsdl import SERVICE_PATH, XSD_PATH, served_wsdl, served_xsd
from ksz_childbenefits.server.answer import XML, Answer, Send, short
from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.wsgi import ThreadedWsgi
from ksz_childbenefits.soap_app import (
    RECEIVED,
    MessageGateway,
    gateway_answer,
    message_of,
    soap_application,
)

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"

Receive = Callable[[], Awaitable[dict[str, Any]]]

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """What the door looks at; ``received``: UTC."""

    scope: dict[str, Any]
    receive: Receive
    received: datetime

    def header(self, name: bytes) -> str | None:
        """All values of a header, joined as HTTP joins them; None: absent."""
        values = [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]
        return ", ".join(values) if values else None

    async def body(self) -> bytes | None:
        """The whole body; None: the client went away."""
        parts = []
        while True:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                return None
            parts.append(event["body"])
            if not event["more_body"]:
                return b"".join(parts)


class Door:
    """The ASGI application of one worker."""

    def __init__(self, gateway: MessageGateway, limits: Limits, public_url: str | None) -> None:
        """``public_url``: base of the addresses in the WSDL; None: as the request names us."""
        self._gateway = gateway
        self._soap = ThreadedWsgi(soap_application(gateway), limits.threads)
        self._room = limits.parallel_requests
        self._public_url = public_url

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive, datetime.now(UTC))
        answer = await self._answer(request)
        if answer is not None:
            await answer.send(send)

    async def _answer(self, request: Request) -> Answer | None:
        resource = self._resource(request.scope["raw_path"], request.scope["query_string"])
        if resource is None:
            return _unread(request, short(HTTPStatus.NOT_FOUND))
        method, respond = resource
        if request.scope["method"] != method:
            return _unread(request, short(HTTPStatus.METHOD_NOT_ALLOWED, Allow=method))
        return await respond(request)

    def _resource(
        self, path: bytes, query: bytes
    ) -> tuple[str, Callable[[Request], Awaitable[Answer | None]]] | None:
        """The one method of a resource and what answers it."""
        match path.decode("ascii"), query.lower():
            case (path_, b"wsdl") if path_ == SERVICE_PATH:
                return "GET", self._wsdl
            case (path_, b"") if path_ == SERVICE_PATH:
                return "POST", self._consult
            case (path_, b"") if path_.startswith(XSD_PATH):
                return "GET", self._xsd
            case (path_, b"") if path_ == LIVE_PATH:
                return "GET", self._live
            case (path_, b"") if path_ == READY_PATH:
                return "GET", self._ready
            case _:
                return None

    async def _wsdl(self, request: Request) -> Answer:
        host = request.header(b"host") or ""
        if self._public_url is not None:
            return Answer(200, served_wsdl(self._public_url), XML)
        if not _HOST.fullmatch(host):
            return short(HTTPStatus.BAD_REQUEST)
        return Answer(200, served_wsdl(f"{request.scope['scheme']}://{host}"), XML)

    async def _xsd(self, request: Request) -> Answer:
        name = request.scope["raw_path"].decode("ascii").removeprefix(XSD_PATH)
        document = served_xsd(name)
        return short(HTTPStatus.NOT_FOUND) if document is None else Answer(200, document, XML)

    async def _live(self, _: Request) -> Answer:
        return short(HTTPStatus.OK)

    async def _ready(self, _: Request) -> Answer:
        ready = await asyncio.to_thread(self._gateway.ready)
        return short(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _consult(self, request: Request) -> Answer | None:
        if not _readable(request):
            return _unread(request, short(HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
        body = await request.body()
        if body is None:
            return None
        if self._room == 0:
            return self._overloaded(request, body)
        self._room -= 1
        try:
            return await self._soap(_environ(request, body))
        finally:
            self._room += 1
