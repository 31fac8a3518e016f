"""The door: paths, methods and media types (SECURITY 1), as an ASGI application.

What passes it is a POST of ``text/xml`` on the service path, its body whole and within its bound;
what the body is worth is the gateway's to judge. The protocol beneath holds the bounds on time and
size and refuses what is no HTTP.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.wsdl import served_wsdl, served_xsd
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.metrics import CONTENT_TYPE, IN_FLIGHT, exposition
from ksz_childbenefits.server.answer import XML, Answer, Send, short
from ksz_childbenefits.server.crew import Crew
from ksz_childbenefits.server.limits import Limits, Stopping
from ksz_childbenefits.server.request import Receive, Request, Scope
from ksz_childbenefits.soap_app import Deliver, MessageEndpoint, operation_of

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

Responder = Callable[[Request], Awaitable[Answer | None]]
Resources = dict[tuple[str, str], tuple[str, Responder]]


class Door:
    """The ASGI application of one worker."""

    def __init__(
        self,
        endpoints: Sequence[MessageEndpoint],
        limits: Limits,
        public_url: str | None,
        stopping: Stopping,
        metrics_port: int | None,
    ) -> None:
        """``public_url``: base of the addresses in the WSDL; None: as the request names us.

        Once ``stopping`` is set the service says that it is not ready. What came in at
        ``metrics_port`` gets metrics and health, and nothing else.
        """
        self._endpoints = endpoints
        self._crew: Crew[Message, Reply] = Crew(limits.threads, "soap")
        self._room = limits.parallel_requests
        self._public_url = public_url
        self._stopping = stopping
        self._metrics_port = metrics_port
        self._resources: Resources = {
            (LIVE_PATH, ""): ("GET", self._live),
            (READY_PATH, ""): ("GET", self._ready),
        }
        self._inner: Resources = {**self._resources, (METRICS_PATH, ""): ("GET", _metrics)}
        for endpoint in endpoints:
            self._add(endpoint)

    def close(self) -> None:
        """Let go of everything that a worker holds, once it has answered what it had."""
        for endpoint in self._endpoints:
            endpoint.close()
        self._crew.close()

    def _add(self, endpoint: MessageEndpoint) -> None:
        """The resources of one endpoint: its service path, its WSDL, its XSDs."""
        contract = endpoint.contract
        answer = partial(self._consult, endpoint, operation_of(endpoint))
        self._resources[contract.path, ""] = ("POST", answer)
        self._resources[contract.path, "wsdl"] = ("GET", partial(self._wsdl, contract))
        for name in contract.xsds:
            schema = partial(_xsd, contract, name)
            self._resources[contract.xsd_path + name, ""] = ("GET", schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that went away before its body was whole gets nothing."""
        answer = await self._answer(Request(scope, receive))
        if answer is not None:
            await answer.send(send)

    async def _answer(self, request: Request) -> Answer | None:
        resource = self._resource(request)
        if resource is None:
            return _unread(request, short(HTTPStatus.NOT_FOUND))
        method, respond = resource
        if request.method != method:
            return _unread(request, short(HTTPStatus.METHOD_NOT_ALLOWED, allow=method))
        return await respond(request)

    def _resource(self, request: Request) -> tuple[str, Responder] | None:
        """The one method of what is asked for, and what answers it."""
        inner = self._metrics_port is not None and request.port == self._metrics_port
        resources = self._inner if inner else self._resources
        return resources.get((request.path, request.query.lower()))

    async def _wsdl(self, contract: Contract, request: Request) -> Answer:
        base = self._public_url
        if base is None:
            host = request.header("host") or ""
            if not _HOST.fullmatch(host):
                return short(HTTPStatus.BAD_REQUEST)
            base = f"{request.scheme}://{host}"
        return Answer(HTTPStatus.OK, served_wsdl(contract, base), XML)

    async def _live(self, _: Request) -> Answer:
        return short(HTTPStatus.OK)

    async def _ready(self, _: Request) -> Answer:
        ready = await asyncio.to_thread(lambda: [e.ready() for e in self._endpoints])
        able = all(ready) and not self._stopping.is_set()
        return short(HTTPStatus.OK if able else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _consult(
        self,
        endpoint: MessageEndpoint,
        operation: Callable[[Message, Deliver], None],
        request: Request,
    ) -> Answer | None:
        if not request.is_plain_xml():
            return _unread(request, short(HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
        body = await request.body()
        if body is None:
            return None
        message = request.message(body)
        if self._room == 0:
            return _answer(endpoint.overloaded(message))
        self._room -= 1
        try:
            with IN_FLIGHT.track_inprogress():
                return _answer(await self._crew.do(operation, message))
        finally:
            self._room += 1


def _answer(reply: Reply | None) -> Answer:
    if reply is None:
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"", XML)
    again = () if reply.retry_after is None else (("retry-after", str(reply.retry_after)),)
    return Answer(reply.status, reply.body, XML, again)


async def _metrics(_: Request) -> Answer:
    return Answer(HTTPStatus.OK, await asyncio.to_thread(exposition), CONTENT_TYPE)


async def _xsd(contract: Contract, name: str, _: Request) -> Answer:
    return Answer(HTTPStatus.OK, served_xsd(contract, name), XML)


def _unread(request: Request, answer: Answer) -> Answer:
    """An answer before the body is read: whether a client that expects 100 still sends it is open.

    So the connection ends there, else its next request could be taken for the body (RFC 9110,
    10.1.1).
    """
    if request.header("expect") is None:
        return answer
    return replace(answer, headers=(*answer.headers, ("connection", "close")))
