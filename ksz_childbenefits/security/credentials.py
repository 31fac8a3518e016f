"""The key and certificate that our own messages are signed with (SECURITY 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.security.algorithms import PrivateKey, is_accepted


@dataclass(frozen=True, slots=True)
class ServiceCredentials:
    """A private key and the certificate that goes with it; the key is never shown.

    RSA of at least 2048 bits, P-256, P-384 or P-521 (SECURITY 3); anything else, or a certificate
    of another key, is a ConfigurationError.
    """

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate

    def __post_init__(self) -> None:
        """Refuse a key that the service must not use, and a certificate of another key."""
        if not is_accepted(self.key.public_key()):
            raise ConfigurationError(
                "the signing key must be RSA of at least 2048 bits, P-256, P-384 or P-521"
            )
        if _public_key(self.certificate) != self.key.public_key():
            raise ConfigurationError("the certificate does not belong to the signing key")

    @classmethod
    def from_pem(
        cls, key: bytes, certificate: bytes, passphrase: bytes | None = None
    ) -> ServiceCredentials:
        """Read both from PEM; ConfigurationError names the part that is wrong, never its content.

        ``passphrase`` is for an encrypted key, and is refused with a key that is not.
        """
        return cls(_private_key(key, passphrase), _certificate(certificate))


def load_credentials(
    key: Path, certificate: Path, passphrase: bytes | None = None
) -> ServiceCredentials:
    """Read the credentials from two PEM files; ConfigurationError as for ``from_pem``."""
    return ServiceCredentials.from_pem(_content(key), _content(certificate), passphrase)


def load_certificate(path: Path) -> x509.Certificate:
    """Read one certificate from a PEM file; ConfigurationError when there is none in it."""
    content = _content(path)
    try:
        return _certificate(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


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
