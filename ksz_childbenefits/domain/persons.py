"""Persons as the register knows them, and lines of the KSZ person repertory (DOMAIN 1, 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.sources import AuthenticSource, Operator

FAMILY_BENEFITS_SECTOR = 7
"""The sector whose lines lead to a child-benefit source (DOMAIN 2)."""

CHILD_QUALITY = 104
"""The quality of a child that gives right to benefits (DOMAIN 2)."""

ROUTING_ROLES: dict[int, str] = {
    101: "entitled person",
    102: "beneficiary type 1",
    103: "beneficiary type 2",
    CHILD_QUALITY: "child",
    105: "third party type 1",
    106: "third party type 2",
}
"""The roles, by quality code of sector 7, that lead to a source (DOMAIN 2)."""

ROUTING_QUALITIES = frozenset(ROUTING_ROLES)
"""Qualities 101 to 106 route; 107, person under investigation, never does (DOMAIN 2)."""

NEVER_ROUTING = frozenset((902, 999))
"""Provisional, and replaced SSIN: as quality or as phase, in any sector (DOMAIN 2)."""


class SsinStatus(StrEnum):
    """What the register says of a number (DOMAIN 5: MSG00005 to MSG00007)."""

    EXISTING = "EXISTING"
    REPLACED = "REPLACED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class ConnectingFactor:
    """One row of the register: ``factor`` 1 (legal domicile) to 6, at a NIS code, on these days."""

    factor: int
    nis: str
    begin: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """A number of the register. ``birth_date``: unknown day or month counted as the first."""

    ssin: str
    birth_date: date
    status: SsinStatus = SsinStatus.EXISTING
    replaced_by: str | None = None
    factors: tuple[ConnectingFactor, ...] = ()


@dataclass(frozen=True, slots=True)
class RepertoryLine:
    """Who is known where, for what, when. The holder is a source, or else a customer by its name.

    ``archive`` is set for FEDERAL lines only; ``end`` None means still active.
    """

    ssin: str
    source: AuthenticSource | None
    customer: str | None
    sector: int
    quality: int
    phase: int | None
    file_type: FileType | None
    archive: Operator | None
    begin: date
    end: date | None

    @property
    def routes(self) -> bool:
        """Whether this line may lead a request to a source (DOMAIN 2)."""
        return (
            self.source is not None
            and self.sector == FAMILY_BENEFITS_SECTOR
            and self.quality in ROUTING_QUALITIES
            and self.phase not in NEVER_ROUTING
        )


def inscribed(lines: Iterable[RepertoryLine], customer: str, months: MonthRange) -> bool:
    """Whether the customer holds one of these lines, on a day of these months.

    Any sector, quality and phase counts (DOMAIN 5, MSG00012).
    """
    return any(
        line.customer == customer and months.touches_days(line.begin, line.end) for line in lines
    )
