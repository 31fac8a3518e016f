"""The service's own key: RSA of 2048 bits or more, P-256, P-384 or P-521 (SECURITY 3)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase
from ksz_childbenefits.security.credentials import (
    ServiceCredentials,
    ServiceKeys,
    load_certificate,
    load_credentials,
    read_certificates,
)
from tests.security.pki import NOW, Party, customer, ec_key, issue, pki, subject

SECRET = b"correct horse"
DAY = timedelta(days=1)


def encrypted(party: Party) -> bytes:
    encryption = BestAvailableEncryption(SECRET)
    return party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def bundle(party: Party, secret: bytes | None = SECRET, *, whole: bool = True) -> bytes:
    """A PKCS#12 of the party, with its authority; not ``whole``: without its certificate."""
    encryption = NoEncryption() if secret is None else BestAvailableEncryption(secret)
    certificate = party.certificate if whole else None
    return pkcs12.serialize_key_and_certificates(
        b"name", party.key, certificate, [pki().root.certificate], encryption
    )


def secret_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521"])
def test_every_accepted_kind_of_key_is_read(kind: str, tmp_path: Path) -> None:
    party = getattr(pki(), kind)
    key, certificate = secret_file(tmp_path / "key.pem", party.key_pem), tmp_path / "c.pem"
    certificate.write_bytes(party.certificate_pem)
    credentials = load_credentials(key, certificate)
    assert credentials.certificate == party.certificate == load_certificate(certificate)
    assert "key=" not in repr(credentials)


def test_an_encrypted_key_is_read_with_its_passphrase() -> None:
    party = pki().p256
    assert ServiceCredentials.from_bytes(encrypted(party), party.certificate_pem, SECRET)


@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize("secret", [SECRET, None])
def test_a_pkcs_12_is_read_whole(kind: str, secret: bytes | None, tmp_path: Path) -> None:
    party = getattr(pki(), kind)
    path = secret_file(tmp_path / "service.p12", bundle(party, secret))
    passphrase = None
    if secret is not None:
        passphrase = Passphrase(secret_file(tmp_path / "passphrase", secret + b"\n"))
    credentials = load_credentials(path, None, passphrase)
    assert credentials.certificate == party.certificate
    assert credentials.key.private_numbers() == party.key.private_numbers()


def test_text_before_the_pem_does_not_matter() -> None:
    """As openssl writes it: Bag Attributes first."""
    party = pki().p256
    pem = b"Bag Attributes\n    friendlyName: x\n" + party.key_pem
    assert ServiceCredentials.from_bytes(pem, party.certificate_pem)


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
        (lambda: pki().p256.key_pem, lambda: None, None, "needs its certificate"),
        (lambda: bundle(pki().p256), lambda: pki().p256.certificate_pem, SECRET, "itself"),
        (lambda: bundle(pki().p256), lambda: None, None, "needs a passphrase"),
        (lambda: bundle(pki().p256), lambda: None, b"wrong", "another"),
        (lambda: bundle(pki().p256, None), lambda: None, SECRET, "another"),
        (lambda: bundle(pki().p256, whole=False), lambda: None, SECRET, "does not hold a key"),
        (lambda: bundle(pki().short), lambda: None, SECRET, "2048"),
        (lambda: bundle(pki().edwards), lambda: None, SECRET, "neither RSA nor EC"),
        (lambda: b"neither", lambda: None, None, "neither PEM nor PKCS#12"),
        (lambda: b"", lambda: None, None, "neither PEM nor PKCS#12"),
    ],
)
def test_credentials_that_cannot_be_used(
    key: object, certificate: object, passphrase: bytes | None, word: str
) -> None:
    assert callable(key)
    assert callable(certificate)
    with pytest.raises(ConfigurationError, match=word) as caught:
        ServiceCredentials.from_bytes(key(), certificate(), passphrase)
    assert "BEGIN" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_certificate_of_a_key_that_nobody_knows() -> None:
    p256, unknown = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f")
    der = pki().p256.certificate.public_bytes(Encoding.DER).replace(p256, unknown)
    certificate = x509.load_der_x509_certificate(der)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ServiceCredentials(ec_key(1), certificate)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    party = pki().p256
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(party.certificate_pem)
    key = secret_file(tmp_path / "key.pem", party.key_pem)
    key.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"key\.pem is a secret that others can read"):
        load_credentials(key, certificate)


def test_the_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    key = secret_file(tmp_path / "service.p12", b"neither")
    with pytest.raises(ConfigurationError, match=r"service\.p12: .* neither PEM nor PKCS#12"):
        load_credentials(key, None)


def test_each_key_signs_from_its_instant_on() -> None:
    """At the instant itself the next one signs; before the first instant, the first one."""
    first, second, third = (getattr(pki(), kind).credentials for kind in ("rsa", "p256", "p384"))
    keys = ServiceKeys(first, ((NOW, second), (NOW + DAY, third)))
    assert keys.at(NOW - DAY) is keys.at(NOW - timedelta(microseconds=1)) is first
    assert keys.at(NOW) is keys.at(NOW + DAY - timedelta(microseconds=1)) is second
    assert keys.at(NOW + DAY) is keys.at(NOW + 365 * DAY) is third
    assert ServiceKeys(first).at(NOW) is first


def test_keys_follow_each_other_in_order() -> None:
    first, second = pki().rsa.credentials, pki().p256.credentials
    for later in (NOW, NOW - DAY):
        with pytest.raises(ConfigurationError, match="follow each other"):
            ServiceKeys(first, ((NOW, second), (later, first)))


def test_a_key_whose_certificate_is_not_valid_yet_cannot_sign() -> None:
    later = issue(pki().root, subject("Later"), ec_key(1), begin=NOW + DAY).credentials
    with pytest.raises(ConfigurationError, match="not valid then"):
        ServiceKeys(pki().rsa.credentials, ((NOW, later),))
    assert ServiceKeys(pki().rsa.credentials, ((NOW + DAY, later),))


def test_several_certificates_in_one_text() -> None:
    one, other = pki().rsa, pki().p256
    both = one.certificate_pem + other.certificate_pem
    assert read_certificates(both) == (one.certificate, other.certificate)
    assert read_certificates(one.certificate_pem) == (one.certificate,)
    for none in (b"", b"no certificate", other.key_pem):
        with pytest.raises(ConfigurationError, match="not certificates in PEM"):
            read_certificates(none)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_certificate(tmp_path / "none.pem")


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"authority\.pem: not a certificate in PEM"):
        load_certificate(tmp_path / "authority.pem")
