"""What foreign stacks send and must be accepted: the rows of SECURITY 6."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from ksz_childbenefits.contract.namespaces import SOAP_ENV
from ksz_childbenefits.security.tokens import X509V3
from tests.security.checks import SERVED, canonical, check
from tests.security.messages import (
    ENVELOPED,
    PAYLOAD,
    Recipe,
    algorithm_for,
    by_xmlsec,
    by_zeep,
    filled_in,
    unsigned,
)
from tests.security.oracles import signed_by_xmlsec
from tests.security.pki import NOW, Directory, pki

ORDINARY = Recipe(algorithm=algorithm_for(pki().p256))
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
MESSAGE_1_1 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
ADDRESSING = (
    '<a:To xmlns:a="http://www.w3.org/2005/08/addressing" wsu:Id="To-1">urn:ksz</a:To>'
    '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID>'
)

VARIANTS = {
    "token not signed": ORDINARY.with_(signed=(0, 1)),
    "no mustUnderstand": ORDINARY.with_(security_attributes=""),
    "unqualified Id": ORDINARY.with_(id_attribute="Id"),
    "short fixed ids": ORDINARY.with_(ids=("B", "T", "K")),
    "InclusiveNamespaces": ORDINARY.with_(
        prefixes="s wsse soap2", root_attributes=f'xmlns:soap2="{SOAP_ENV}"'
    ),
    "InclusiveNamespaces of the default namespace": ORDINARY.with_(
        prefixes="#default s wsu", root_attributes='xmlns="urn:of-the-root"', payload=PAYLOAD
    ),
    "InclusiveNamespaces empty": ORDINARY.with_(prefixes=""),
    "enveloped-signature transform": ORDINARY.with_(
        before=f'<ds:Transform Algorithm="{ENVELOPED}"/>'
    ),
    "Expires absent": ORDINARY.with_(expires=None),
    "Expires after 10 minutes": ORDINARY.with_(expires=timedelta(minutes=10)),
    "Expires after an hour": ORDINARY.with_(expires=timedelta(hours=1)),
    "zone written +00:00": ORDINARY.with_(zone="+00:00"),
    "line breaks in base64": ORDINARY.with_(base64_lines=True),
    "no EncodingType": ORDINARY.with_(token_attributes=f'ValueType="{X509V3}"'),
    "unsigned WS-Addressing headers": ORDINARY.with_(other_headers=ADDRESSING),
    "signed WS-Addressing headers": ORDINARY.with_(
        other_headers=ADDRESSING, header_parts=("To-1",)
    ),
    "reference without ValueType": ORDINARY.with_(key_info='<wsse:Reference URI="#X509-1"/>'),
    "Security for another actor": ORDINARY.with_(
        other_headers='<wsse:Security s:actor="urn:other"><wsu:Timestamp/></wsse:Security>'
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_of_another_stack_is_accepted(name: str) -> None:
    message = by_xmlsec(VARIANTS[name], pki().p256)
    assert signed_by_xmlsec(message, pki().p256.certificate) is not None
    assert check(message).certificate == pki().p256.certificate


@pytest.mark.parametrize("order", list(permutations(("timestamp", "token", "signature"))))
def test_the_children_of_security_stand_in_any_order(order: tuple[str, ...]) -> None:
    assert check(by_xmlsec(ORDINARY.with_(order=" ".join(order)), pki().p256))


def test_security_children_that_are_not_ours_are_ignored() -> None:
    message = by_xmlsec(ORDINARY, pki().p256)
    username = b"<wsse:UsernameToken><wsse:Username>x</wsse:Username></wsse:UsernameToken>"
    assert check(message.replace(b"</wsse:Security>", username + b"</wsse:Security>"))


def issuer_names() -> list[str]:
    name = pki().p256.certificate.issuer.rfc4514_string()
    assert name == "CN=Root,O=Tests\\, Inc.,C=BE"
    return [
        name,
        "CN=Root, O=Tests\\, Inc., C=BE",
        "2.5.4.3=Root,2.5.4.10=Tests\\2C Inc.,C=BE",
        # As WSS4J writes what RFC 4514 has no name for: the hex of its DER.
        "2.5.4.3=#0c04526f6f74,2.5.4.10=#130b54657374732c20496e632e,C=BE",
        # RFC 1779: Java's and .NET's printed form, WSS4J's IssuerSerialQuoteFormat.
        'CN=Root, O="Tests, Inc.", C=BE',
        'OID.2.5.4.3=Root; o = "Tests, Inc." ; C=BE',
        # BouncyCastle's printed form: from the other end.
        "C=BE,O=Tests\\, Inc.,CN=Root",
    ]


@pytest.mark.parametrize("issuer", issuer_names())
def test_a_registered_certificate_by_issuer_and_serial(issuer: str) -> None:
    certificate = pki().p256.certificate
    key_info = (
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{certificate.serial_number}</ds:X509SerialNumber>"
        "</ds:X509IssuerSerial></ds:X509Data>"
    )
    assert_registered(key_info)


def test_a_registered_certificate_by_subject_key_identifier() -> None:
    key = pki().p256.certificate.public_key()
    identifier = b64encode(x509.SubjectKeyIdentifier.from_public_key(key).digest).decode()
    assert_registered(
        f'<wsse:KeyIdentifier ValueType="{PROFILE}#X509SubjectKeyIdentifier">{identifier}'
        "</wsse:KeyIdentifier>"
    )


def test_a_registered_certificate_by_thumbprint() -> None:
    thumbprint = b64encode(pki().p256.certificate.fingerprint(hashes.SHA1())).decode()
    assert_registered(
        f'<wsse:KeyIdentifier ValueType="{MESSAGE_1_1}#ThumbprintSHA1">{thumbprint}'
        "</wsse:KeyIdentifier>"
    )


def assert_registered(key_info: str) -> None:
    recipe = ORDINARY.with_(key_info=key_info, order="timestamp signature", signed=(0, 1))
    message = by_xmlsec(recipe, pki().p256)
    directory = Directory(pki().rsa.certificate, pki().p256.certificate)
    assert check(message, directory=directory).certificate == pki().p256.certificate


def test_indentation_is_accepted() -> None:
    root = etree.fromstring(unsigned(ORDINARY, pki().p256))
    etree.indent(root, "\t")
    verified = check(filled_in(etree.tostring(root).decode(), pki().p256))
    assert verified.payload.findtext("criteria/ssin") == "85073003328"


def test_comments_are_dropped_on_both_sides() -> None:
    """Canonical XML leaves comments out, and so does the parser: what is read was signed."""
    text = unsigned(ORDINARY, pki().p256).replace("850730", "850<!-- x -->730")
    text = text.replace("<s:Body", "<!-- y --><s:Body")
    verified = check(filled_in(text, pki().p256))
    assert verified.payload.findtext("criteria/ssin") == "85073003328"
    assert canonical(verified.payload) == SERVED


def test_an_undeclared_default_namespace_is_accepted() -> None:
    payload = (
        PAYLOAD.replace("intf:", "").replace(":intf", "").replace("<criteria", '<criteria xmlns=""')
    )
    assert 'xmlns=""' in payload
    assert check(by_xmlsec(ORDINARY.with_(payload=payload), pki().p256))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_the_transport_is_accepted(encoding: str) -> None:
    text = by_xmlsec(ORDINARY, pki().p256).decode()
    charset = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
    assert check(text.encode(encoding), charset=charset)


def test_zeep_with_no_token_signed(tmp_path: Path) -> None:
    message = by_zeep(pki().rsa, tmp_path)
    assert message.count(b"<ds:Reference ") + message.count(b"<Reference ") == 2
    assert b"+00:00" in message
    assert check(message).expires_acceptance == NOW + timedelta(seconds=360)
