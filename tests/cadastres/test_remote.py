"""What can go wrong with an operator: each is a failure in time, and never data (issue, item 2)."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre, Holdings
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.contract.cadastre_codec import encode_supplier_fault
from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.envelope import write_body, write_envelope, write_fault
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import CadastreFailure, InternalError, Unavailable
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.trust import Anchor, Trust, TrustPolicy
from tests.cadastres.operators import (
    CALL,
    DEADLINE,
    FILE,
    GOOD,
    LIMITS,
    Behaviour,
    answering,
    background,
    http,
    nobody,
    other,
    payload_of,
    remote,
    sending,
    signed,
    site,
)
from tests.contract.canonical import canonical
from tests.registers.numbers import OTIS, PARENT
from tests.security.pki import Party, ec_key, issue, key_usage, pki, revocation_list, subject


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    with background() as loop:
        yield loop


def reset(stream: socket.socket, body: bytes, _: threading.Event) -> None:
    """Half a reply, then a reset."""
    whole = http(signed(payload_of(body)))
    stream.sendall(whole[: len(whole) // 2])
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(stream.detach())


def cut(stream: socket.socket, body: bytes, _: threading.Event) -> None:
    """Half a reply, then an orderly end."""
    whole = http(signed(payload_of(body)))
    stream.sendall(whole[: len(whole) // 2])
    stream.shutdown(socket.SHUT_RDWR)


def silent(_stream: socket.socket, _body: bytes, stop: threading.Event) -> None:
    stop.wait(5)


def slow(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
    stop.wait(DEADLINE * 2)
    GOOD(stream, body, stop)


def drip(data: bytes, stream: socket.socket, stop: threading.Event) -> None:
    for position in range(len(data)):
        stream.sendall(data[position : position + 1])
        if stop.wait(0.02):
            return


def dripping(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
    drip(http(signed(payload_of(body))), stream, stop)


def dripping_body(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
    whole = http(signed(payload_of(body)))
    stream.sendall(whole[:200])
    drip(whole[200:], stream, stop)


def endless(stream: socket.socket, _: bytes, stop: threading.Event) -> None:
    stream.sendall(http(b"", "200 OK", "Content-Length: 1000000000"))
    while not stop.is_set():
        stream.sendall(b"<a>" * 10_000)


def tampered(request: bytes) -> bytes:
    return signed(payload_of(request)).replace(b"2019-06", b"2019-07")


def invalid(request: bytes) -> bytes:
    payload = payload_of(request)
    number = payload.find("files/file/childBenefitsFund/enterpriseNumber")
    assert number is not None
    number.text = "12"
    return signed(payload)


def without_validity(request: bytes) -> bytes:
    payload = payload_of(request)
    payload.remove(payload.find("validities"))  # type: ignore[arg-type]
    return signed(payload)


def without_files(request: bytes) -> bytes:
    payload = payload_of(request)
    for part in ("files", "validities"):
        payload.remove(payload.find(part))  # type: ignore[arg-type]
    return signed(payload)


def unsigned(payload: str) -> bytes:
    return write_envelope("", write_body(payload))


def soap_fault(with_signature: bool) -> Behaviour:
    fault = InternalError() if with_signature else Unavailable()
    now = datetime.now(UTC)

    def make(_: bytes) -> bytes:
        detail = encode_supplier_fault(fault, CbssInformation(CALL.ticket, now, now))
        written = write_fault(fault.faultcode, "text", detail)
        if with_signature:
            return sign(written, pki().service.credentials, datetime.now(UTC))
        return unsigned(written)

    return answering(make, "500 Internal Server Error")


def strange_fault(_: bytes) -> bytes:
    detail = f'<x:d xmlns:x="u">{CALL.ssin}</x:d>'
    return unsigned(write_fault("soapenv:Server", CALL.ssin, detail))


def odd_date(request: bytes) -> bytes:
    payload = payload_of(request)
    begin = payload.find("validities/validity/beginDate")
    assert begin is not None
    begin.text = "12019-06-01"
    return signed(payload)


NOT_OF_NOOR = FILE._replace(children=(FILE.children[0]._replace(ssin=OTIS),))
OTHER_MONTHS = MonthRange(YearMonth(2018, 1), YearMonth(2024, 12))

TROUBLES: dict[str, tuple[Behaviour, str]] = {
    "refusing": (sending(http(b"<a/>", "503 Service Unavailable")), "HTTP 503"),
    "redirecting": (sending(http(b"", "302 Found", "Location: /elsewhere")), "HTTP 302"),
    "resetting mid-reply": (reset, "no reply"),
    "ending mid-reply": (cut, "no reply"),
    "no HTTP": (sending(b"hello\r\n\r\n"), "no reply"),
    "slow": (slow, "in time"),
    "silent": (silent, "in time"),
    "dripping": (dripping, "in time"),
    "dripping after the headers": (dripping_body, "in time"),
    "HTML": (sending(http(b"<html/>", media="text/html")), "no plain XML"),
    "HTML that is called XML": (sending(http(b"<html><body/></html>")), "no SOAP envelope"),
    "no XML": (sending(http(b"nothing")), "not well-formed"),
    "compressed": (sending(http(b"x", "200 OK", "Content-Encoding: gzip")), "no plain XML"),
    "a DTD": (sending(http(b"<!DOCTYPE a><a/>")), "document type"),
    "endless": (endless, "too long"),
    "unsigned": (answering(lambda r: unsigned(canonical(payload_of(r)))), "InvalidSecurity"),
    "tampered": (answering(tampered), "FailedCheck"),
    "signed by a customer": (
        answering(lambda r: signed(payload_of(r), pki().p256)),
        "somebody else",
    ),
    "signed by a stranger": (
        answering(lambda r: signed(payload_of(r), pki().stranger)),
        "FailedAuthentication",
    ),
    "stale": (answering(lambda r: signed(payload_of(r), age=301)), "MessageExpired"),
    "from the future": (answering(lambda r: signed(payload_of(r), age=-90)), "MessageExpired"),
    "an old reply": (
        answering(
            lambda r: signed(
                payload_of(r, call=other(ticket="00000000-0000-4000-8000-000000000000"))
            )
        ),
        "another request",
    ),
    "about another person": (
        answering(lambda r: signed(payload_of(r, call=other(ssin=PARENT)))),
        "another person",
    ),
    "about another source": (
        answering(lambda r: signed(payload_of(r, call=other(source=AuthenticSource.BRUSSELS)))),
        "another person, source",
    ),
    "about other months": (
        answering(lambda r: signed(payload_of(r, call=other(months=OTHER_MONTHS)))),
        "range of months",
    ),
    "another person's file": (
        answering(lambda r: signed(payload_of(r, (FILE, NOT_OF_NOOR)))),
        "the person asked for is not",
    ),
    "invalid": (answering(invalid), "SchemaViolation"),
    "files without validity": (answering(without_validity), "one validity"),
    "found, but nothing there": (answering(without_files), "does not go with"),
    "a year beyond the calendar": (answering(odd_date), "cannot be"),
    "a signed fault": (soap_fault(True), "SOAP fault MSG00003"),
    "an unsigned fault": (soap_fault(False), "SOAP fault MSG00001"),
    "a fault in other words": (answering(strange_fault, "500 Oh"), "fault without a code"),
}


@pytest.mark.parametrize(("behaviour", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_a_failure_in_time(
    behaviour: Behaviour, reason: str, loop: BackgroundLoop
) -> None:
    with site(behaviour) as operator:
        cadastre = remote(operator.url, loop)
        begun = time.monotonic()
        with pytest.raises(CadastreFailure, match=reason) as caught:
            cadastre.files(CALL)
        took = time.monotonic() - begun
        loop.close()
    assert operator.requests == 1  # what was sent once is never sent again
    assert CALL.ssin not in str(caught.value)
    assert took < DEADLINE + 0.2  # what a busy machine may need on top


def test_an_operator_that_is_down(loop: BackgroundLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(CadastreFailure, match="ConnectError"):
        remote(f"http://127.0.0.1:{port}/", loop).files(CALL)


def expired() -> Party:
    usage = key_usage("digital_signature")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return issue(pki().root, subject("Expired"), ec_key(7), usage, end=yesterday)


def test_its_own_certificate_is_not_believed_once_expired(loop: BackgroundLoop) -> None:
    party = expired()
    with site(answering(lambda r: signed(payload_of(r), party))) as operator:
        with pytest.raises(CadastreFailure, match="FailedAuthentication"):
            remote(operator.url, loop, party=party).files(CALL)
        loop.close()


def test_its_own_certificate_is_not_believed_once_revoked(
    loop: BackgroundLoop, tmp_path: Path
) -> None:
    now, path = datetime.now(UTC), tmp_path / "root.crl"
    begin, end = now - timedelta(days=1), now + timedelta(days=1)
    path.write_bytes(revocation_list(pki().root, pki().service, begin=begin, end=end))
    trust = Trust(TrustPolicy((Anchor(pki().root.certificate, path),)))
    with site(GOOD) as operator:
        with pytest.raises(CadastreFailure, match="FailedAuthentication"):
            remote(operator.url, loop, trust=trust).files(CALL)
        loop.close()


def test_a_good_reply_is_what_the_operator_has(loop: BackgroundLoop) -> None:
    with site(GOOD) as operator:
        cadastre: Cadastre = remote(operator.url, loop)
        assert cadastre.files(CALL) == Holdings((FILE,))
        assert cadastre.files(CALL) == Holdings((FILE,))
        loop.close()
    assert operator.requests == 2


def test_the_gateway_withholds_what_an_operator_sends_all_the_same(loop: BackgroundLoop) -> None:
    """DOMAIN 7; nor does it repeat that the operator cut it."""
    blocks = frozenset(("file/fileNumber", "paymentPeriods"))

    def everything(request: bytes) -> bytes:
        return signed(payload_of(request, truncated=("file", "paymentPeriod")))

    with site(answering(everything)) as operator:
        network = Network({Operator.AVIQ: remote(operator.url, loop)}, loop)
        (given,) = network.ask([(Operator.AVIQ, replace(CALL, withheld=blocks))])
        network.close()
    (child,) = FILE.children
    without = FILE._replace(file_number=None, children=(child._replace(periods=()),))
    assert given == Holdings((without,), ("file",))


def test_once_closed_every_call_fails(loop: BackgroundLoop) -> None:
    with site(GOOD) as operator:
        cadastre = remote(operator.url, loop)
        cadastre.files(CALL)
        loop.close()
        with pytest.raises(CadastreFailure, match="shutting down"):
            cadastre.files(CALL)


def test_closing_breaks_off_what_is_under_way(loop: BackgroundLoop) -> None:
    with site(silent) as operator:
        wait = remote(operator.url, loop, replace(LIMITS, seconds=5)).start(
            CALL, time.monotonic(), nobody
        )
        while not operator.requests:
            time.sleep(0.005)
        loop.close()
        with pytest.raises(CadastreFailure):
            wait()


def test_nobody_asks_on_nobodys_behalf(loop: BackgroundLoop) -> None:
    with pytest.raises(InternalError):
        remote("http://127.0.0.1:9/", loop).files(replace(CALL, customer=None))
