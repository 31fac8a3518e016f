"""Who consults: a key with its certificate, what it says it is, and whom it believes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict, ValidationError, model_validator

from ksz_childbenefits.config import PassphraseSettings, explain
from ksz_childbenefits.config.sections import Section
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase, read_secret
from ksz_childbenefits.tls import TlsIdentity

CUSTOMER_FILE = "customer.toml"
SERVICE_FILE = "service.pem"


@dataclass(frozen=True, slots=True)
class Tls:
    """How an address of https is called: whose certificates are believed, and what we present.

    ``authority``: a file with the certificates (PEM) of the authorities that alone are believed
    about the service's TLS certificate; None: those that ``requests`` brings. ``own``: for a
    service that demands mutual TLS.
    """

    authority: Path | None = None
    own: TlsIdentity | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything that a customer needs besides the WSDL.

    ``key`` is in PEM with its ``certificate``, or a PKCS#12, which holds it (then None). A customer
    is identified by ``cbe_number``, or else by ``sector`` and ``institution`` (DOMAIN 7).
    ``service_certificates``: those that replies may be signed with, in PEM one after the other;
    more than one while the service renews its key.
    """

    key: bytes = field(repr=False)
    certificate: bytes | None
    service_certificates: bytes
    legal_context: str
    cbe_number: str | None = None
    sector: int | None = None
    institution: int | None = None
    passphrase: bytes | None = field(default=None, repr=False)
    tls: Tls = field(default_factory=Tls)

    def identification(self) -> dict[str, str | int | None]:
        """The customerIdentification of a request (CONTRACT, OrganizationIdentificationType)."""
        if self.cbe_number is not None:
            return {"cbeNumber": self.cbe_number}
        return {"sector": self.sector, "institution": self.institution}


class _Customer(Section):
    """customer.toml; paths are relative to its folder."""

    model_config = ConfigDict(extra="ignore")

    legal_context: str
    cbe_number: str | None = None
    sector: int | None = None
    institution: int | None = None
    key: Path | None = None
    certificate: Path | None = None
    passphrase: PassphraseSettings | None = None
    tls_authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_passphrase: PassphraseSettings | None = None

    @model_validator(mode="after")
    def _tls_in_pairs(self) -> _Customer:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self


def read_credentials(folder: Path) -> Credentials:
    """Read customer.toml and what it names in ``folder``, and service.pem beside the folder.

    customer.toml holds legal_context, and cbe_number or sector and institution. The key is in
    key.pem and certificate.pem, unless it names others by ``key`` and ``certificate`` (a PKCS#12
    by ``key`` alone); ``passphrase`` says by ``file`` or ``env`` where the key's is to be had.
    ``tls_authority``, ``tls_certificate``, ``tls_key`` and ``tls_passphrase`` are for ``Tls``.
    ConfigurationError says what is missing, and which secret others can read.
    """
    says = _read_customer(folder / CUSTOMER_FILE)
    key, certificate = says.key or Path("key.pem"), says.certificate
    if says.key is None and certificate is None:
        certificate = Path("certificate.pem")
    given = _passphrase(says.passphrase, folder)
    return Credentials(
        key=read_secret(folder / key),
        certificate=None if certificate is None else _content(folder / certificate),
        service_certificates=_content(folder.parent / SERVICE_FILE),
        legal_context=says.legal_context,
        cbe_number=says.cbe_number,
        sector=says.sector,
        institution=says.institution,
        passphrase=None if given is None else given.read(),
        tls=_tls(says, folder),
    )


def _read_customer(path: Path) -> _Customer:
    try:
        return _Customer.model_validate(tomllib.loads(_content(path).decode()))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error)}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _tls(says: _Customer, folder: Path) -> Tls:
    own = None
    if says.tls_certificate is not None and says.tls_key is not None:
        passphrase = _passphrase(says.tls_passphrase, folder)
        own = TlsIdentity(folder / says.tls_certificate, folder / says.tls_key, passphrase)
    return Tls(None if says.tls_authority is None else folder / says.tls_authority, own)


def _passphrase(settings: PassphraseSettings | None, folder: Path) -> Passphrase | None:
    if settings is None:
        return None
    return Passphrase(None if settings.file is None else folder / settings.file, settings.env)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
