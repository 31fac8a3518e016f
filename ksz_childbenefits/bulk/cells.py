"""The rows of CSV lines, and what their cells mean."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from ksz_childbenefits.domain.ssin import check_digits, is_valid
from ksz_childbenefits.registers.checks import require
from ksz_childbenefits.registers.rules import BrokenRule, Rule

LONGEST_CELL = 64
"""The longest cell in characters: that of a customer's name."""

SSIN_DIGITS = 11

_YEARS = range(1900, 3000)
"""The years that a day can be of (DOMAIN 4)."""

_MEMORY = 1 << 16
"""How many days are remembered as checked."""


def plain_lines(lines: Sequence[bytes]) -> list[str] | None:
    """The texts of the lines, where a comma always parts two cells and all end; else None."""
    try:
        text = b"".join(lines).decode()
    except UnicodeDecodeError:
        return None
    if '"' in text or "\r" in text or "\0" in text or not text.endswith("\n"):
        return None
    return text[:-1].split("\n")


def cells_of(line: bytes, columns: Sequence[str]) -> list[str]:
    """The cells of a line, as many as columns; BrokenRule if that cannot be.

    A quoted cell cannot hold the end of a line: each line is one row.
    """
    try:
        row = next(csv.reader([decoded(line)], strict=True), [])
    except csv.Error as error:
        raise BrokenRule(f"not a line of CSV: {error}", Rule.WRONG_FIELDS) from None
    text = f"{len(row)} fields instead of {len(columns)}"
    require(len(row) == len(columns), text, Rule.WRONG_FIELDS)
    text = f"a field of more than {LONGEST_CELL} characters"
    require(max(map(len, row)) <= LONGEST_CELL, text, Rule.TOO_LONG)
    return row


def decoded(line: bytes) -> str:
    """The text of a line without its end; BrokenRule if it is cut off or not UTF-8.

    Half a line could look like a whole one: only its end proves that it is one.
    """
    require(line.endswith(b"\n"), "the last line does not end: cut off?", Rule.UNFINISHED_LINE)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BrokenRule("not UTF-8", Rule.BAD_ENCODING) from None


@lru_cache(_MEMORY)
def day(cell: str) -> date | None:
    """The day written as YYYY-MM-DD; None for anything else."""
    try:
        found = date.fromisoformat(cell)
    except ValueError:
        return None
    return found if found.isoformat() == cell and found.year in _YEARS else None


def valid_ssin(cell: str) -> bool:
    """Whether the text is a valid SSIN, as ``ssin.is_valid`` says (DOMAIN 4), but faster.

    What depends on the date and the kind of number alone is asked once for all numbers alike.
    """
    if len(cell) != SSIN_DIGITS or not (cell.isascii() and cell.isdigit()):
        return False
    nine, check = int(cell[:9]), int(cell[9:])
    for century, begin in ((1900, 0), (2000, 2_000_000_000)):
        if check == 97 - (begin + nine) % 97:
            return _can_exist(cell[:6], cell[6:9] == "000", century)
    return False


@lru_cache(_MEMORY)
def _can_exist(born: str, serial_zero: bool, century: int) -> bool:
    nine = f"{born}{'000' if serial_zero else '001'}"
    return is_valid(nine + check_digits(nine, born_2000_or_later=century == 2000))


def first_day(cell: str) -> date:
    """The day in the cell; BrokenRule unless there is one."""
    found = day(cell)
    if found is None:
        raise BrokenRule("a day is written YYYY-MM-DD, from 1900 to 2999", Rule.INVALID_DATE)
    return found


def last_day(cell: str) -> date | None:
    """The same; an empty cell means open."""
    return first_day(cell) if cell else None
