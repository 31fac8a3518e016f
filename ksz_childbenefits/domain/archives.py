"""Which of the two federal archives holds a child and a file since the split (DOMAIN 1)."""

from __future__ import annotations

from collections.abc import Iterable

from ksz_childbenefits.domain.competence import competent_months
from ksz_childbenefits.domain.domiciles import domiciles
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.sources import ARCHIVES, OTHER_ARCHIVE, AuthenticSource, Operator


def last_federal_month(person: Person) -> YearMonth | None:
    """The last month in which FEDERAL was competent for this child, whatever is asked."""
    federal = competent_months(person, AuthenticSource.FEDERAL)
    return federal[-1].end if federal else None


def archive_of_child(person: Person) -> Operator | None:
    """The archive by the domicile of the child's last federal month; None without such a month."""
    last = last_federal_month(person)
    if last is None:
        return None
    for home in domiciles(person.factors):
        if home.months.includes(last):
            return ARCHIVES.get(home.region, OTHER_ARCHIVE)
    return OTHER_ARCHIVE


def archive_of_file(children: Iterable[Person]) -> Operator:
    """The archive that a file goes to whole: that of its youngest child, lowest SSIN on a tie."""
    by_ssin = sorted(children, key=lambda child: child.ssin)
    if not by_ssin:
        return OTHER_ARCHIVE
    youngest = max(by_ssin, key=lambda child: child.birth_date)
    return archive_of_child(youngest) or OTHER_ARCHIVE
