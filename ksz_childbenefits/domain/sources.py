"""Authentic sources, their windows, and the cadastres that answer for them (DOMAIN 1).

The tables below are data: an operator who reads DOMAIN 1 finds each of its rows here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ksz_childbenefits.domain.months import FIRST_MONTH, LAST_MONTH, MonthRange, YearMonth


class AuthenticSource(StrEnum):
    """The five authentic sources, in the order of the XSD's enumeration (CONTRACT, cb)."""

    FEDERAL = "FEDERAL"
    BRUSSELS = "BRUSSELS"
    FLANDERS = "FLANDERS"
    WALLONIA = "WALLONIA"
    EASTBELGIUM = "EASTBELGIUM"


class Operator(StrEnum):
    """Who operates a cadastre (DOMAIN 1)."""

    OPGROEIEN = "Opgroeien"
    ORINT = "ORINT"
    IRISCARE = "Iriscare"
    AVIQ = "AVIQ"


WINDOWS: dict[AuthenticSource, MonthRange] = {
    AuthenticSource.FEDERAL: MonthRange(FIRST_MONTH, YearMonth(2019, 12)),
    AuthenticSource.BRUSSELS: MonthRange(YearMonth(2020, 1), LAST_MONTH),
    AuthenticSource.FLANDERS: MonthRange(YearMonth(2019, 1), LAST_MONTH),
    AuthenticSource.WALLONIA: MonthRange(YearMonth(2019, 1), LAST_MONTH),
    AuthenticSource.EASTBELGIUM: MonthRange(YearMonth(2019, 1), LAST_MONTH),
}
"""The months of right for which a source can be competent (DOMAIN 1)."""

FEDERAL_FOR_EVERYONE = MonthRange(FIRST_MONTH, YearMonth(2018, 12))
"""The months in which FEDERAL is competent for every child, domiciled or not (DOMAIN 1)."""

FEDERAL_FOR_BRUSSELS = MonthRange(YearMonth(2019, 1), YearMonth(2019, 12))
"""The months in which FEDERAL is competent for children domiciled in Brussels (DOMAIN 1)."""


@dataclass(frozen=True, slots=True)
class Competence:
    """In ``months`` the source is competent for children domiciled in ``region`` (None: all)."""

    source: AuthenticSource
    months: MonthRange
    region: AuthenticSource | None


COMPETENCES: tuple[Competence, ...] = (
    Competence(AuthenticSource.FEDERAL, FEDERAL_FOR_EVERYONE, None),
    Competence(AuthenticSource.FEDERAL, FEDERAL_FOR_BRUSSELS, AuthenticSource.BRUSSELS),
    *(
        Competence(region, WINDOWS[region], region)
        for region in (
            AuthenticSource.BRUSSELS,
            AuthenticSource.FLANDERS,
            AuthenticSource.WALLONIA,
            AuthenticSource.EASTBELGIUM,
        )
    ),
)
"""Which source is competent by domicile, for a child, in which months (DOMAIN 1)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A cadastre holds a source on the consultation days ``begin``..``end`` (both included)."""

    source: AuthenticSource
    operators: tuple[Operator, ...]
    begin: date
    end: date


CUTOVER = date(2024, 1, 1)
"""From this day on Iriscare and AVIQ hold what ORINT held (DOMAIN 1)."""

_LAST_ORINT_DAY = date(2023, 12, 31)

HOLDINGS: tuple[Holding, ...] = (
    Holding(AuthenticSource.FLANDERS, (Operator.OPGROEIEN,), date.min, date.max),
    Holding(AuthenticSource.WALLONIA, (Operator.ORINT,), date.min, _LAST_ORINT_DAY),
    Holding(AuthenticSource.WALLONIA, (Operator.AVIQ,), CUTOVER, date.max),
    Holding(AuthenticSource.EASTBELGIUM, (Operator.ORINT,), date.min, _LAST_ORINT_DAY),
    Holding(AuthenticSource.EASTBELGIUM, (Operator.AVIQ,), CUTOVER, date.max),
    Holding(AuthenticSource.BRUSSELS, (Operator.ORINT,), date.min, _LAST_ORINT_DAY),
    Holding(AuthenticSource.BRUSSELS, (Operator.IRISCARE,), CUTOVER, date.max),
    Holding(AuthenticSource.FEDERAL, (Operator.ORINT,), date.min, _LAST_ORINT_DAY),
    Holding(AuthenticSource.FEDERAL, (Operator.IRISCARE, Operator.AVIQ), CUTOVER, date.max),
)
"""Which cadastres hold a source on a consultation day; two: the split federal archives."""

ARCHIVES: dict[AuthenticSource, Operator] = {AuthenticSource.BRUSSELS: Operator.IRISCARE}
"""The federal archive of a child by the region of its last federal month (DOMAIN 1)."""

OTHER_ARCHIVE = Operator.AVIQ
"""The federal archive of all children that ``ARCHIVES`` does not name (DOMAIN 1)."""


def holders(source: AuthenticSource, day: date) -> tuple[Operator, ...]:
    """The operators that hold ``source`` on the consultation day ``day`` (DOMAIN 1)."""
    return next(h.operators for h in HOLDINGS if h.source is source and h.begin <= day <= h.end)
