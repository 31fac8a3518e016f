"""The keys of the kit: the customers' credentials and the service's certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ksz_childbenefits.errors import ConfigurationError, UsageError
from ksz_childbenefits.secret_files import read_secret
from ksz_childbenefits.security.credentials import read_certificates


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key with its certificate."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The folder of credentials: ``service.pem``, and ``<name>/{key.pem,certificate.pem}``."""

    folder: Path
    _loaded: dict[str, Identity] = field(default_factory=dict, repr=False)

    def service(self) -> tuple[x509.Certificate, ...]:
        """The certificates that replies may be signed with; UsageError when there is none."""
        file = self.folder / "service.pem"
        try:
            return read_certificates(file.read_bytes())
        except (OSError, ConfigurationError) as error:
            raise UsageError(f"cannot use the certificates {file}: {error}") from None

    def holds(self, name: str) -> bool:
        """Whether there are credentials of that name."""
        return (self.folder / name / "key.pem").is_file()

    def identity(self, name: str) -> Identity:
        """The credentials of that name, read once; UsageError when they cannot be used."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Identity:
        file = self.folder / name / "key.pem"
        try:
            key = load_pem_private_key(read_secret(file), None)
        except (ValueError, TypeError) as error:
            raise UsageError(f"cannot use the key {file}: {error}") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise UsageError(f"{file} holds neither an RSA nor an EC key")
        return Identity(key, _certificate(self.folder / name / "certificate.pem"))


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot use the certificate {file}: {error}") from None
