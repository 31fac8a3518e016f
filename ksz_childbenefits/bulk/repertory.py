"""Lines of the person repertory, from CSV (DOMAIN 2).

Made for 60 million lines: what is said again and again (holder, codes, days) is checked once, rows
go into the database as the texts that COPY takes, and overlaps are found there, a batch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, select

from ksz_childbenefits.bulk import overlaps
from ksz_childbenefits.bulk.cells import (
    LONGEST_CELL,
    cells_of,
    day,
    first_day,
    last_day,
    plain_lines,
    valid_ssin,
)
from ksz_childbenefits.bulk.copying import NULL, copy_texts
from ksz_childbenefits.bulk.rejections import Rejection
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator
from ksz_childbenefits.registers.checks import check_codes, check_days, require
from ksz_childbenefits.registers.rules import BrokenRule, Rule
from ksz_childbenefits.registers.schema import customers, repertory_lines

COLUMNS = (
    "ssin",
    "source",
    "customer",
    "sector",
    "quality",
    "phase",
    "file_type",
    "archive",
    "begin",
    "end",
)
"""The columns of the file; empty: none, or an open end."""

_STORED = ("id", *COLUMNS[:-2], "begin_date", "end_date")

_SPECIAL = "\\\t\r\n"
"""What COPY would take for more than text; no name of a customer needs it."""

_SPLIT = CUTOVER.isoformat()
"""From this day on a FEDERAL line is one archive's; before it ORINT held all of them (DOMAIN 1)."""

_MOST_CODES = 4096


@dataclass(frozen=True, slots=True)
class _Codes:
    """Who holds a line, and its codes: as the text for COPY; or the rule that they break.

    ``broken`` is what a BrokenRule is made of, not one: raised again and again, one exception would
    keep every frame that it came through, with the lines that were there.
    """

    text: str
    customer: str
    broken: tuple[str, Rule] | None
    without_archive: bool


class Candidate(NamedTuple):
    """A line that is right by itself."""

    number: int
    line: bytes
    ssin: str
    codes: _Codes
    begin: str
    end: str

    @property
    def period(self) -> tuple[str, str]:
        """Its first and last day, as texts that sort like days."""
        return self.begin, self.end or overlaps.OPEN


@dataclass(frozen=True, slots=True)
class Candidates:
    """The lines of a batch, and those of them (by index) that say the same of the same person."""

    rows: list[Candidate]
    alike: list[list[int]]


class RepertoryIntake:
    """Lines of CSV into ``repertory_lines``."""

    kind = "repertory"
    header = ",".join(COLUMNS).encode()

    def judge(self, lines: Sequence[bytes], first: int) -> tuple[Candidates, list[Rejection]]:
        """Check fields, numbers, codes and days."""
        rejected: list[Rejection] = []
        rows: list[Candidate] = []
        seen: dict[tuple[str, str], int] = {}
        alike: dict[tuple[str, str], list[int]] = {}
        plain = plain_lines(lines)
        for index, line in enumerate(lines):
            try:
                ssin, codes, begin, end = _parted(line, plain[index] if plain else None)
                _check(ssin, codes, begin, end)
            except BrokenRule as broken:
                rejected.append(Rejection(first + index, broken.rule, str(broken), line))
                continue
            same = (ssin, codes.text)
            earlier = seen.setdefault(same, len(rows))
            if earlier != len(rows):
                alike.setdefault(same, [earlier]).append(len(rows))
            rows.append(Candidate(first + index, line, ssin, codes, begin, end))
        return Candidates(rows, list(alike.values())), rejected

    def store(self, connection: Connection, judged: Candidates) -> tuple[int, list[Rejection]]:
        """Store the lines whose customer is known and that overlap no line that was there first."""
        overlaps.lock(connection)
        first = overlaps.next_id(connection, len(judged.rows))
        refused = _of_strangers(connection, judged.rows)
        stored = (
            _text(first + index, row)
            for index, row in enumerate(judged.rows)
            if index not in refused
        )
        copy_texts(connection, repertory_lines, _STORED, stored)
        refused |= _meeting(connection, judged, first, refused)
        return len(judged.rows) - len(refused), [
            Rejection(row.number, broken.rule, str(broken), row.line)
            for row, broken in ((judged.rows[i], broken) for i, broken in refused.items())
        ]


