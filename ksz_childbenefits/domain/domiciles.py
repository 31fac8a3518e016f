"""The domicile of a month, from the connecting factors, by intervals (DOMAIN 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ksz_childbenefits.domain.months import LAST_MONTH, MonthRange, YearMonth, union
from ksz_childbenefits.domain.persons import ConnectingFactor
from ksz_childbenefits.domain.regions import region_of
from ksz_childbenefits.domain.sources import AuthenticSource


class Domicile(NamedTuple):
    """Months in which a person counts as domiciled in one region."""

    months: MonthRange
    region: AuthenticSource


class _Held(NamedTuple):
    months: MonthRange
    row: ConnectingFactor


def domiciles(factors: Iterable[ConnectingFactor]) -> tuple[Domicile, ...]:
    """The domiciles in order of time; a month without a row belongs to none (DOMAIN 1).

    The lowest-numbered factor held in a month decides; of its rows the one that covers the first
    day, else the first within the month. Raises UnknownMunicipality.
    """
    held = [_Held(months, row) for row in factors if (months := _months(row))]
    found: dict[AuthenticSource, list[MonthRange]] = {}
    for months in _stretches(held):
        if row := _deciding(held, months.begin):
            found.setdefault(region_of(row.nis, row.begin), []).append(months)
    return tuple(sorted(Domicile(m, region) for region, all_ in found.items() for m in union(all_)))


def _months(row: ConnectingFactor) -> MonthRange | None:
    return MonthRange.of_days(row.begin, row.end)


def _stretches(held: Iterable[_Held]) -> list[MonthRange]:
    # Which row decides can change only where a row begins, in the month after (the row now covers
    # the first day), and in the month after its end.
    begins = sorted(
        {m for months, _ in held for m in (months.begin, months.begin.plus(1), months.end.plus(1))}
    )
    stretches = [MonthRange(begin, following.plus(-1)) for begin, following in pairwise(begins)]
    return [*stretches, *(MonthRange(last, LAST_MONTH) for last in begins[-1:])]


def _deciding(held: Sequence[_Held], month: YearMonth) -> ConnectingFactor | None:
    present = [row for months, row in held if months.includes(month)]
    lowest = min((row.factor for row in present), default=None)
    rows = sorted((r for r in present if r.factor == lowest), key=lambda r: (r.begin, r.nis))
    on_the_first = [row for row in rows if row.begin <= month.first_day]
    # Of several rows that cover the first day, which the register should not hold, the newest.
    return next(iter([*on_the_first[-1:], *rows]), None)
