"""The contracts that this project speaks, each a WSDL with its XSDs and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ksz_childbenefits.contract.namespaces import REQUEST, SOAP_ACTION


@dataclass(frozen=True, slots=True)
class Contract:
    """One SOAP service as its WSDL describes it.

    ``wsdl`` and ``xsds`` are file names under ``wsdl/`` and ``xsd/``; ``root`` is the path that the
    service and its XSDs stand under; ``operations`` gives each request element (Clark notation) its
    soapAction. ``ascii_digits`` are the paths, from a request's root, of elements whose pattern has
    the XSD's class of digits, which is that of Unicode (SECURITY 2).
    """

    name: str
    wsdl: str
    xsds: frozenset[str]
    root: str
    operations: Mapping[str, str] = field(hash=False)
    ascii_digits: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where requests are sent to."""
        return f"{self.root}/consult"

    @property
    def xsd_path(self) -> str:
        """Where the XSDs are served, up to the file's name."""
        return f"{self.root}/xsd/"


COMMON_XSDS: Final = frozenset(("ChildBenefitsCommonV1.xsd", "CommonV3.xsd"))

CONSULTATION: Final = Contract(
    name="ChildBenefitsService",
    wsdl="ChildBenefitsV1.wsdl",
    xsds=COMMON_XSDS | {"ChildBenefitsV1.xsd"},
    root="/ChildBenefitsService/v1",
    operations={REQUEST: SOAP_ACTION},
    ascii_digits=(
        "informationCustomer/customerIdentification/cbeNumber",
        "informationCBSS/ticketCBSS",
    ),
)
"""The ChildBenefitsService of KSZ (CONTRACT)."""
