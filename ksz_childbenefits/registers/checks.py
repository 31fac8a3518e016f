"""What a row must satisfy before it enters a register (DOMAIN 1 to 4).

A broken rule is a BrokenRule (a DataError): its name and, through ``named``, where the row
stands; never the SSIN, which is personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import pairwise

from ksz_childbenefits.domain import ssin
from ksz_childbenefits.domain.persons import (
    FAMILY_BENEFITS_SECTOR,
    NEVER_ROUTING,
    ROUTING_QUALITIES,
    ConnectingFactor,
    Person,
    RepertoryLine,
    SsinStatus,
)
from ksz_childbenefits.domain.regions import region_of
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, holders
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.rules import BrokenRule, Rule, rule_of

FACTORS = range(1, 7)
"""The connecting factors of the cooperation agreement (DOMAIN 1)."""

CODES = range(1000)
"""Sectors, institutions, qualities and phases have at most three digits (CONTRACT: max 999)."""

FEDERAL_HOLDERS = holders(AuthenticSource.FEDERAL, CUTOVER)
"""The operators of the two federal archives (DOMAIN 1)."""

UNDER_INVESTIGATION = 107
"""The quality of a person under investigation, which never routes (DOMAIN 2)."""

FAMILY_QUALITIES = ROUTING_QUALITIES | {UNDER_INVESTIGATION} | NEVER_ROUTING
"""The quality codes of a source's lines in sector 7 (DOMAIN 2)."""


@contextmanager
def named(place: str) -> Iterator[None]:
    """Say where the row stands that broke a rule, of a DataError or a domain value's ValueError."""
    try:
        yield
    except (DataError, ValueError) as error:
        raise BrokenRule(f"{place}: {error}", rule_of(error)) from error


def places_of(rows: Sequence[object], places: Sequence[str] | None) -> Sequence[str]:
    """Where each row stands: as the caller says, else its number from 1."""
    return [f"row {n}" for n in range(1, len(rows) + 1)] if places is None else places


def require(holds: bool, text: str, rule: Rule = Rule.WRONG_VALUE) -> None:
    """Raise BrokenRule with this text unless the rule holds."""
    if not holds:
        raise BrokenRule(text, rule)


def check_ssin(number: str, what: str = "the SSIN") -> None:
    """DataError unless the number is a valid SSIN (DOMAIN 4)."""
    require(ssin.is_valid(number), f"{what} is not valid (DOMAIN 4)", Rule.INVALID_SSIN)


def check_days(begin: date, end: date | None) -> None:
    """DataError if the days end before they begin."""
    require(
        end is None or end >= begin,
        f"ends on {end}, before it begins on {begin}",
        Rule.END_BEFORE_BEGIN,
    )


def check_person(person: Person) -> None:
    """DataError, or UnknownMunicipality, if the person breaks a rule of the register."""
    check_ssin(person.ssin)
    replaced = person.status is SsinStatus.REPLACED
    require(
        replaced == (person.replaced_by is not None),
        "status REPLACED and the number that replaces go together",
        Rule.WRONG_REPLACEMENT,
    )
    if person.replaced_by is not None:
        check_ssin(person.replaced_by, "the replacing SSIN")
    for factor in person.factors:
        check_factor(factor)
    _check_overlaps(sorted(person.factors, key=lambda f: (f.factor, f.begin)))


def check_factor(factor: ConnectingFactor) -> None:
    """DataError, or UnknownMunicipality, if a connecting factor breaks a rule of its own."""
    require(
        factor.factor in FACTORS,
        f"connecting factor {factor.factor} is unknown",
        Rule.UNKNOWN_CODE,
    )
    check_days(factor.begin, factor.end)
    region_of(factor.nis, factor.begin)


def _check_overlaps(factors: Sequence[ConnectingFactor]) -> None:
    for earlier, later in pairwise(factors):
        require(
            earlier.factor != later.factor
            or (earlier.end is not None and earlier.end < later.begin),
            f"two rows of connecting factor {later.factor} overlap on {later.begin}",
            Rule.OVERLAP,
        )


def check_line(line: RepertoryLine) -> None:
    """DataError if a line of the person repertory breaks a rule of DOMAIN 2."""
    check_ssin(line.ssin)
    check_days(line.begin, line.end)
    check_codes(line)


def check_codes(line: RepertoryLine) -> None:
    """The same for all but who the line is about and when: its holder and its codes."""
    require(
        (line.source is None) != (line.customer is None),
        "a line is held by a source or by a customer",
        Rule.WRONG_HOLDER,
    )
    require(
        line.archive is None
        or (line.source is AuthenticSource.FEDERAL and line.archive in FEDERAL_HOLDERS),
        "an archive is one of the two of the split, of a FEDERAL line",
        Rule.ARCHIVE_FORBIDDEN,
    )
    for name, code in (("sector", line.sector), ("quality", line.quality), ("phase", line.phase)):
        require(code is None or code in CODES, f"{name} {code} is unknown", Rule.UNKNOWN_CODE)
    if line.source is not None:
        require(
            line.sector != FAMILY_BENEFITS_SECTOR or line.quality in FAMILY_QUALITIES,
            f"quality {line.quality} is unknown in sector 7",
            Rule.UNKNOWN_CODE,
        )
        require(
            line.file_type is not None,
            "a line of a source names the type of file",
            Rule.FILE_TYPE_MISSING,
        )
