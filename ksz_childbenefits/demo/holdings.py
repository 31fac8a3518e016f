"""What the sources hold of an invented family: files by the rules of DOMAIN 1 and 6.

As on a day after the split of 2024: at Opgroeien, AVIQ and Iriscare; ORINT's own copies are left
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random

from ksz_childbenefits.demo.population import MUNICIPALITIES, Family, Home, Relative
from ksz_childbenefits.domain.archives import archive_of_file
from ksz_childbenefits.domain.competence import child_months, competent_months
from ksz_childbenefits.domain.files import FileMember, PaymentPeriod
from ksz_childbenefits.domain.months import MonthRange, YearMonth, union
from ksz_childbenefits.domain.persons import CHILD_QUALITY, Person
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator, holders

HORIZON = YearMonth(2025, 12)
"""What ends after this month is still open."""

FUNDS: dict[AuthenticSource, tuple[str, ...]] = {
    AuthenticSource.FEDERAL: ("101", "104", "107", "110"),
    AuthenticSource.FLANDERS: ("0685540471", "0686764255"),
    AuthenticSource.WALLONIA: ("0697784445", "0695982819"),
    AuthenticSource.BRUSSELS: ("0727421608", "0726908991"),
    AuthenticSource.EASTBELGIUM: ("0900001038",),
}
"""Some of the demo's funds (demo/world/funds.toml)."""

_PIECES = {
    AuthenticSource.FEDERAL: (1, 2, 3, 4),
    AuthenticSource.EASTBELGIUM: (1,),
}
"""How many files follow each other at changing funds, by source."""

_PIECES_ELSEWHERE = (1, 2, 3)

CATEGORY = {AuthenticSource.FLANDERS: "BASIC"}
"""The category of the monthly payments where it is not CHILD_ALLOWANCE (DOMAIN 6)."""

ENTITLED, BENEFICIARY = 101, 102


@dataclass(frozen=True, slots=True)
class Holding:
    """A file to be: who holds it, for which months, with which children of the family."""

    source: AuthenticSource
    operator: Operator
    fund: str
    number: str | None
    begin: date
    end: date | None
    months: MonthRange
    children: tuple[Relative, ...]
    mother: Relative
    father: Relative | None

    def roles(self) -> Iterator[tuple[str, int]]:
        """Who is in it, with the quality of the role (DOMAIN 2)."""
        for child in self.children:
            yield child.ssin, CHILD_QUALITY
        yield self.mother.ssin, BENEFICIARY
        if self.father is not None:
            yield self.father.ssin, ENTITLED

    def members(self) -> tuple[list[FileMember], list[FileMember]]:
        """Children and beneficiaries, with what is paid each month (DOMAIN 6)."""
        category = CATEGORY.get(self.source, "CHILD_ALLOWANCE")
        flemish = self.source is AuthenticSource.FLANDERS
        named = (self.mother.ssin,) if flemish else ()
        end = None if self.end is None else self.months.end
        children = []
        for child in self.children:
            begin = max(self.months.begin, YearMonth.of(child.birth_date))
            children.append(
                FileMember(child.ssin, (), (PaymentPeriod(begin, end, category, named),))
            )
        paid = tuple(
            dict.fromkeys(
                PaymentPeriod(p.begin, p.end, category) for c in children for p in c.periods
            )
        )
        return children, [FileMember(self.mother.ssin, (), paid)]


def holdings(family: Family, chance: Random) -> Iterator[Holding]:
    """All files of a family, in the order of the sources."""
    ages = [(child, child_months(Person("", child.birth_date))) for child in family.children]
    regions = _regions(family.home)
    for source in AuthenticSource:
        of_home = _competent_months(regions, source)
        of_each = ((child, _common(of_home, months)) for child, months in ages if months)
        known = [(child, months) for child, months in of_each if months]
        if source is AuthenticSource.FLANDERS:
            for one in known:
                yield from _of_group(source, family, [one], chance)
        elif known:
            yield from _of_group(source, family, known, chance)


_Known = tuple[Relative, tuple[MonthRange, ...]]


def _of_group(
    source: AuthenticSource, family: Family, known: Sequence[_Known], chance: Random
) -> Iterator[Holding]:
    federal, operator = source is AuthenticSource.FEDERAL, _operator(source, family.home)
    wholes = known[0][1] if len(known) == 1 else union(m for _, ranges in known for m in ranges)
    for whole in wholes:
        pieces = chance.choice(_PIECES.get(source, _PIECES_ELSEWHERE))
        for months in _cut(whole, pieces, chance):
            children = tuple(
                child for child, ranges in known if any(months.overlaps(r) for r in ranges)
            )
            fund = chance.choice(FUNDS[source])
            number = f"{int(chance.random() * 10**9):09d}"
            yield Holding(
                source=source,
                operator=operator,
                fund=fund,
                number=_file_number(source, fund, number),
                begin=max(months.begin.first_day, children[0].birth_date),
                end=months.end.last_day if months.end <= HORIZON else None,
                months=months,
                children=children,
                mother=family.mother,
                father=family.father if federal else None,
            )


def _file_number(source: AuthenticSource, fund: str, number: str) -> str | None:
    """A number as the source gives it (DOMAIN 6): federally fund, office and file."""
    if source is AuthenticSource.FLANDERS:
        return None
    return f"{fund}{number}" if source is AuthenticSource.FEDERAL else number


def _cut(months: MonthRange, pieces: int, chance: Random) -> Iterator[MonthRange]:
    """The range in so many parts that follow each other, as far as it has months enough."""
    begin, last = months.begin, min(months.end, HORIZON)
    for left in range(pieces - 1, 0, -1):
        length = (last.year - begin.year) * 12 + last.month - begin.month
        if length <= left:
            break
        following = begin.plus(chance.randint(1, length // left))
        yield MonthRange(begin, following.plus(-1))
        begin = following
    yield MonthRange(begin, months.end)


def _operator(source: AuthenticSource, home: Home) -> Operator:
    """Who holds the source since the split; a federal file by its youngest child (DOMAIN 1)."""
    operators = holders(source, CUTOVER)
    return operators[0] if len(operators) == 1 else _archive(_regions(home))


_Regions = tuple[AuthenticSource, date | None, AuthenticSource | None]
"""What competence depends on: the region, the day of moving, the region from then on."""


def _regions(home: Home) -> _Regions:
    return home.region, home.moved, home.later_region


def _common(of_home: Iterable[MonthRange], own: MonthRange) -> tuple[MonthRange, ...]:
    """When a source that is competent at home is competent for a child in its own months."""
    return tuple(both for months in of_home if (both := months.intersection(own)))


# The rules of the domain decide; each combination is asked for once.
@cache
def _competent_months(regions: _Regions, source: AuthenticSource) -> tuple[MonthRange, ...]:
    examples = (_example(regions, birth) for birth in _BIRTHS)
    return union(months for one in examples for months in competent_months(one, source))


@cache
def _archive(regions: _Regions) -> Operator:
    """The archive of every child of the home: all are born too late to pass 25 before 2020."""
    return archive_of_file([_example(regions, _BIRTHS[1])])


_BIRTHS = tuple(date(year, 1, 1) for year in (1990, 2010, 2030))
"""Births of which one or another may be a child in any month that matters."""


def _example(regions: _Regions, birth_date: date) -> Person:
    region, moved, later = regions
    later_nis = MUNICIPALITIES[later][0] if later else None
    home = Home(MUNICIPALITIES[region][0], region, moved, later_nis, later)
    return Person("", birth_date, factors=home.factors(birth_date))
