"""What replies say in words: statuses in English, categories in Dutch, French and German.

The codes are the contract's; the words are ours (DOMAIN 5). The wire takes 256 characters for a
status and 100 for a category (CONTRACT, cb and cbc).
"""

from __future__ import annotations

from typing import Final

from ksz_childbenefits.domain.consultation import Code
from ksz_childbenefits.domain.files import Description

STATUS: Final[dict[Code, str]] = {
    Code.SUCCESS: "The request was treated successfully.",
    Code.COMMUNICATION_ERROR: "The authentic source could not be consulted.",
    Code.SSIN_UNKNOWN: "The SSIN does not exist.",
    Code.SSIN_REPLACED: "The SSIN is replaced by another one.",
    Code.SSIN_CANCELLED: "The SSIN is cancelled.",
    Code.INVALID_DATA: "The request contains invalid data.",
    Code.SSIN_INVALID: "The structure of the SSIN is invalid.",
    Code.NOT_INTEGRATED_CUSTOMER: "The SSIN is not integrated for the customer.",
    Code.LEGAL_CONTEXT: "The legal context is not allowed with these credentials.",
    Code.CREDENTIALS: "The credentials do not match the customer organisation.",
    Code.NOT_INTEGRATED_SUPPLIER: "The SSIN is not integrated for the supplier.",
    Code.NOT_ALLOWED: "The customer may not consult the requested data.",
    Code.NO_DATA: "The request was treated successfully, but the supplier has no data.",
    Code.PARTIAL: (
        "The request was treated in part: some authentic sources could not be consulted "
        "for technical reasons."
    ),
}
"""What each code of a status means."""


def _in_three_languages(nl: str, fr: str, de: str) -> tuple[Description, ...]:
    return Description("NL", nl), Description("FR", fr), Description("DE", de)


BONUSES: Final[dict[str, tuple[Description, ...]]] = {
    "BIRTH": _in_three_languages("Geboortebedrag", "Allocation de naissance", "Geburtsprämie"),
    "ADOPTION": _in_three_languages("Adoptiebedrag", "Prime d'adoption", "Adoptionsprämie"),
    "PRE_PAYMENT_BIRTH": _in_three_languages(
        "Vooruitbetaald geboortebedrag",
        "Allocation de naissance anticipée",
        "Vorab gezahlte Geburtsprämie",
    ),
}
"""Categories of bonuses in use (CONTRACT, BonusCategoryCodeType)."""

PAYMENTS: Final[dict[str, tuple[Description, ...]]] = {
    "BASIC": _in_three_languages("Basisbedrag", "Montant de base", "Basisbetrag"),
    "SPECIAL_CARE": _in_three_languages(
        "Zorgtoeslag voor specifieke ondersteuning",
        "Supplément pour besoins spécifiques",
        "Zuschlag für besonderen Unterstützungsbedarf",
    ),
    "ORPHAN_CARE": _in_three_languages(
        "Wezentoeslag", "Supplément d'orphelin", "Zuschlag für Waisen"
    ),
    "FOSTER_CARE": _in_three_languages(
        "Pleegzorgtoeslag", "Supplément pour accueil familial", "Zuschlag für Pflegekinder"
    ),
    "SOCIAL": _in_three_languages("Sociale toeslag", "Supplément social", "Sozialzuschlag"),
    "UNIVERSAL_PARTICIPATION": _in_three_languages("Schoolbonus", "Prime scolaire", "Schulbonus"),
    "OTHER_PARTICIPATION": _in_three_languages(
        "Kinderopvangtoeslag of schooltoeslag",
        "Allocation d'accueil d'enfants ou allocation scolaire",
        "Zuschlag für Kinderbetreuung oder Schulzuschlag",
    ),
    "TODDLER": _in_three_languages(
        "Kleutertoeslag", "Allocation de maternelle", "Kleinkindzuschlag"
    ),
    "CHILD_ALLOWANCE": _in_three_languages("Kinderbijslag", "Allocations familiales", "Kindergeld"),
}
"""Categories of payment periods in use (CONTRACT, PaymentCategoryCodeType)."""
