"""The client and the security room understand each other: two implementations of SECURITY 3."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from lxml import etree

from ksz_childbenefits.client import UntrustedReply
from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.envelope import open_envelope
from ksz_childbenefits.errors import FailedCheck
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.trust import Anchor, Trust, TrustPolicy
from ksz_childbenefits.security.wssecurity import sign, verify
from tests.client.conftest import NOW, Party, message
from tests.contract.canonical import canonical

REQUEST = (
    '<i:consultFilesBySsinRequest xmlns:i="http://kszbcss.fgov.be/intf/ChildBenefitsService/v1">'
    "<legalContext>C</legalContext></i:consultFilesBySsinRequest>"
)


class NoDirectory:
    """No certificate is looked up: the token is in the message."""

    def by_subject_key_identifier(self, ski: bytes) -> list[x509.Certificate]:
        return []

    def by_thumbprint_sha1(self, thumbprint: bytes) -> list[x509.Certificate]:
        return []

    def by_issuer_serial(self, issuer: x509.Name, serial: int) -> list[x509.Certificate]:
        return []


@pytest.fixture(params=["customer", "ec_customer"])
def party(request: pytest.FixtureRequest) -> Party:
    found: Party = request.getfixturevalue(request.param)
    return found


def signed_request(party: Party, provider: Party) -> bytes:
    envelope, _ = party.signature(provider).apply(message(REQUEST), {})
    return etree.tostring(envelope)


def test_the_service_accepts_what_the_client_signs(party: Party, provider: Party) -> None:
    trust = Trust(TrustPolicy(anchors=(Anchor(party.authority, None),)))
    envelope = open_envelope(xmlio.parse(signed_request(party, provider), None))
    verified = verify(envelope, trust, NoDirectory(), NOW + timedelta(seconds=1))
    assert verified.certificate == party.certificate
    assert verified.payload.findtext("legalContext") == "C"


def test_the_service_refuses_what_was_changed(party: Party, provider: Party) -> None:
    trust = Trust(TrustPolicy(anchors=(Anchor(party.authority, None),)))
    changed = signed_request(party, provider).replace(b">C<", b">D<")
    with pytest.raises(FailedCheck):
        verify(open_envelope(xmlio.parse(changed, None)), trust, NoDirectory(), NOW)


def test_the_client_accepts_what_the_service_signs(party: Party, provider: Party) -> None:
    # Here the party with either key is the service, and the provider its customer.
    payload = canonical(message(REQUEST)[-1][0])
    data = sign(payload, ServiceCredentials(party.key, party.certificate), NOW)
    envelope = provider.signature(party).verify(etree.fromstring(data))
    assert envelope.findtext(".//legalContext") == "C"
    with pytest.raises(UntrustedReply):
        provider.signature(party).verify(etree.fromstring(data.replace(b">C<", b">D<")))
