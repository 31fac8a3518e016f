"""The contracts that this project speaks, each a WSDL with its XSDs and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ksz_childbenefits.contract.namespaces import (
    CADASTRE_REQUEST,
    CADASTRE_SOAP_ACTION,
    INSCRIPTIONS_INTF,
    INSCRIPTIONS_SOAP_ACTIONS,
    REQUEST,
    SOAP_ACTION,
)


@dataclass(frozen=True, slots=True)
class Contract:
    """One SOAP service as its WSDL describes it.

    ``wsdl`` and ``xsds`` are file names under ``wsdl/`` and ``xsd/``; ``root`` is the path that the
    service and its XSDs stand under; ``operations`` gives each request element (Clark notation) its
    soapAction. ``ascii_digits`` are the paths, from a request's root, of elements whose pattern has
    the XSD's class of digits, which is that of Unicode (SECURITY 2). ``verb`` ends the path that
    requests are sent to.
    """

    name: str
    wsdl: str
    xsds: frozenset[str]
    root: str
    operations: Mapping[str, str] = field(hash=False)
    ascii_digits: tuple[str, ...]
    verb: str = "consult"

    @property
    def path(self) -> str:
        """Where requests are sent to."""
        return f"{self.root}/{self.verb}"

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

CADASTRE: Final = Contract(
    name="ChildBenefitsCadastreService",
    wsdl="ChildBenefitsCadastreV1.wsdl",
    xsds=COMMON_XSDS | {"ChildBenefitsV1.xsd", "ChildBenefitsCadastreV1.xsd"},
    root="/ChildBenefitsCadastreService/v1",
    operations={CADASTRE_REQUEST: CADASTRE_SOAP_ACTION},
    ascii_digits=(
        "informationCustomer/customerIdentification/cbeNumber",
        "informationSupplier/supplierIdentification/cbeNumber",
        "ticketCBSS",
    ),
)
"""What KSZ asks of an operator: our own contract."""

INSCRIPTIONS: Final = Contract(
    name="ChildBenefitsInscriptionsService",
    wsdl="ChildBenefitsInscriptionsV1.wsdl",
    xsds=COMMON_XSDS | {"ChildBenefitsV1.xsd", "ChildBenefitsInscriptionsV1.xsd"},
    root="/ChildBenefitsInscriptionsService/v1",
    operations={
        f"{{{INSCRIPTIONS_INTF}}}{operation}Request": f"{INSCRIPTIONS_SOAP_ACTIONS}{operation}"
        for operation in ("registerInscriptions", "closeInscriptions", "listInscriptions")
    },
    ascii_digits=(
        "informationCustomer/customerIdentification/cbeNumber",
        "informationCBSS/ticketCBSS",
    ),
    verb="maintain",
)
"""How operators and customers keep their part of the person repertory: our own contract."""
