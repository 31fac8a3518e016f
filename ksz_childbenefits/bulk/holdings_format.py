"""One line of an operator's holdings: a fund, a file or an entry of its repertory, as JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ksz_childbenefits.bulk.cells import decoded, first_day
from ksz_childbenefits.config import explain
from ksz_childbenefits.domain.facets import MAX_DESCRIPTION, is_xml_text
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.registers.rules import BrokenRule, Rule


def _day(value: object) -> date:
    if not isinstance(value, str):
        raise ValueError("a day is a text")
    try:
        return first_day(value)
    except BrokenRule as error:
        raise ValueError(str(error)) from None


def _month(value: object) -> YearMonth:
    if not isinstance(value, str):
        raise ValueError("a month is a text")
    return YearMonth.parse(value)


def _name(value: str) -> str:
    if not is_xml_text(value):
        raise ValueError("a name is of XML characters")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Month = Annotated[YearMonth, BeforeValidator(_month)]
Category = Annotated[str, Field(max_length=50)]
Ssin = Annotated[str, Field(pattern="^[0-9]{11}$")]
FundNumber = Annotated[str, Field(pattern="^(?:[0-9]{3}|[01][0-9]{9})$")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_DESCRIPTION), AfterValidator(_name)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class FundRow(_Row):
    """A fund with its names."""

    number: FundNumber
    nl: Name | None = None
    fr: Name | None = None
    de: Name | None = None


class BonusRow(_Row):
    """A single payment."""

    date: Day
    category: Category
    beneficiaries: tuple[Ssin, ...] = ()


class PeriodRow(_Row):
    """Monthly payments."""

    begin: Month
    end: Month | None = None
    category: Category
    beneficiaries: tuple[Ssin, ...] = ()


class MemberRow(_Row):
    """A child or a beneficiary."""

    ssin: Ssin
    bonuses: tuple[BonusRow, ...] = ()
    periods: tuple[PeriodRow, ...] = ()


class FileRow(_Row):
    """A file; ``fund`` is the number of one that the database holds or that stands earlier."""

    source: AuthenticSource
    type: FileType
    begin: Day
    end: Day | None = None
    fund: FundNumber
    number: Annotated[str, Field(max_length=64)] | None = None
    entitled: Ssin | None = None
    children: tuple[MemberRow, ...]
    beneficiaries: tuple[MemberRow, ...] = ()


class EntryRow(_Row):
    """An entry of the regional repertory."""

    source: AuthenticSource
    ssin: Ssin
    quality: Annotated[int, Field(ge=0, le=999)]
    fund: FundNumber
    type: FileType
    begin: Day
    end: Day | None = None


class _Line(_Row):
    fund: FundRow | None = None
    file: FileRow | None = None
    entry: EntryRow | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> _Line:
        if len(self.model_fields_set) != 1 or None in _values(self):
            raise ValueError("a line is a fund, a file or an entry")
        return self


def _values(line: _Line) -> list[Any]:
    return [getattr(line, name) for name in line.model_fields_set]


def parse_line(line: bytes) -> FundRow | FileRow | EntryRow:
    """What a line says; BrokenRule names the rule by which it cannot be read."""
    text = decoded(line)
    try:
        (row,) = _values(_Line.model_validate_json(text))
    except ValidationError as error:
        raise BrokenRule(explain(error), _rule(error)) from None
    parsed: FundRow | FileRow | EntryRow = row
    return parsed


_CODES = frozenset({"source", "type"})
_DAYS = frozenset({"begin", "end", "date"})
_NUMBERS = frozenset({"ssin", "entitled", "beneficiaries"})


def _rule(error: ValidationError) -> Rule:
    """The name of the first rule that is broken."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Rule.NOT_JSON
    if first["type"] in ("extra_forbidden", "missing"):
        return Rule.WRONG_FIELDS
    if first["type"] == "string_too_long":
        return Rule.TOO_LONG
    field = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "")
    for known, rule in (
        (_CODES, Rule.UNKNOWN_CODE),
        (_DAYS, Rule.INVALID_DATE),
        (_NUMBERS, Rule.INVALID_SSIN),
    ):
        if field in known:
            return rule
    return Rule.WRONG_VALUE
