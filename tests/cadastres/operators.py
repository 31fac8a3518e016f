"""Operators that answer as a test wants, on real sockets, and a remote cadastre that asks them."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lxml import etree

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.line import LineLimits, OperatorLine
from ksz_childbenefits.cadastres.remote import RemoteCadastre
from ksz_childbenefits.contract.cadastre_codec import (
    SupplierInformation,
    decode_call,
    encode_holdings,
)
from ksz_childbenefits.contract.envelope import BODY
from ksz_childbenefits.contract.namespaces import CADASTRE_SOAP_ACTION
from ksz_childbenefits.contract.xmlio import XmlLimits, parse
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import File, FileMember, FileType, Fund, PaymentPeriod
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.security.credentials import ServiceKeys
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.trust import Trust
from tests.contract.canonical import canonical, read
from tests.registers.numbers import NOOR, PARENT
from tests.security.pki import Party, pki

DEADLINE = 0.3
LIMITS = LineLimits(seconds=DEADLINE, reply_bytes=200_000)

FILE = File(
    FileType.CHILD_BENEFIT,
    date(2019, 6, 1),
    None,
    Fund("0697784445", None),
    "4277553995",
    None,
    (FileMember(NOOR, periods=(PaymentPeriod(YearMonth(2019, 6), None, "CHILD_ALLOWANCE"),)),),
    (FileMember(PARENT),),
)
CALL = CadastreCall(
    AuthenticSource.WALLONIA,
    NOOR,
    MonthRange(YearMonth(2019, 1), YearMonth(2024, 12)),
    "1f0d2c3b-4a59-4687-9695-a4b3c2d1e0f9",
    Customer("fedris", "0206734318", None, None),
    "FEDRIS:COMPENSATION_FILE",
)

Behaviour = Callable[[socket.socket, bytes, threading.Event], None]
"""Gets the connection, the body of a request and what is set when the test is over."""


def http(body: bytes, status: str = "200 OK", *headers: str, media: str = "text/xml") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media}; charset=utf-8", *headers]
    if not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def payload_of(
    request: bytes,
    files: tuple[File, ...] = (FILE,),
    call: Callable[[CadastreCall], CadastreCall] = lambda call: call,
    truncated: tuple[str, ...] = (),
) -> etree._Element:
    """What an operator that has these files answers, to the call as changed; nothing withheld."""
    asked = decode_call(parse(request, None).find(f"{BODY}/*"))  # type: ignore[arg-type]
    now = datetime.now(UTC)
    supplier = SupplierInformation("0900020141", now, now)
    return read(encode_holdings(call(asked), Holdings(files, truncated), supplier))


def signed(payload: etree._Element, by: Party | None = None, age: float = 0) -> bytes:
    moment = datetime.now(UTC) - timedelta(seconds=age)
    return sign(canonical(payload), (by or pki().service).credentials, moment)


def answering(make: Callable[[bytes], bytes], status: str = "200 OK") -> Behaviour:
    """Answer with what ``make`` makes of the request."""
    return lambda stream, body, _: stream.sendall(http(make(body), status))


def sending(data: bytes) -> Behaviour:
    return lambda stream, _body, _stop: stream.sendall(data)


GOOD = answering(lambda request: signed(payload_of(request)))


class Site(socketserver.ThreadingTCPServer):
    """One operator; ``requests`` counts those that came whole."""

    daemon_threads = False
    allow_reuse_address = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.requests = 0
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        self.connection.settimeout(5)
        with suppress(OSError):
            while (body := self._request()) is not None:
                site.requests += 1
                site.behaviour(self.connection, body, site.stop)

    def _request(self) -> bytes | None:
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self.rfile.read(length) if length else None


@contextmanager
def site(behaviour: Behaviour) -> Iterator[Site]:
    server = Site(behaviour)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


def nobody(_: object) -> None:
    """Is told when a call has ended."""


def remote(
    url: str,
    loop: BackgroundLoop,
    limits: LineLimits = LIMITS,
    *,
    operator: Operator = Operator.AVIQ,
    trust: Trust | None = None,
    party: Party | None = None,
) -> RemoteCadastre:
    """A cadastre at ``url`` whose replies must be signed by ``party``."""
    return RemoteCadastre(
        OperatorLine(operator, url, CADASTRE_SOAP_ACTION, loop, limits),
        ServiceKeys(pki().rsa.credentials),
        trust or pki().trust(),
        KnownCertificates([(party or pki().service).certificate]),
        XmlLimits(),
    )


@contextmanager
def background() -> Iterator[BackgroundLoop]:
    """A loop of which nothing is left afterwards: no thread, no socket."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    loop = BackgroundLoop()
    try:
        yield loop
    finally:
        loop.close()
    assert set(threading.enumerate()) <= threads
    assert open_sockets() <= sockets


def open_sockets() -> set[str]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return {target for target in found if target.startswith("socket:")}


def other(**changes: object) -> Callable[[CadastreCall], CadastreCall]:
    return lambda call: replace(call, **changes)  # type: ignore[arg-type]
