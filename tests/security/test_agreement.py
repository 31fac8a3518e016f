"""What we sign, signxml and xmlsec verify; what they and zeep sign, we verify (SECURITY 3, 6)."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.contract.namespaces import SOAP_ENV
from ksz_childbenefits.security.signing import sign
from tests.security.checks import SERVED, canonical, check
from tests.security.messages import (
    MORE,
    SHA256,
    Recipe,
    algorithm_for,
    by_signxml,
    by_xmlsec,
    by_zeep,
)
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec
from tests.security.pki import NOW, Party, pki

XMLENC = "http://www.w3.org/2001/04/xmlenc#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"

each_key = pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521"])


def party_of(kind: str) -> Party:
    party = getattr(pki(), kind)
    assert isinstance(party, Party)
    return party


def body_of(message: bytes) -> bytes:
    body = etree.fromstring(message).find(f"{{{SOAP_ENV}}}Body")
    assert body is not None
    return canonical(body)


@each_key
@pytest.mark.parametrize("oracle", [signed_by_xmlsec, signed_by_signxml])
def test_what_we_sign_others_verify(kind: str, oracle: object) -> None:
    party = party_of(kind)
    message = sign(SERVED.decode(), party.credentials, NOW)
    assert callable(oracle)
    signed = oracle(message, party.certificate)
    assert signed is not None
    assert len(signed) == 3  # Body, Timestamp and token (SECURITY 4)
    assert body_of(message) in signed


@each_key
def test_what_we_sign_we_verify(kind: str) -> None:
    party = party_of(kind)
    verified = check(sign(SERVED.decode(), party.credentials, NOW))
    assert verified.certificate == party.certificate
    assert canonical(verified.payload) == SERVED
    assert verified.created == NOW


@each_key
@pytest.mark.parametrize("bits", [256, 384, 512])
def test_what_xmlsec_signs_we_verify(kind: str, bits: int) -> None:
    party = party_of(kind)
    verified = check(by_xmlsec(Recipe(algorithm=algorithm_for(party, bits)), party))
    assert verified.certificate == party.certificate
    assert canonical(verified.payload) == SERVED


@pytest.mark.parametrize("digest", [SHA256, f"{XMLENC}sha512", f"{MORE}sha384"])
def test_every_digest_of_the_list_is_accepted(digest: str) -> None:
    recipe = Recipe(algorithm=algorithm_for(pki().p256), digest=digest)
    assert check(by_xmlsec(recipe, pki().p256))


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_rsa_pss_is_accepted(bits: int) -> None:
    recipe = Recipe(algorithm=f"{MORE_2007}sha{bits}-rsa-MGF1")
    message = by_xmlsec(recipe, pki().rsa)
    assert signed_by_signxml(message, pki().rsa.certificate) is not None
    assert check(message).certificate == pki().rsa.certificate


@each_key
def test_what_signxml_signs_we_verify(kind: str) -> None:
    party = party_of(kind)
    verified = check(by_signxml(party))
    assert verified.certificate == party.certificate
    assert canonical(verified.payload) == SERVED


@each_key
def test_what_zeep_signs_we_verify(kind: str, tmp_path: Path) -> None:
    """Zeep's BinarySignature with a Timestamp added; it signs no token and writes +00:00."""
    party = party_of(kind)
    verified = check(by_zeep(party, tmp_path))
    assert verified.certificate == party.certificate
    assert canonical(verified.payload) == SERVED
