"""Who consults: a key with its certificate, what it says it is, and whom it believes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ksz_childbenefits.errors import ConfigurationError

KEY_FILE = "key.pem"
CERTIFICATE_FILE = "certificate.pem"
CUSTOMER_FILE = "customer.toml"
SERVICE_FILE = "service.pem"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything that a customer needs besides the WSDL.

    A customer is identified by ``cbe_number``, or else by ``sector`` and ``institution``
    (DOMAIN 7). ``service_certificate_pem`` is the one certificate that replies may be signed with.
    """

    key_pem: bytes = field(repr=False)
    certificate_pem: bytes
    service_certificate_pem: bytes
    legal_context: str
    cbe_number: str | None = None
    sector: int | None = None
    institution: int | None = None

    def identification(self) -> dict[str, str | int | None]:
        """The customerIdentification of a request (CONTRACT, OrganizationIdentificationType)."""
        if self.cbe_number is not None:
            return {"cbeNumber": self.cbe_number}
        return {"sector": self.sector, "institution": self.institution}


def read_credentials(folder: Path) -> Credentials:
    """Read key.pem, certificate.pem and customer.toml of ``folder``, and service.pem beside it.

    customer.toml holds legal_context, and cbe_number or sector and institution.
    ConfigurationError says what is missing.
    """
    try:
        customer = tomllib.loads((folder / CUSTOMER_FILE).read_text(encoding="utf-8"))
        return Credentials(
            key_pem=(folder / KEY_FILE).read_bytes(),
            certificate_pem=(folder / CERTIFICATE_FILE).read_bytes(),
            service_certificate_pem=(folder.parent / SERVICE_FILE).read_bytes(),
            legal_context=customer["legal_context"],
            cbe_number=customer.get("cbe_number"),
            sector=int(customer["sector"]) if "sector" in customer else None,
            institution=int(customer["institution"]) if "institution" in customer else None,
        )
    except OSError as error:
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{folder / CUSTOMER_FILE}: {error}") from None
    except KeyError as error:
        raise ConfigurationError(f"{folder / CUSTOMER_FILE} does not name its {error}") from None
