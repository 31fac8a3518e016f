"""No part of a signed message can be changed unseen (SECURITY 3)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS
from ksz_childbenefits.errors import FailedAuthentication, FailedCheck, Fault
from tests.security.checks import SERVED, canonical, check, refusal
from tests.security.messages import Recipe, algorithm_for, by_xmlsec, find
from tests.security.pki import Party, customer, pki

pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")

MESSAGE = by_xmlsec(Recipe(algorithm=algorithm_for(pki().p256)), pki().p256)
UNSIGNED_TOKEN = Recipe(algorithm=algorithm_for(pki().p256), signed=(0, 1))
SIGNED = [
    rb"<s:Body.*</s:Body>",
    rb"<wsu:Timestamp.*</wsu:Timestamp>",
    rb"<wsse:BinarySecurityToken .*</wsse:BinarySecurityToken>",
    rb"<ds:SignedInfo>.*</ds:SignedInfo>",
    rb"<ds:SignatureValue>.*</ds:SignatureValue>",
]


def changed(place: int) -> bytes:
    return MESSAGE[:place] + bytes([MESSAGE[place] ^ 1]) + MESSAGE[place + 1 :]


@pytest.mark.parametrize("part", SIGNED)
def test_no_byte_of_a_signed_part_can_be_changed(part: bytes) -> None:
    match = re.search(part, MESSAGE, re.DOTALL)
    assert match is not None
    for place in range(*match.span()):
        with pytest.raises(Fault):
            check(changed(place))


def test_a_changed_byte_anywhere_never_changes_what_is_served() -> None:
    accepted = 0
    for place in range(len(MESSAGE)):
        try:
            verified = check(changed(place))
        except Fault:
            continue
        accepted += 1
        assert canonical(verified.payload) == SERVED
    assert accepted < 50  # the value of mustUnderstand, blanks between elements: nothing signed


def swapped(name: str, text: str) -> bytes:
    root = etree.fromstring(MESSAGE)
    elements = list(root.iter(f"{{{DS}}}{name}"))
    elements[0].text = text
    return etree.tostring(root)


def test_another_digest_is_refused() -> None:
    assert refusal(swapped("DigestValue", b64encode(bytes(32)).decode())) is FailedCheck


@pytest.mark.parametrize("value", [bytes(64), b"\xff" * 64, bytes(63), bytes(1), bytes(72)])
def test_another_signature_value_is_refused(value: bytes) -> None:
    assert refusal(swapped("SignatureValue", b64encode(value).decode())) is FailedCheck


def test_a_signature_value_in_der_is_refused() -> None:
    """GSOAP writes ECDSA values so; XML Signature wants r and s side by side (SECURITY 6)."""
    raw = b64decode(find(etree.fromstring(MESSAGE), "//ds:SignatureValue").text or "")
    der = encode_dss_signature(*(int.from_bytes(half, "big") for half in (raw[:32], raw[32:])))
    assert refusal(swapped("SignatureValue", b64encode(der).decode())) is FailedCheck


def test_another_algorithm_of_the_list_is_refused() -> None:
    message = MESSAGE.replace(b"#ecdsa-sha256", b"#ecdsa-sha384")
    assert refusal(message) is FailedCheck
    assert refusal(MESSAGE.replace(b"#ecdsa-sha256", b"#rsa-sha256")) is FailedCheck


def test_another_time_is_refused() -> None:
    assert refusal(MESSAGE.replace(b"12:00:00.000Z", b"12:00:01.000Z")) is FailedCheck
    assert refusal(MESSAGE.replace(b"12:05:00.000Z", b"12:04:00.000Z")) is FailedCheck


def with_token(message: bytes, party: Party) -> bytes:
    root = etree.fromstring(message)
    der = party.certificate.public_bytes(Encoding.DER)
    find(root, "//wsse:BinarySecurityToken").text = b64encode(der).decode()
    return etree.tostring(root)


@pytest.mark.parametrize("recipe", [Recipe(algorithm=algorithm_for(pki().p256)), UNSIGNED_TOKEN])
def test_the_token_of_another_customer_is_refused(recipe: Recipe) -> None:
    message = by_xmlsec(recipe, pki().p256)
    for other in (pki().indirect, pki().p384, pki().rsa):
        assert refusal(with_token(message, other)) is FailedCheck
    assert refusal(with_token(message, pki().stranger)) is FailedAuthentication


def test_a_token_of_the_same_key_is_refused_where_the_token_is_signed() -> None:
    renewed = customer(pki().root, "Renewed", pki().p256.key)
    assert refusal(with_token(MESSAGE, renewed)) is FailedCheck


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_certificate_with_a_changed_byte_is_refused_and_nothing_worse(kind: str) -> None:
    """Whatever a certificate's bytes are, the answer is one of the faults.

    Save that the count of unused bits in front of the authority's signature is not looked at by
    cryptography (50.0): the certificate says the same, and no new message to the replay store.
    """
    party = getattr(pki(), kind)
    message = by_xmlsec(UNSIGNED_TOKEN.with_(algorithm=algorithm_for(party)), party)
    original = check(message)
    der = party.certificate.public_bytes(Encoding.DER)
    root = etree.fromstring(message)
    token = find(root, "//wsse:BinarySecurityToken")
    for place in range(len(der)):
        octets = bytearray(der)
        octets[place] ^= 1 << place % 8
        token.text = b64encode(octets).decode()
        try:
            verified = check(etree.tostring(root))
        except Fault:
            continue
        certificate = verified.certificate
        assert certificate.tbs_certificate_bytes == original.certificate.tbs_certificate_bytes
        assert verified.replay_key == original.replay_key


def test_the_other_ecdsa_value_of_the_same_message_is_the_same_message() -> None:
    """(r, n - s) verifies as well as (r, s): accepted, and so under the same replay key."""
    raw = b64decode(find(etree.fromstring(MESSAGE), "//ds:SignatureValue").text or "")
    assert isinstance(pki().p256.key, ec.EllipticCurvePrivateKey)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    respelled = swapped("SignatureValue", b64encode(raw[:32] + other).decode())
    assert check(respelled).replay_key == check(MESSAGE).replay_key
