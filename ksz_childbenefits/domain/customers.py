"""Customers and the deliberations that let them in (DOMAIN 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ksz_childbenefits.domain.sources import AuthenticSource


@dataclass(frozen=True, slots=True)
class Customer:
    """An institution with access. ``name`` is our short name for it; OCMW share sector 17/1."""

    name: str
    cbe_number: str
    sector: int | None
    institution: int | None


@dataclass(frozen=True, slots=True)
class Deliberation:
    """A decision of the Information Security Committee, as data.

    ``months_back`` None: no limit. Valid on the days ``valid_from``..``valid_to`` (None: open).
    """

    number: str
    customer: str
    legal_contexts: frozenset[str]
    sources: frozenset[AuthenticSource]
    months_back: int | None
    inscription_required: bool
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """Whether the deliberation is valid on the consultation day ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
