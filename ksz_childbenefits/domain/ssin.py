"""The Belgian social security number, SSIN (INSZ / NISS): structure and check (DOMAIN 4).

Eleven digits: YYMMDD, serial of three, check of two. Bis and ter numbers add 20 and 40 to the
month. Day and month may be 00, unknown.
"""

from __future__ import annotations

import re
from datetime import date

_DAY = "(?:[0-2][0-9]|3[01])"
_CHECK = "(?:[0-8][0-9]|9[0-7])"

_PATTERN = re.compile(
    f"[0-9]{{2}}(?:0[0-9]|1[0-2]){_DAY}(?!000)[0-9]{{3}}{_CHECK}"
    f"|[0-9]{{2}}(?:2[0-9]|3[0-2]){_DAY}[0-9]{{3}}{_CHECK}"
    f"|[0-9]{{2}}(?:4[0-9]|5[0-2]){_DAY}[0-9]{{3}}{_CHECK}"
)
"""The three patterns of the contract: national register, bis and ter number (CONTRACT, common)."""

_MONTHS_OF_A_KIND = 20
"""What a bis number adds to the month; a ter number adds it twice."""


class InvalidSsin(ValueError):
    """A text that is no SSIN: its pattern, check digits or date of birth cannot be."""


def fits_pattern(ssin: str) -> bool:
    """Whether the contract lets this text pass as an SSIN, whatever its check digits say."""
    return _PATTERN.fullmatch(ssin) is not None


def check_digits(first_nine: str, born_2000_or_later: bool) -> str:
    """The two check digits, 01 to 97, of the nine digits before them (DOMAIN 4)."""
    number = int("2" + first_nine if born_2000_or_later else first_nine)
    return f"{97 - number % 97:02d}"


def birth_date(ssin: str) -> date:
    """The date of birth in the century that the check digits prove (DOMAIN 4).

    An unknown day or month counts as the first. Raises InvalidSsin.
    """
    if not fits_pattern(ssin):
        raise InvalidSsin("not the pattern of an SSIN")
    month, day = int(ssin[2:4]) % _MONTHS_OF_A_KIND, int(ssin[4:6])
    try:
        return date(_century(ssin) + int(ssin[:2]), month or 1, day or 1)
    except ValueError as impossible:
        raise InvalidSsin(f"the date of birth cannot exist: {impossible}") from None


def is_valid(ssin: str) -> bool:
    """Whether pattern, check digits and date of birth are those of an SSIN (MSG00011 if not)."""
    try:
        birth_date(ssin)
    except InvalidSsin:
        return False
    return True


def _century(ssin: str) -> int:
    for century in (1900, 2000):
        if ssin[9:] == check_digits(ssin[:9], born_2000_or_later=century == 2000):
            return century
    raise InvalidSsin("the check digits are those of no century")
