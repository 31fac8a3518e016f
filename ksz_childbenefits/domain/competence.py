"""When a person may be a child, and which source is then competent by domicile (DOMAIN 1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ksz_childbenefits.domain.domiciles import domiciles
from ksz_childbenefits.domain.months import MonthRange, union
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.sources import COMPETENCES, AuthenticSource

AGE_LIMIT = 25
"""A person may be a child up to the month before this birthday, in years (DOMAIN 1)."""


def child_months(person: Person) -> MonthRange | None:
    """The months in which the person may be a child, or None if the calendar holds none.

    From the month of birth to the month before the 25th birthday; born on 29 February: before
    the February of that year.
    """
    birth = person.birth_date
    month_of_the_limit = date(birth.year + AGE_LIMIT, birth.month, 1)
    return MonthRange.of_days(birth, month_of_the_limit - timedelta(days=1))


def competent_months(person: Person, source: AuthenticSource) -> tuple[MonthRange, ...]:
    """The months in which ``source`` is competent for the person as a child, in order (DOMAIN 1).

    Raises UnknownMunicipality.
    """
    child = child_months(person)
    if child is None:
        return ()
    return union(both for m in _months_of(person, source) if (both := m.intersection(child)))


def _months_of(person: Person, source: AuthenticSource) -> Iterator[MonthRange]:
    homes = domiciles(person.factors)
    for competence in COMPETENCES:
        if competence.source is source and competence.region is None:
            yield competence.months
        elif competence.source is source:
            in_region = (home.months for home in homes if home.region is competence.region)
            yield from (both for m in in_region if (both := m.intersection(competence.months)))
