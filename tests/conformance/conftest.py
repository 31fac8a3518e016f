"""Keys made on the spot, a case to change, and a service that says what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.conformance.answer import Answer
from ksz_childbenefits.conformance.case import Case, load_case
from ksz_childbenefits.conformance.identity import Identity, KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.conformance.recipe import SigningRecipe
from ksz_childbenefits.conformance.signer import Signer
from ksz_childbenefits.demo import pki

SAMPLES = Path(__file__).parents[2] / "samples"
NOW = datetime(2024, 6, 3, 9, 15, 0, 250000, UTC)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """The service's certificate, and credentials of a customer with RSA and of one with EC."""
    folder = tmp_path_factory.mktemp("keys")
    now = datetime.now(UTC)
    authority = pki.make_authority("Authority", now)
    for name, key in (
        ("service", pki.rsa_key()),
        ("fedris", pki.rsa_key()),
        ("sfpd", pki.ec_key()),
    ):
        (folder / name).mkdir()
        certificate = pki.issue(authority, key, name, now)
        pki.write_key(folder / name / "key.pem", key)
        pki.write_certificate(folder / name / "certificate.pem", certificate)
    pki.write_certificate(folder / "service.pem", KeyRing(folder).identity("service").certificate)
    return KeyRing(folder)


@pytest.fixture
def reply_case() -> Case:
    return load_case(SAMPLES / "accepted-plain")


@pytest.fixture
def fault_case() -> Case:
    return load_case(SAMPLES / "refused-xsd-two-violations")


ENVELOPE = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    b"<soapenv:Header/><soapenv:Body>%s</soapenv:Body></soapenv:Envelope>"
)
AS_SECURITY_4 = SigningRecipe(must_understand=False)

Change = Callable[[bytes], bytes]


@dataclass
class FakeService:
    """Answers every message with one content, signed, and keeps what it was sent."""

    identity: Identity
    content: bytes
    status: int = 200
    recipe: SigningRecipe = AS_SECURITY_4
    content_type: str = "text/xml; charset=utf-8"
    after: Change = bytes
    sent: list[HttpMessage] = field(default_factory=list)

    def __call__(self, message: HttpMessage) -> Answer:
        self.sent.append(message)
        envelope = etree.fromstring(ENVELOPE % self.content.strip())
        if not self.recipe.none:
            Signer(self.recipe, self.identity, datetime.now(UTC)).sign(envelope)
        headers = {"content-type": self.content_type}
        return Answer(self.status, headers, self.after(etree.tostring(envelope)))

    def judge(self, keys: KeyRing) -> Judge:
        return Judge(self, keys, keys.service())


GENERATED = (
    b"<ticketCBSS>0b0e1f0e-52f1-4b39-8d0b-0f9a2a7c9f11</ticketCBSS>"
    b"<timestampReceive>2024-06-03T09:15:00Z</timestampReceive>"
    b"<timestampReply>2024-06-03T09:15:00.021Z</timestampReply>"
)


def answer_to(case: Case) -> bytes:
    """The expected reply as a service would fill it in."""
    assert case.expected is not None
    root = etree.fromstring(case.expected)
    information = root.find("informationCBSS")
    description = root.find("status/description")
    assert information is not None
    assert description is not None
    for child in list(information):
        information.remove(child)
    information.extend(etree.fromstring(b"<i>%s</i>" % GENERATED))
    description.text = "The structure of the SSIN is invalid."
    return etree.tostring(root)


FAULT = (
    b"""
<soapenv:Fault xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:intf="http://kszbcss.fgov.be/intf/ChildBenefitsService/v1">
  <faultcode>soapenv:Client</faultcode>
  <faultstring>Not valid.</faultstring>
  <detail>
    <intf:consultFilesBySsinFault>
      <informationCBSS>%s</informationCBSS>
      <detail>
        <severity>FATAL</severity>
        <reasonCode>MSG00008</reasonCode>
        <diagnostic>Not valid.</diagnostic>
        <authorCode>http://example.org</authorCode>
        <information>
          <fieldName>informationCustomer/customerIdentification/cbeNumber</fieldName>
          <fieldValue>pattern</fieldValue>
        </information>
        <information>
          <fieldName>criteria/period/beginMonth</fieldName>
          <fieldValue>datatype gYearMonth</fieldValue>
        </information>
      </detail>
    </intf:consultFilesBySsinFault>
  </detail>
</soapenv:Fault>
"""
    % GENERATED
)
"""What the case refused-xsd-two-violations expects."""


@pytest.fixture
def get_case() -> Case:
    return load_case(SAMPLES / "refused-http-get")
