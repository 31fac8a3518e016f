"""Keys and certificates of the demo: generated on the spot, never shipped.

One authority signs the service and the customers and keeps a revocation list, which the demo renews
itself. Beside the good credentials there are bad ones, so that refusals can be shown.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ksz_childbenefits.secret_files import read_secret

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 730
CRL_DAYS = 30
"""How long a revocation list of the demo is fresh; ``renew_crl`` is called well before."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the demo, with its key."""

    key: PrivateKey
    certificate: x509.Certificate


def rsa_key() -> rsa.RSAPrivateKey:
    """A new RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ec_key() -> ec.EllipticCurvePrivateKey:
    """A new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def make_authority(common_name: str, now: datetime) -> Authority:
    """A self-signed authority that may sign certificates and revocation lists."""
    key = rsa_key()
    name = _name(common_name, None)
    builder = _builder(name, name, key, now, timedelta(days=AUTHORITY_DAYS))
    usage = _key_usage(digital_signature=False, key_cert_sign=True)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def issue(  # noqa: PLR0913 - what a certificate says
    authority: Authority,
    key: PrivateKey,
    common_name: str,
    now: datetime,
    *,
    cbe_number: str | None = None,
    lifetime: timedelta = timedelta(days=CERTIFICATE_DAYS),
) -> x509.Certificate:
    """A certificate for signing messages; the CBE number stands in the subject's serialNumber."""
    issuer = authority.certificate
    builder = _builder(_name(common_name, cbe_number), issuer.subject, key, now, lifetime)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, key_cert_sign=False), critical=True)
        .add_extension(_authority_identifier(authority.key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def write_key(path: Path, key: PrivateKey) -> None:
    """Write a private key as PEM that only its owner can read."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_secret(path, pem)


def write_secret(path: Path, secret: bytes) -> None:
    """Write a file that is readable by its owner alone from its first moment on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secret)


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate as PEM."""
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def load_authority(key: Path, certificate: Path) -> Authority:
    """Read the demo's authority back from its files."""
    loaded = serialization.load_pem_private_key(read_secret(key), None)
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("the demo's authority has an RSA or EC key")
    return Authority(loaded, x509.load_pem_x509_certificate(certificate.read_bytes()))


def write_crl(path: Path, authority: Authority, revoked: list[int], now: datetime) -> None:
    """Write the authority's revocation list, in one step so that no reader sees half of it."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - timedelta(minutes=5))
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(_authority_identifier(authority.key), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    crl = builder.sign(authority.key, hashes.SHA256())
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    draft.replace(path)


def renew_crl(path: Path, authority: Authority, now: datetime) -> bool:
    """Issue the list anew, with the same revoked numbers, once half its time has passed."""
    old = x509.load_pem_x509_crl(path.read_bytes())
    expiry = old.next_update_utc
    if expiry is not None and expiry - now > timedelta(days=CRL_DAYS) / 2:
        return False
    write_crl(path, authority, [entry.serial_number for entry in old], now)
    return True


def _name(common_name: str, cbe_number: str | None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "BE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ksz-childbenefits demo"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if cbe_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, cbe_number))
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    end = now + lifetime
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, end) - timedelta(days=1))
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_identifier(key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, digital_signature: bool, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
