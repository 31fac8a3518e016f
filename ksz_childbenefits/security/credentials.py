"""Keys and certificates that messages are signed with, and which of them when (SECURITY 3, 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase, read_secret
from ksz_childbenefits.security.algorithms import PrivateKey, is_accepted

_PEM = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class ServiceCredentials:
    """A private key and the certificate that goes with it; the key is never shown.

    RSA of at least 2048 bits, P-256, P-384 or P-521 (SECURITY 3); anything else, or a certificate
    of another key, is a ConfigurationError.
    """

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate = field(hash=False)

    def __post_init__(self) -> None:
        """Refuse a key that the service must not use, and a certificate of another key."""
        if not is_accepted(self.key.public_key()):
            raise ConfigurationError(
                "the signing key must be RSA of at least 2048 bits, P-256, P-384 or P-521"
            )
        if _public_key(self.certificate) != self.key.public_key():
            raise ConfigurationError("the certificate does not belong to the signing key")

    @classmethod
    def from_bytes(
        cls, key: bytes, certificate: bytes | None, passphrase: bytes | None = None
    ) -> ServiceCredentials:
        """Read both from PEM, or from a PKCS#12, which holds its certificate (None is given then).

        ``passphrase`` is for an encrypted key, and is refused with a key that is not.
        ConfigurationError names the part that is wrong, never its content.
        """
        if _PEM not in key:
            if certificate is not None:
                raise ConfigurationError(
                    "the signing key is no PEM private key, and a PKCS#12 brings its certificate "
                    "itself: name none beside it"
                )
            return cls(*_from_pkcs12(key, passphrase))
        if certificate is None:
            raise ConfigurationError("a signing key in PEM needs its certificate beside it")
        return cls(_private_key(key, passphrase), _certificate(certificate))


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The credentials that sign now, and those that will from an instant (aware) on, in order.

    So all processes and machines change over at the same time, without being restarted.
    ConfigurationError for instants out of order, and for a certificate that is not valid then.
    """

    first: ServiceCredentials
    successors: tuple[tuple[datetime, ServiceCredentials], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be followed, or would sign with a certificate of no use."""
        for (begin, _), (later, _) in pairwise(self.successors):
            if begin >= later:
                raise ConfigurationError("service keys follow each other, each from later on")
        for begin, credentials in self.successors:
            certificate = credentials.certificate
            if not certificate.not_valid_before_utc <= begin <= certificate.not_valid_after_utc:
                raise ConfigurationError(
                    f"the certificate of the service key of {begin.isoformat()} is not valid then"
                )

    def at(self, now: datetime) -> ServiceCredentials:
        """What signs at ``now`` (aware)."""
        for begin, credentials in reversed(self.successors):
            if begin <= now:
                return credentials
        return self.first


def load_credentials(
    key: Path, certificate: Path | None, passphrase: Passphrase | None = None
) -> ServiceCredentials:
    """Read the credentials from files as ``from_bytes`` does; the key's must be its owner's alone.

    ConfigurationError says which file is wrong, and why.
    """
    secret, public = read_secret(key), None if certificate is None else _content(certificate)
    given = None if passphrase is None else passphrase.read()
    try:
        return ServiceCredentials.from_bytes(secret, public, given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from None


def load_certificate(path: Path) -> x509.Certificate:
    """Read one certificate from a PEM file; ConfigurationError when there is none in it."""
    content = _content(path)
    try:
        return _certificate(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM text, at least one; ConfigurationError when there is none."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion):
        raise ConfigurationError("not certificates in PEM") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def _private_key(pem: bytes, passphrase: bytes | None) -> PrivateKey:
    try:
        key = load_pem_private_key(pem, passphrase)
    except TypeError:
        # cryptography's word for a passphrase that is missing, or given in vain
        wanted = "needs a passphrase" if passphrase is None else "has no passphrase, one was given"
        raise ConfigurationError(f"the signing key {wanted}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "the signing key is no PEM private key, or its passphrase is another"
        ) from None
    return _of_known_kind(key)


def _from_pkcs12(data: bytes, passphrase: bytes | None) -> tuple[PrivateKey, x509.Certificate]:
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        wanted = "it needs a passphrase" if passphrase is None else "its passphrase is another"
        raise ConfigurationError(
            f"the signing key is neither PEM nor PKCS#12, or {wanted}"
        ) from None
    if key is None or certificate is None:
        raise ConfigurationError("the PKCS#12 does not hold a key with its certificate")
    return _of_known_kind(key), certificate


def _of_known_kind(key: object) -> PrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the signing key is neither RSA nor EC")
    return key


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion):
        raise ConfigurationError("not a certificate in PEM") from None


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError("the certificate holds a key that cannot be read") from None
