"""Our own messages have the form that foreign clients need (SECURITY 4 and 6)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from lxml import etree

from ksz_childbenefits.contract.envelope import write_fault
from ksz_childbenefits.contract.namespaces import DS, EC, WSSE, WSU
from ksz_childbenefits.security.signing import sign
from tests.contract.canonical import canonical
from tests.security.messages import PAYLOAD, find
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec
from tests.security.pki import NOW, pki

SERVED = canonical(etree.fromstring(PAYLOAD))


def reply(now: datetime = NOW) -> bytes:
    return sign(SERVED, pki().service.credentials, now)


def test_timestamp_token_and_signature_stand_in_this_order() -> None:
    security = find(etree.fromstring(reply()), "s:Header/wsse:Security")
    assert [child.tag for child in security] == [
        f"{{{WSU}}}Timestamp",
        f"{{{WSSE}}}BinarySecurityToken",
        f"{{{DS}}}Signature",
    ]


def test_no_inclusive_namespaces_and_no_undeclared_default() -> None:
    message = reply()
    assert b'xmlns=""' not in message
    assert b"InclusiveNamespaces" not in message
    assert b"xmlns:ns" not in message


def test_expires_is_five_minutes_after_created_in_utc() -> None:
    brussels = timezone(timedelta(hours=1))
    root = etree.fromstring(reply(NOW.replace(microsecond=1500).astimezone(brussels)))
    times = find(root, "//wsu:Timestamp")
    assert [child.text for child in times] == [
        "2026-03-10T12:00:00.001Z",
        "2026-03-10T12:05:00.001Z",
    ]


def test_an_rsa_key_signs_with_rsa_sha256() -> None:
    method = find(etree.fromstring(reply()), "//ds:SignatureMethod")
    assert method.get("Algorithm") == "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.mark.parametrize(("kind", "bits"), [("p256", 256), ("p384", 384), ("p521", 512)])
def test_an_ec_key_signs_with_the_hash_of_its_size(kind: str, bits: int) -> None:
    message = sign(SERVED, getattr(pki(), kind).credentials, NOW)
    method = find(etree.fromstring(message), "//ds:SignatureMethod")
    assert method.get("Algorithm") == f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{bits}"


def test_every_part_is_signed_by_exclusive_canonicalisation_alone() -> None:
    root = etree.fromstring(reply())
    transforms = root.iter(f"{{{DS}}}Transform", f"{{{DS}}}CanonicalizationMethod")
    assert [transform.get("Algorithm") for transform in transforms] == [EC] * 4


def test_a_fault_is_signed_like_a_reply() -> None:
    fault = write_fault("wsse:FailedCheck", "no", SERVED)
    message = sign(fault, pki().service.credentials, NOW)
    for oracle in (signed_by_xmlsec, signed_by_signxml):
        assert oracle(message, pki().service.certificate) is not None


def test_awkward_characters_survive_signing_and_writing() -> None:
    payload = etree.Element("{urn:x}a", {"b": '1\n2\t"3"&<'}, nsmap={"x": "urn:x"})
    payload.text = "line\r\nend & < > \u00e9 \U0001f476"
    message = sign(canonical(payload), pki().service.credentials, NOW)
    for oracle in (signed_by_xmlsec, signed_by_signxml):
        assert oracle(message, pki().service.certificate) is not None
