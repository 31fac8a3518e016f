"""What a cadastre holds: files with their fund, children, beneficiaries, bonuses and periods.

Rules: DOMAIN 6 (what each source returns), CONTRACT cbc (limits of the wire). Tuples, since a reply
holds hundreds of them: a frozen dataclass takes three times as long to make (docs/decisions/0019).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ksz_childbenefits.domain.months import YearMonth

PAYMENT_CATEGORIES = (
    "BASIC",
    "SPECIAL_CARE",
    "ORPHAN_CARE",
    "FOSTER_CARE",
    "SOCIAL",
    "UNIVERSAL_PARTICIPATION",
    "OTHER_PARTICIPATION",
    "TODDLER",
    "CHILD_ALLOWANCE",
)
"""The categories of payment periods in use (CONTRACT, PaymentCategoryCodeType, in its order)."""


class FileType(StrEnum):
    """The type of a file (DOMAIN 2)."""

    CHILD_BENEFIT = "CHILD_BENEFIT"
    PARTICIPATION = "PARTICIPATION"


class Description(NamedTuple):
    """A text in one language; ``language`` is NL, FR or DE."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Fund:
    """A paying actor: known by enterprise number (ten digits) or, federally, by a code of three."""

    enterprise_number: str | None
    code: str | None
    descriptions: tuple[Description, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a fund that has both numbers, or none, with ValueError (CONTRACT: a choice)."""
        if (self.enterprise_number is None) == (self.code is None):
            raise ValueError("a fund has either an enterprise number or a code")

    @property
    def number(self) -> str:
        """The number that names the fund."""
        return self.enterprise_number or self.code or ""


class Bonus(NamedTuple):
    """A single payment. ``beneficiaries``: SSINs, at most two, on a child in FLANDERS only."""

    payment_date: date
    category: str
    beneficiaries: tuple[str, ...] = ()


class PaymentPeriod(NamedTuple):
    """Monthly payments, ``begin`` to ``end`` (None: still paid); ``beneficiaries`` as in Bonus."""

    begin: YearMonth
    end: YearMonth | None
    category: str
    beneficiaries: tuple[str, ...] = ()


class FileMember(NamedTuple):
    """A child or a beneficiary of a file, with what was paid for or to that person."""

    ssin: str
    bonuses: tuple[Bonus, ...] = ()
    periods: tuple[PaymentPeriod, ...] = ()


class File(NamedTuple):
    """One file at one fund; its validity (days) is not on the wire (DOMAIN 6)."""

    type: FileType
    begin: date
    end: date | None
    fund: Fund
    file_number: str | None
    entitled_person: str | None
    children: tuple[FileMember, ...]
    beneficiaries: tuple[FileMember, ...]

    def members(self) -> frozenset[str]:
        """The SSINs of all persons in the file, in whatever role."""
        entitled = (self.entitled_person,) if self.entitled_person else ()
        return frozenset((*(m.ssin for m in (*self.children, *self.beneficiaries)), *entitled))
