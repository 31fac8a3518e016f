"""The consultation day: a calendar day in Brussels (DOMAIN, the three clocks)."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ksz_childbenefits.domain.months import YearMonth

BRUSSELS = ZoneInfo("Europe/Brussels")
"""Midnight here decides which day it is."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def consultation_day(instant: datetime) -> date:
    """The day in Brussels at ``instant``, which must have a zone (ValueError)."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone is no instant")
    return instant.astimezone(BRUSSELS).date()


def parse_as_of(text: str) -> date:
    """The consultation day that an operator sets: a day, or an instant with its zone.

    ``2023-12-31``, ``2023-12-31T23:30Z``, ``2024-01-01T00:30:00+01:00``. Raises ValueError for
    anything else, and for days outside the years 1900 to 2999.
    """
    if _DAY.fullmatch(text):
        day = date.fromisoformat(text)
    elif _INSTANT.fullmatch(text):
        day = _day_of(text)
    else:
        raise ValueError("write a day, or an instant with a zone: 2023-12-31T23:30:00Z")
    YearMonth.of(day)  # refuses what the months of DOMAIN 4 do not reach
    return day


def _day_of(text: str) -> date:
    try:
        return consultation_day(datetime.fromisoformat(text))
    except OverflowError:
        raise ValueError("outside the years that a clock can show") from None
