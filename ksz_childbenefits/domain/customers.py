"""Customers and the deliberations that let them in (DOMAIN 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import check_blocks


@dataclass(frozen=True, slots=True)
class Customer:
    """An institution with access. ``name`` is our short name for it; OCMW share sector 17/1."""

    name: str
    cbe_number: str
    sector: int | None
    institution: int | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """When (UTC) a deliberation was revoked, and why."""

    at: datetime
    reason: str


class Obstacle(StrEnum):
    """Why a deliberation does not apply to a request."""

    REVOKED = "revoked"
    OTHER_CONTEXT = "for other legal contexts"
    NOT_YET = "not valid yet"
    NO_LONGER = "not valid any more"


@dataclass(frozen=True, slots=True)
class Deliberation:
    """A decision of the Information Security Committee, as data.

    ``months_back`` None: no limit. Valid on the days ``valid_from``..``valid_to`` (None: open),
    unless ``revoked``. ``withheld`` names blocks of data (domain.withholding); UnknownBlock where
    there is none of that name.
    """

    number: str
    customer: str
    legal_contexts: frozenset[str]
    sources: frozenset[AuthenticSource]
    months_back: int | None
    inscription_required: bool
    valid_from: date
    valid_to: date | None
    withheld: frozenset[str] = frozenset()
    revoked: Revocation | None = None

    def __post_init__(self) -> None:
        """Refuse blocks that nobody knows how to withhold."""
        check_blocks(self.withheld)

    def obstacle(self, legal_context: str, day: date) -> Obstacle | None:
        """Why it does not apply in this context on the consultation day ``day``; None: it does.

        One that is revoked applies to no day any more, not even to one before its revocation.
        """
        if self.revoked is not None:
            return Obstacle.REVOKED
        if legal_context not in self.legal_contexts:
            return Obstacle.OTHER_CONTEXT
        if day < self.valid_from:
            return Obstacle.NOT_YET
        if self.valid_to is not None and day > self.valid_to:
            return Obstacle.NO_LONGER
        return None
