"""One consultation over HTTP, against a stub that answers what a test tells it to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits import client as library
from ksz_childbenefits.client import ChildBenefitsClient, Credentials, Signature, connect
from ksz_childbenefits.contract.namespaces import INTF, SOAP_ENV
from tests.client.conftest import Party, message

WSDL = str(resources.files("ksz_childbenefits.contract") / "wsdl" / "ChildBenefitsV1.wsdl")
SSIN = "85073003328"
CBSS = (
    "<informationCBSS><ticketCBSS>b4f1c0de-0000-4000-8000-000000000000</ticketCBSS>"
    "<timestampReceive>2026-03-02T09:30:00Z</timestampReceive>"
    "<timestampReply>2026-03-02T09:30:00Z</timestampReply></informationCBSS>"
)
FAULT = (
    "<s:Fault><faultcode>s:Server</faultcode><faultstring>An unexpected error.</faultstring>"
    '<detail><i:consultFilesBySsinFault xmlns:i="{intf}">{customer}{cbss}'
    "<detail><severity>FATAL</severity><reasonCode>MSG00003</reasonCode><diagnostic>no</diagnostic>"
    "<authorCode>KSZ</authorCode></detail></i:consultFilesBySsinFault></detail></s:Fault>"
)


@dataclass
class Stub:
    """What the service got, and what it answers; the body is made from the request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/xml"})
    answer: Callable[[etree._Element], bytes] = lambda request: b""
    received: list[etree._Element] = field(default_factory=list)
    address: str = ""


