"""The names of the rules that a row can break, for programs; the text beside it is for people.

docs/formats.md explains each. A name never changes once it is published.
"""

from __future__ import annotations

from enum import StrEnum

from ksz_childbenefits.domain.regions import UnknownMunicipality
from ksz_childbenefits.domain.ssin import InvalidSsin
from ksz_childbenefits.domain.withholding import UnknownBlock
from ksz_childbenefits.errors import DataError


class Rule(StrEnum):
    """The rule that a line of an import, or a row for a register, breaks."""

    BAD_ENCODING = "BAD_ENCODING"
    UNFINISHED_LINE = "UNFINISHED_LINE"
    WRONG_FIELDS = "WRONG_FIELDS"
    TOO_LONG = "TOO_LONG"
    NOT_JSON = "NOT_JSON"
    INVALID_SSIN = "INVALID_SSIN"
    INVALID_DATE = "INVALID_DATE"
    END_BEFORE_BEGIN = "END_BEFORE_BEGIN"
    UNKNOWN_CODE = "UNKNOWN_CODE"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    UNKNOWN_FUND = "UNKNOWN_FUND"
    WRONG_HOLDER = "WRONG_HOLDER"
    FILE_TYPE_MISSING = "FILE_TYPE_MISSING"
    ARCHIVE_MISSING = "ARCHIVE_MISSING"
    ARCHIVE_FORBIDDEN = "ARCHIVE_FORBIDDEN"
    DUPLICATE = "DUPLICATE"
    OVERLAP = "OVERLAP"
    GAP = "GAP"
    WRONG_REPLACEMENT = "WRONG_REPLACEMENT"
    WRONG_VALUE = "WRONG_VALUE"
    UNKNOWN_LINE = "UNKNOWN_LINE"
    ALREADY_CLOSED = "ALREADY_CLOSED"


class BrokenRule(DataError):
    """A row breaks this rule; the text says how, without personal data."""

    def __init__(self, text: str, rule: Rule) -> None:
        """``text`` for people, ``rule`` for programs."""
        super().__init__(text)
        self.rule = rule


def rule_of(error: Exception) -> Rule:
    """The rule behind an error of a check or of a domain value."""
    if isinstance(error, BrokenRule):
        return error.rule
    if isinstance(error, UnknownMunicipality | UnknownBlock):
        return Rule.UNKNOWN_CODE
    if isinstance(error, InvalidSsin):
        return Rule.INVALID_SSIN
    return Rule.WRONG_VALUE
