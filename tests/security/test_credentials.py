"""The service's own key: RSA of 2048 bits or more, P-256, P-384 or P-521 (SECURITY 3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.security.credentials import (
    ServiceCredentials,
    load_certificate,
    load_credentials,
)
from tests.security.pki import Party, customer, ec_key, pki

SECRET = b"correct horse"


def encrypted(party: Party) -> bytes:
    encryption = BestAvailableEncryption(SECRET)
    return party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521"])
def test_every_accepted_kind_of_key_is_read(kind: str, tmp_path: Path) -> None:
    party = getattr(pki(), kind)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    key.write_bytes(party.key_pem)
    certificate.write_bytes(party.certificate_pem)
    credentials = load_credentials(key, certificate)
    assert credentials.certificate == party.certificate == load_certificate(certificate)
    assert "key=" not in repr(credentials)


def test_an_encrypted_key_is_read_with_its_passphrase() -> None:
    party = pki().p256
    assert ServiceCredentials.from_pem(encrypted(party), party.certificate_pem, SECRET)


def odd_curve() -> Party:
    return customer(pki().root, "Odd", ec_key(0, ec.SECP256K1))


@pytest.mark.parametrize(
    ("key", "certificate", "passphrase", "word"),
    [
        (lambda: pki().p256.key_pem, lambda: pki().rsa.certificate_pem, None, "does not belong"),
        (lambda: pki().short.key_pem, lambda: pki().short.certificate_pem, None, "2048"),
        (lambda: pki().edwards.key_pem, lambda: pki().edwards.certificate_pem, None, "neither"),
        (lambda: odd_curve().key_pem, lambda: odd_curve().certificate_pem, None, "P-256"),
        (lambda: b"no key", lambda: pki().rsa.certificate_pem, None, "no PEM private key"),
        (lambda: pki().rsa.key_pem, lambda: b"no certificate", None, "not a certificate"),
        (lambda: encrypted(pki().p256), lambda: pki().p256.certificate_pem, None, "needs a pass"),
        (lambda: encrypted(pki().p256), lambda: pki().p256.certificate_pem, b"wrong", "another"),
        (lambda: pki().p256.key_pem, lambda: pki().p256.certificate_pem, SECRET, "has no pass"),
    ],
)
def test_credentials_that_cannot_be_used(
    key: object, certificate: object, passphrase: bytes | None, word: str
) -> None:
    assert callable(key)
    assert callable(certificate)
    with pytest.raises(ConfigurationError, match=word) as caught:
        ServiceCredentials.from_pem(key(), certificate(), passphrase)
    assert "BEGIN" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_certificate_of_a_key_that_nobody_knows() -> None:
    p256, unknown = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f")
    der = pki().p256.certificate.public_bytes(Encoding.DER).replace(p256, unknown)
    certificate = x509.load_der_x509_certificate(der)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ServiceCredentials(ec_key(1), certificate)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_certificate(tmp_path / "none.pem")


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"authority\.pem: not a certificate in PEM"):
        load_certificate(tmp_path / "authority.pem")