class _Handler(BaseHTTPRequestHandler):
    stub: Stub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.stub.received.append(etree.fromstring(body))
        answer = self.stub.answer(self.stub.received[-1])
        self.send_response(self.stub.status)
        for name, value in {**self.stub.headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent
        """Keep silent."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    found = Stub()
    handler = type("Handler", (_Handler,), {"stub": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        found.address = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def client(stub: Stub, customer: Party, provider: Party) -> ChildBenefitsClient:
    return connect(WSDL, credentials(customer, provider), stub.address)


def credentials(customer: Party, provider: Party) -> Credentials:
    return Credentials(
        key=customer.key_pem,
        certificate=customer.certificate_pem,
        service_certificates=provider.certificate_pem,
        legal_context="TEST:CONTEXT",
        cbe_number="0206731645",
    )


def customer_echo(request: etree._Element) -> str:
    element = request.find(".//informationCustomer")
    etree.cleanup_namespaces(element)
    return etree.tostring(element, encoding="unicode", with_tail=False)


def answer(request: etree._Element, ssin: str = SSIN, customer: str | None = None) -> str:
    """A reply with NO_DATA_FOUND to the request."""
    return (
        f'<i:consultFilesBySsinResponse xmlns:i="{INTF}">{customer or customer_echo(request)}{CBSS}'
        f"<legalContext>TEST:CONTEXT</legalContext><criteria><ssin>{ssin}</ssin><period>"
        "<beginMonth>2020-01</beginMonth></period></criteria><status><value>NO_DATA_FOUND</value>"
        "<code>MSG00100</code></status></i:consultFilesBySsinResponse>"
    )


def fault(customer: str = "") -> str:
    return FAULT.format(intf=INTF, customer=customer, cbss=CBSS)


def signed(provider: Party, customer: Party, content: str) -> bytes:
    plugin = Signature(provider.key_pem, provider.certificate_pem, customer.certificate_pem)
    envelope, _ = plugin.apply(message(content), {})
    return etree.tostring(envelope)


def test_a_consultation(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party
) -> None:
    stub.answer = lambda request: signed(provider, customer, answer(request))
    before = datetime.now(UTC)
    reply = client.consult(SSIN, "2020-01", "2020-12", ["FLANDERS", "FEDERAL"], ticket="mine")
    assert (reply.status.value, reply.status.code) == ("NO_DATA_FOUND", "MSG00100")
    (request,) = stub.received
    asked = request.find(f"{{{SOAP_ENV}}}Body")[0]
    assert asked.tag == f"{{{INTF}}}consultFilesBySsinRequest"
    assert asked.findtext("informationCustomer/ticket") == "mine"
    assert asked.findtext("informationCustomer/customerIdentification/cbeNumber") == "0206731645"
    assert asked.findtext("legalContext") == "TEST:CONTEXT"
    assert asked.findtext("criteria/ssin") == SSIN
    assert [month.text for month in asked.find("criteria/period")] == ["2020-01", "2020-12"]
    assert [s.text for s in asked.find("criteria/authenticSources")] == ["FLANDERS", "FEDERAL"]
    sent = datetime.fromisoformat(asked.findtext("informationCustomer/timestampSent"))
    assert abs((sent - before).total_seconds()) < 30


def test_what_is_not_given_is_left_out(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party
) -> None:
    stub.answer = lambda request: signed(provider, customer, answer(request))
    client.consult(SSIN, "2020-01", legal_context="TEST:OTHER")
    client.consult(SSIN, "2020-01")
    first, second = (request.find(f"{{{SOAP_ENV}}}Body")[0] for request in stub.received)
    assert first.find("criteria/period/endMonth") is None
    assert first.find("criteria/authenticSources") is None
    assert first.findtext("legalContext") == "TEST:OTHER"
    tickets = {r.findtext("informationCustomer/ticket") for r in (first, second)}
    assert len(tickets) == 2


def test_sector_and_institution_identify_a_customer_without_number(
    customer: Party, provider: Party
) -> None:
    by_sector = Credentials(b"", b"", b"", "C", sector=17, institution=1)
    assert by_sector.identification() == {"sector": 17, "institution": 1}


def test_the_last_reply_is_kept_as_it_was_signed(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party
) -> None:
    stub.answer = lambda request: signed(provider, customer, answer(request))
    assert client.last_reply is None
    client.consult(SSIN, "2020-01")
    assert client.last_reply is not None
    assert client.last_reply.tag == f"{{{INTF}}}consultFilesBySsinResponse"


def test_a_signed_fault(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party
) -> None:
    stub.status = 500
    stub.answer = lambda request: signed(provider, customer, fault(customer_echo(request)))
    with pytest.raises(library.ServiceFault) as caught:
        client.consult(SSIN, "2020-01")
    assert not isinstance(caught.value, library.UnsignedFault)
    assert (caught.value.code, caught.value.reason_code) == ("s:Server", "MSG00003")
    assert caught.value.ticket_cbss == "b4f1c0de-0000-4000-8000-000000000000"


def test_an_unsigned_fault(client: ChildBenefitsClient, stub: Stub) -> None:
    stub.status = 503
    stub.answer = lambda request: etree.tostring(message(fault()))
    with pytest.raises(library.UnsignedFault) as caught:
        client.consult(SSIN, "2020-01")
    assert caught.value.reason_code == "MSG00003"


def test_a_tampered_fault(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party
) -> None:
    stub.status = 500
    stub.answer = lambda request: signed(provider, customer, fault()).replace(b"00003", b"00002")
    with pytest.raises(library.UntrustedReply):
        client.consult(SSIN, "2020-01")


@pytest.mark.parametrize("change", ["ticket", "ssin"])
def test_the_reply_to_another_request(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party, change: str
) -> None:
    other = (
        "<informationCustomer><ticket>other</ticket><customerIdentification>"
        "<cbeNumber>0206731645</cbeNumber></customerIdentification></informationCustomer>"
    )
    changed = {"customer": other} if change == "ticket" else {"ssin": "85073003427"}
    stub.answer = lambda request: signed(provider, customer, answer(request, **changed))
    with pytest.raises(library.UntrustedReply, match="another request"):
        client.consult(SSIN, "2020-01")
    stub.status = 500
    stub.answer = lambda request: signed(provider, customer, fault(other))
    with pytest.raises(library.UntrustedReply, match="another request"):
        client.consult(SSIN, "2020-01")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {"Content-Type": "text/plain"}, b"not found"),
        (413, {"Content-Type": "text/plain; charset=utf-8"}, b"too large"),
        (502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
        (200, {"Content-Type": "multipart/related; boundary=x"}, b"--x--"),
        (302, {"Content-Type": "text/html", "Location": "/elsewhere"}, b""),
        (500, {"Content-Type": "text/xml"}, b""),
        (200, {"Content-Type": "text/xml"}, b"<not well-formed"),
    ],
)
def test_what_is_no_soap(
    client: ChildBenefitsClient, stub: Stub, status: int, headers: dict[str, str], body: bytes
) -> None:
    stub.status, stub.headers, stub.answer = status, headers, lambda request: body
    with pytest.raises(library.HttpRefusal) as caught:
        client.consult(SSIN, "2020-01")
    assert caught.value.status == status
    assert len(stub.received) == 1


def test_an_empty_answer_is_not_trusted(client: ChildBenefitsClient, stub: Stub) -> None:
    # zeep takes 202 without content for an answer, before it asks the plugin.
    stub.status = 202
    with pytest.raises(library.UntrustedReply):
        client.consult(SSIN, "2020-01")


def test_a_dtd_is_refused(client: ChildBenefitsClient, stub: Stub) -> None:
    stub.answer = lambda request: b"<!DOCTYPE x>" + etree.tostring(message())
    with pytest.raises(library.UnreadableReply):
        client.consult(SSIN, "2020-01")


@pytest.mark.parametrize(
    "content",
    [
        "",
        '<a:b xmlns:a="urn:a"/>',
        f'<i:consultFilesBySsinResponse xmlns:i="{INTF}"/>',
        '<s:Fault><detail><a:b xmlns:a="urn:a"/></detail></s:Fault>',
        f'<s:Fault><detail><i:consultFilesBySsinFault xmlns:i="{INTF}"/></detail></s:Fault>',
        "<s:Fault><faultcode>s:Server</faultcode></s:Fault>",
    ],
)
def test_a_signed_reply_that_is_not_the_wsdls(
    client: ChildBenefitsClient, stub: Stub, customer: Party, provider: Party, content: str
) -> None:
    stub.answer = lambda request: signed(provider, customer, content)
    with pytest.raises(library.UnreadableReply):
        client.consult(SSIN, "2020-01")


@pytest.mark.parametrize("month", ["2020", "2020-13", "20-01", "1899-12"])
def test_what_is_no_month_is_not_sent(client: ChildBenefitsClient, stub: Stub, month: str) -> None:
    with pytest.raises(ValueError, match="month"):
        client.consult(SSIN, month)
    assert not stub.received


def test_no_service(customer: Party, provider: Party) -> None:
    with pytest.raises(library.ServiceUnreachable):
        connect("http://127.0.0.1:9/?wsdl", credentials(customer, provider))
    client = connect(WSDL, credentials(customer, provider), "http://127.0.0.1:9/")
    with pytest.raises(library.ServiceUnreachable):
        client.consult(SSIN, "2020-01")


def test_no_wsdl(customer: Party, provider: Party, tmp_path: Path) -> None:
    with pytest.raises(library.ServiceUnreachable):
        connect(str(tmp_path / "missing.wsdl"), credentials(customer, provider))
    (tmp_path / "broken.wsdl").write_text("<broken")
    with pytest.raises(library.ServiceUnreachable):
        connect(str(tmp_path / "broken.wsdl"), credentials(customer, provider))


def test_no_log_holds_the_number(
    client: ChildBenefitsClient,
    stub: Stub,
    customer: Party,
    provider: Party,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stub.answer = lambda request: signed(provider, customer, answer(request))
    with caplog.at_level(logging.DEBUG):
        client.consult(SSIN, "2020-01")
        stub.answer = lambda request: SSIN.encode()
        with pytest.raises(library.HttpRefusal) as caught:
            client.consult(SSIN, "2020-01")
    assert SSIN not in caplog.text
    assert SSIN not in str(caught.value)


def test_the_key_is_not_shown(customer: Party, provider: Party) -> None:
    assert "PRIVATE" not in repr(credentials(customer, provider))
