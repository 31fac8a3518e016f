"""Months of the right, as values and as intervals (DOMAIN 4).

A month is written ``YYYY-MM``. Ranges are handled as intervals, never month by month.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

MIN_YEAR = 1900
MAX_YEAR = 2999

_CALENDAR = 2048
"""Months that are remembered: those of a lifetime or two."""


class _Month(NamedTuple):
    year: int
    month: int


class YearMonth(_Month):
    """One calendar month of the years 1900 to 2999; a tuple, whose order is that of time."""

    __slots__ = ()

    def __new__(cls, year: int, month: int) -> YearMonth:
        """Refuse months outside the calendar or outside the years of DOMAIN 4 with ValueError."""
        if not (MIN_YEAR <= year <= MAX_YEAR and 1 <= month <= 12):
            raise ValueError(f"no month of the years {MIN_YEAR} to {MAX_YEAR}")
        return super().__new__(cls, year, month)

    @classmethod
    def of(cls, day: date) -> YearMonth:
        """The month that ``day`` lies in."""
        return cls(day.year, day.month)

    @staticmethod
    @lru_cache(_CALENDAR)
    def parse(text: str) -> YearMonth:
        """Read ``YYYY-MM``; ValueError for anything else."""
        if len(text) != 7 or text[4] != "-" or not (text[:4] + text[5:]).isascii():
            raise ValueError("a month is written YYYY-MM")
        if not (text[:4].isdigit() and text[5:].isdigit()):
            raise ValueError("a month is written YYYY-MM")
        return YearMonth(int(text[:4]), int(text[5:]))

    def plus(self, months: int) -> YearMonth:
        """The month ``months`` later (earlier when negative), kept within the calendar."""
        ordinal = self.year * 12 + self.month - 1 + months
        if ordinal < MIN_YEAR * 12:
            return FIRST_MONTH
        if ordinal > MAX_YEAR * 12 + 11:
            return LAST_MONTH
        return YearMonth(ordinal // 12, ordinal % 12 + 1)

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return _last_day(self.year, self.month)

    def __str__(self) -> str:
        """The month as ``YYYY-MM``."""
        return _written(self)


@lru_cache(_CALENDAR)
def _written(month: YearMonth) -> str:
    return f"{month.year:04d}-{month.month:02d}"


@lru_cache(_CALENDAR)
def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


FIRST_MONTH = YearMonth(MIN_YEAR, 1)
LAST_MONTH = YearMonth(MAX_YEAR, 12)


@dataclass(frozen=True, order=True, slots=True)
class MonthRange:
    """The months from ``begin`` to ``end``, both included; never empty."""

    begin: YearMonth
    end: YearMonth

    def __post_init__(self) -> None:
        """Refuse an end before the begin with ValueError."""
        if self.end < self.begin:
            raise ValueError("a range of months ends before it begins")

    @classmethod
    def of_days(cls, begin: date, end: date | None) -> MonthRange | None:
        """The months that the days ``begin``..``end`` (None: open) lie in, within the calendar.

        None where no day of the calendar's years 1900 to 2999 is left.
        """
        first = FIRST_MONTH if begin.year < MIN_YEAR else begin
        last = LAST_MONTH if end is None or end.year > MAX_YEAR else end
        if first.year > MAX_YEAR or last.year < MIN_YEAR:
            return None
        return cls(YearMonth(first.year, first.month), YearMonth(last.year, last.month))

    def intersection(self, other: MonthRange) -> MonthRange | None:
        """The months that both ranges hold, or None."""
        begin, end = max(self.begin, other.begin), min(self.end, other.end)
        return MonthRange(begin, end) if begin <= end else None

    def includes(self, month: YearMonth) -> bool:
        """Whether ``month`` is one of these months."""
        return self.begin <= month <= self.end

    def overlaps(self, other: MonthRange) -> bool:
        """Whether the ranges share a month."""
        return self.begin <= other.end and other.begin <= self.end

    def touches_days(self, begin: date, end: date | None) -> bool:
        """Whether a day of ``begin``..``end`` (None: open) lies in one of these months."""
        return begin <= self.end.last_day and (end is None or end >= self.begin.first_day)

    def __str__(self) -> str:
        """The range as ``YYYY-MM..YYYY-MM``."""
        return f"{self.begin}..{self.end}"


def union(ranges: Iterable[MonthRange]) -> tuple[MonthRange, ...]:
    """The same months as ranges in order, joined where they overlap or follow each other."""
    joined: list[MonthRange] = []
    for months in sorted(ranges):
        if joined and months.begin <= joined[-1].end.plus(1):
            last = joined.pop()
            joined.append(MonthRange(last.begin, max(last.end, months.end)))
        else:
            joined.append(months)
    return tuple(joined)