def _parted(line: bytes, plain: str | None) -> tuple[str, _Codes, str, str]:
    """SSIN, codes, begin and end of a line; ``plain``: its text, if only commas part its cells."""
    if plain is not None:
        ssin, _, rest = plain.partition(",")
        parts = rest.rsplit(",", 2)
        if len(parts) == len(("codes", "begin", "end")):
            codes = _codes_in(parts[0])
            if codes is not None:
                return ssin, codes, parts[1], parts[2]
    cells = cells_of(line, COLUMNS)
    return cells[0], _codes(tuple(cells[1:-2])), cells[-2], cells[-1]


def _check(ssin: str, codes: _Codes, begin: str, end: str) -> None:
    """BrokenRule unless the line is right by itself."""
    if not valid_ssin(ssin):
        raise BrokenRule("the SSIN is not valid (DOMAIN 4)", Rule.INVALID_SSIN)
    if codes.broken is not None:
        raise BrokenRule(*codes.broken)
    last = last_day(end)
    if day(begin) is None or (last is not None and end < begin):
        check_days(first_day(begin), last)
    if codes.without_archive and begin >= _SPLIT:
        text = "a FEDERAL line names its archive from the split of 2024 on (DOMAIN 1)"
        raise BrokenRule(text, Rule.ARCHIVE_MISSING)


@lru_cache(_MOST_CODES)
def _codes_in(text: str) -> _Codes | None:
    """The codes between plain commas; None unless they are as many as there must be."""
    cells = tuple(text.split(","))
    if len(cells) != len(COLUMNS) - 3 or max(map(len, cells)) > LONGEST_CELL:
        return None
    return _codes(cells)


@lru_cache(_MOST_CODES)
def _codes(cells: tuple[str, ...]) -> _Codes:
    source, customer, sector, quality, phase, file_type, archive = cells
    try:
        require(not set(customer) & set(_SPECIAL), "the customer is unknown", Rule.UNKNOWN_CUSTOMER)
        line = RepertoryLine(
            # Who it is about and when is judged for each line; this, once for all alike.
            ssin="",
            begin=date.min,
            end=None,
            source=_named(AuthenticSource, "source", source),
            customer=customer or None,
            sector=_number("sector", sector),
            quality=_number("quality", quality),
            phase=_number("phase", phase) if phase else None,
            file_type=_named(FileType, "file_type", file_type),
            archive=_named(Operator, "archive", archive),
        )
        check_codes(line)
    except BrokenRule as error:
        return _Codes("", customer, (str(error), error.rule), without_archive=False)
    without = line.source is AuthenticSource.FEDERAL and line.archive is None
    return _Codes("\t".join(cell or NULL for cell in cells), customer, None, without)


_Name = TypeVar("_Name", bound=StrEnum)


def _named(kind: type[_Name], column: str, cell: str) -> _Name | None:
    if not cell:
        return None
    require(cell in set(kind), f"{column} is none of {', '.join(kind)}", Rule.UNKNOWN_CODE)
    return kind(cell)


def _number(column: str, cell: str) -> int:
    # As it is written in the export: no sign, no space, no leading zero.
    known = cell.isascii() and cell.isdigit() and str(int(cell)) == cell
    require(known, f"{column} is no number of at most three digits", Rule.UNKNOWN_CODE)
    return int(cell)


def _text(number: int, row: Candidate) -> str:
    return f"{number}\t{row.ssin}\t{row.codes.text}\t{row.begin}\t{row.end or NULL}"


def _of_strangers(connection: Connection, rows: Sequence[Candidate]) -> dict[int, BrokenRule]:
    """The lines of customers that are not registered."""
    known = {"", *connection.execute(select(customers.c.name)).scalars()}
    unknown = BrokenRule("the customer is unknown", Rule.UNKNOWN_CUSTOMER)
    return {i: unknown for i, row in enumerate(rows) if row.codes.customer not in known}


def _meeting(
    connection: Connection, judged: Candidates, first: int, refused: dict[int, BrokenRule]
) -> dict[int, BrokenRule]:
    """The lines that overlap one that was there before the batch, or one before them in it.

    A line that is refused itself stands in nobody's way. Those found are taken out again.
    """
    found = {
        number - first: overlaps.broken(same)
        for number, same in overlaps.with_stored(connection, first).items()
    }
    for group in judged.alike:
        taken: list[tuple[str, str]] = []
        for index in group:
            if index in refused or index in found:
                continue
            period = judged.rows[index].period
            if meets := [other for other in taken if overlaps.meet(other, period)]:
                found[index] = overlaps.broken(period in meets)
            else:
                taken.append(period)
    overlaps.take_out(connection, [first + index for index in found])
    return found
