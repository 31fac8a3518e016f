"""What the plugin sends, held against xmlsec and signxml (SECURITY 3)."""

from __future__ import annotations

import base64

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.client import Signature
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.errors import ConfigurationError
from tests.client.conftest import NOW, Party, message

NAMES = {"s": SOAP_ENV, "wsse": WSSE, "wsu": WSU, "ds": DS}


@pytest.fixture(params=["customer", "ec_customer"])
def sender(request: pytest.FixtureRequest) -> Party:
    found: Party = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def signed(sender: Party, provider: Party) -> etree._Element:
    envelope, _ = sender.signature(provider).apply(message(), {})
    return etree.fromstring(etree.tostring(envelope))


def test_xmlsec_verifies(signed: etree._Element, sender: Party) -> None:
    (signature,) = signed.xpath("//ds:Signature", namespaces=NAMES)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(sender.certificate_pem, xmlsec.KeyFormat.CERT_PEM)
    for element in signed.xpath("//*[@wsu:Id]", namespaces=NAMES):
        context.register_id(element, "Id", WSU)
    context.verify(signature)


def test_signxml_verifies(signed: etree._Element, sender: Party) -> None:
    config = SignatureConfiguration(expect_references=3, verification_time=NOW)
    data = etree.tostring(signed)
    results = XMLVerifier().verify(data, x509_cert=sender.certificate, expect_config=config)
    assert [etree.QName(part.signed_xml).localname for part in results] == [
        "Timestamp",
        "BinarySecurityToken",
        "Body",
    ]


def test_the_parts_stand_in_the_order_that_gsoap_needs(signed: etree._Element) -> None:
    (security,) = signed.xpath("s:Header/wsse:Security", namespaces=NAMES)
    names = [etree.QName(child).localname for child in security]
    assert names == ["Timestamp", "BinarySecurityToken", "Signature"]


def test_the_token_is_the_customers_certificate(signed: etree._Element, sender: Party) -> None:
    token = signed.findtext(".//wsse:BinarySecurityToken", namespaces=NAMES) or ""
    assert base64.b64decode(token) == sender.certificate.public_bytes(Encoding.DER)


def test_only_sha256_and_exclusive_canonical_form(
    signed: etree._Element, sender: Party, customer: Party
) -> None:
    kind = "rsa" if sender is customer else "ecdsa"
    assert set(signed.xpath("//ds:SignedInfo//@Algorithm", namespaces=NAMES)) == {
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        f"http://www.w3.org/2001/04/xmldsig-more#{kind}-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
    }


def test_created_is_now_in_utc_and_expires_five_minutes_later(signed: etree._Element) -> None:
    (timestamp,) = signed.xpath("//wsu:Timestamp", namespaces=NAMES)
    assert [child.text for child in timestamp] == [
        "2026-03-02T09:30:00.000Z",
        "2026-03-02T09:35:00.000Z",
    ]


def test_a_header_that_is_there_is_kept(customer: Party, provider: Party) -> None:
    envelope = message()
    header = etree.Element(f"{{{SOAP_ENV}}}Header")
    etree.SubElement(header, "{urn:a}Action")
    envelope.insert(0, header)
    customer.signature(provider).apply(envelope, {})
    assert [etree.QName(child).localname for child in header] == ["Action", "Security"]
    assert len(envelope.findall(f"{{{SOAP_ENV}}}Header")) == 1


def test_two_messages_share_no_id(customer: Party, provider: Party) -> None:
    plugin = customer.signature(provider)
    ids = [
        identifier
        for _ in range(2)
        for identifier in plugin.apply(message(), {})[0].xpath("//@wsu:Id", namespaces=NAMES)
    ]
    assert len(set(ids)) == 6


def test_a_key_of_another_certificate_is_refused(customer: Party, provider: Party) -> None:
    with pytest.raises(ConfigurationError, match="does not belong"):
        Signature(provider.key_pem, customer.certificate_pem, provider.certificate_pem)


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_what_is_no_pem_is_refused(customer: Party, provider: Party, broken: int) -> None:
    parts = [customer.key_pem, customer.certificate_pem, provider.certificate_pem]
    parts[broken] = b"no PEM"
    with pytest.raises(ConfigurationError, match="PEM"):
        Signature(*parts)


def test_a_key_of_another_kind_is_refused(customer: Party, provider: Party) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ConfigurationError, match="neither RSA nor EC"):
        Signature(pem, customer.certificate_pem, provider.certificate_pem)
