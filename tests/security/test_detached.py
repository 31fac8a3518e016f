"""Signature values over bytes: what marks of the audit trail and our messages are signed with."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ksz_childbenefits.security.algorithms import PrivateKey
from ksz_childbenefits.security.detached import algorithm_for, is_signed, signature_value
from tests.security.pki import ec_key, issue, pki, rsa_key, subject

DATA = b"what is signed"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key(), "rsa-sha256"),
        (ec_key(), "ecdsa-sha256"),
        (ec_key(0, ec.SECP384R1), "ecdsa-sha384"),
        (ec_key(0, ec.SECP521R1), "ecdsa-sha512"),
    ],
    ids=["RSA", "P-256", "P-384", "P-521"],
)
def test_what_a_key_signs_its_certificate_verifies(key: PrivateKey, algorithm: str) -> None:
    certificate = issue(None, subject("signer"), key).certificate
    signature = signature_value(key, DATA)
    assert algorithm_for(key).uri.endswith(f"#{algorithm}")
    assert is_signed(certificate, signature, DATA)
    assert not is_signed(certificate, signature, DATA + b".")
    assert not is_signed(certificate, signature[:-1] + bytes([signature[-1] ^ 1]), DATA)
    assert not is_signed(certificate, b"", DATA)
    assert not is_signed(pki().p256.certificate, signature, DATA)


def test_a_key_that_is_too_short_proves_nothing() -> None:
    short = rsa_key(0, 1024)
    certificate = issue(None, subject("short"), short).certificate
    assert not is_signed(certificate, signature_value(short, DATA), DATA)
