"""Months across, authentic sources down: in which month which source had payments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ksz_childbenefits.cli.answer import SourceAnswer
from ksz_childbenefits.domain.consultation import Code, StatusValue
from ksz_childbenefits.domain.months import MonthRange, YearMonth, union
from ksz_childbenefits.domain.sources import WINDOWS

PAID, BONUS, NOTHING, NOT_CONSULTED, FAILED, NOT_ASKED = "█", "B", "·", "-", "!", " "

LEGEND = (
    f"{PAID} paid   {BONUS} bonus paid   {NOTHING} nothing   {NOT_CONSULTED} not consulted   "
    f"{FAILED} no answer   blank: not asked, or before or after this source's time"
)

_LABEL = 13
_YEAR = 12 + 1


@dataclass(frozen=True, slots=True)
class Row:
    """One source: its ``months`` (asked, and in its window; None: no such month).

    ``otherwise`` is the mark of a month without payment.
    """

    label: str
    months: MonthRange | None
    paid: tuple[MonthRange, ...]
    bonuses: frozenset[YearMonth]
    otherwise: str

    def mark(self, month: YearMonth) -> str:
        """The mark for ``month``."""
        if self.months is None or not self.months.includes(month):
            return NOT_ASKED
        if month in self.bonuses:
            return BONUS
        if any(period.includes(month) for period in self.paid):
            return PAID
        return self.otherwise


def rows(answers: Iterable[SourceAnswer], asked: MonthRange) -> tuple[Row, ...]:
    """A row for each source asked, over the months ``asked``."""
    return tuple(_row(answer, asked) for answer in answers)


def draw(rows: Sequence[Row], asked: MonthRange, width: int) -> Iterator[str]:
    """The timeline in lines of at most ``width`` columns (or one year, where that is wider)."""
    per_block = max(1, (width - _LABEL + 1) // _YEAR)
    first = _first_year(rows, asked, per_block)
    if first > asked.begin.year:
        yield f"No payments in the months asked before {first}."
    for start in range(first, asked.end.year + 1, per_block):
        years = range(start, min(start + per_block, asked.end.year + 1))
        yield (" " * _LABEL + " ".join(f"{year:<12}" for year in years)).rstrip()
        for row in rows:
            cells = " ".join(_year(row, year) for year in years)
            yield f"{row.label:<{_LABEL}}{cells}".rstrip()
        yield ""


def _row(answer: SourceAnswer, asked: MonthRange) -> Row:
    members = tuple(answer.members())
    periods = [period for member in members for period in member.periods]
    bonuses = [bonus for member in members for bonus in member.bonuses]
    return Row(
        label=answer.source,
        months=asked.intersection(WINDOWS[answer.source]),
        paid=union(MonthRange(p.begin, max(p.begin, p.end or asked.end)) for p in periods),
        bonuses=frozenset(YearMonth.of(bonus.payment_date) for bonus in bonuses),
        otherwise=_otherwise(answer),
    )


def _otherwise(answer: SourceAnswer) -> str:
    if answer.verdict.value == StatusValue.TECHNICAL_ERROR:
        return FAILED
    if answer.verdict.code == Code.NOT_INTEGRATED_SUPPLIER:
        return NOT_CONSULTED
    return NOTHING


def _first_year(rows: Sequence[Row], asked: MonthRange, per_block: int) -> int:
    """The year to begin with: where more than a block is asked, that of the first payment."""
    if asked.end.year - asked.begin.year < per_block:
        return asked.begin.year
    marked = [period.begin.year for row in rows for period in row.paid]
    marked += [month.year for row in rows for month in row.bonuses]
    last_block = asked.end.year - per_block + 1
    return max(asked.begin.year, min([last_block, *marked]))


def _year(row: Row, year: int) -> str:
    return "".join(row.mark(YearMonth(year, month)) for month in range(1, 13))
