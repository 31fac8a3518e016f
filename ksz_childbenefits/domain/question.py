"""The checks of a question that need no source: number, months, register (DOMAIN 4 and 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    NoResult,
    Question,
    SsinNotice,
)
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import Person, SsinStatus
from ksz_childbenefits.domain.ssin import is_valid

_MONTH = re.compile("([0-9]{4}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
"""A gYearMonth of a year that can be asked; its zone is ignored (DOMAIN 4)."""


def check_ssin(question: Question) -> None:
    """Raise MSG00011 where the number's check digits or date of birth cannot be (DOMAIN 4)."""
    if not is_valid(question.ssin):
        raise NoResult(Code.SSIN_INVALID, Information.as_sent("ssin", question.ssin))


def check_consistency(question: Question, day: date) -> MonthRange:
    """The months asked, the end being the month of the consultation day ``day`` where none is sent.

    Raises MSG00008, with every element at fault in the order sent, for years outside 1900 to
    2999, a begin after the end that results, and a source named twice (DOMAIN 4 and 5).
    """
    wrong = (*_wrong_months(question, day), *_sources_twice(question))
    begin, end = _month(question.begin_month), _end(question, day)
    if wrong or begin is None or end is None:
        raise NoResult(Code.INVALID_DATA, *wrong)
    return MonthRange(begin, end)


def _wrong_months(question: Question, day: date) -> Iterator[Information]:
    begin, end = _month(question.begin_month), _end(question, day)
    swapped = begin is not None and end is not None and begin > end
    if begin is None or swapped:
        yield Information.as_sent("beginMonth", question.begin_month)
    if question.end_month is not None and (end is None or swapped):
        yield Information.as_sent("endMonth", question.end_month)


def _sources_twice(question: Question) -> tuple[Information, ...]:
    named = question.sources or ()
    twice = dict.fromkeys(source for source in named if named.count(source) > 1)
    return tuple(Information("authenticSource", source) for source in twice)


def _end(question: Question, day: date) -> YearMonth | None:
    return YearMonth.of(day) if question.end_month is None else _month(question.end_month)


def _month(text: str) -> YearMonth | None:
    """The month of a gYearMonth, or None outside the years that can be asked."""
    if (match := _MONTH.fullmatch(text)) is None:
        return None
    try:
        return YearMonth.parse(match[1])
    except ValueError:
        return None


def check_inscription(inscribed: bool, ssin: str, cbe_number: str) -> None:
    """Raise MSG00012 where the customer has to know the person and does not (DOMAIN 2, 5).

    ``cbe_number`` is the customer's. The answer never tells whether the number exists.
    """
    if not inscribed:
        raise NoResult(
            Code.NOT_INTEGRATED_CUSTOMER,
            Information("details", "The customer has no inscription for this SSIN in these months"),
            Information.as_sent("ssin", ssin),
            Information("cbeNumber", cbe_number),
        )


def check_register(ssin: str, person: Person | None, final: str) -> Person:
    """The person that the register knows by this number, or MSG00005, 06 or 07 (DOMAIN 5).

    ``final`` is the last number of the replacement chain that a replaced number belongs to.
    """
    if person is None:
        raise NoResult(Code.SSIN_UNKNOWN, Information("ssin", ssin))
    if person.status is SsinStatus.REPLACED:
        notice = SsinNotice(ssin, replaced_by=final)
        raise NoResult(Code.SSIN_REPLACED, Information("newSSIN", final), notice=notice)
    if person.status is SsinStatus.CANCELLED:
        notice = SsinNotice(ssin, canceled=True)
        raise NoResult(Code.SSIN_CANCELLED, Information("ssin", ssin), notice=notice)
    return person
