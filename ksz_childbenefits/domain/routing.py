"""Which sources are consulted, over which months, at which operators, and why (DOMAIN 1, 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from ksz_childbenefits.domain.archives import archive_of_child
from ksz_childbenefits.domain.competence import child_months, competent_months
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.persons import (
    CHILD_QUALITY,
    ROUTING_ROLES,
    Person,
    RepertoryLine,
)
from ksz_childbenefits.domain.sources import WINDOWS, AuthenticSource, Operator, holders


class Ground(StrEnum):
    """Why a source is consulted, or is not."""

    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    COMPETENT = "COMPETENT"
    KNOWN = "KNOWN"
    NOT_COMPETENT = "NOT_COMPETENT"
    NOT_KNOWN = "NOT_KNOWN"
    NEVER_ROUTES = "NEVER_ROUTES"
    HOLDER = "HOLDER"
    ARCHIVE_OF_LINE = "ARCHIVE_OF_LINE"
    ARCHIVE_OF_DOMICILE = "ARCHIVE_OF_DOMICILE"


CITATIONS: dict[Ground, str] = {
    Ground.OUTSIDE_WINDOW: "DOMAIN 1, window of the source",
    Ground.COMPETENT: "DOMAIN 2, route: competent by domicile",
    Ground.KNOWN: "DOMAIN 2, route: known in the repertory",
    Ground.NOT_COMPETENT: "DOMAIN 1, competence by domicile",
    Ground.NOT_KNOWN: "DOMAIN 2, integration at the source",
    Ground.NEVER_ROUTES: "DOMAIN 2, quality codes",
    Ground.HOLDER: "DOMAIN 1, cadastre on the consultation day",
    Ground.ARCHIVE_OF_LINE: "DOMAIN 1, archive named by the line",
    Ground.ARCHIVE_OF_DOMICILE: "DOMAIN 1, archive of the last federal month",
}
"""The rule behind each ground."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A ground with its words for a person; they hold no SSIN."""

    ground: Ground
    text: str

    @property
    def citation(self) -> str:
        """The rule that the ground stands on."""
        return CITATIONS[self.ground]


@dataclass(frozen=True, slots=True)
class SourceRoute:
    """What happens to one source asked.

    ``months`` is the call's range, None where the source's window does not meet the months asked.
    Without ``operators`` the source is not consulted (MSG00021). ``why`` gives the reasons.
    """

    source: AuthenticSource
    months: MonthRange | None
    operators: tuple[Operator, ...]
    why: Callable[[], Iterable[Reason]] = field(repr=False, compare=False)

    @property
    def consulted(self) -> bool:
        """Whether any operator is called for this source."""
        return bool(self.operators)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """In favour, or against; found when asked for, since answering a request takes none."""
        return tuple(self.why())


def plan(
    person: Person,
    lines: Iterable[RepertoryLine],
    asked: Iterable[AuthenticSource],
    months: MonthRange,
    day: date,
) -> tuple[SourceRoute, ...]:
    """The route of each source asked, in the order asked (DOMAIN 2).

    ``lines`` are the repertory lines of the person, ``months`` those asked, ``day`` the
    consultation day. Raises UnknownMunicipality where a domicile decides.
    """
    held = tuple(lines)
    return tuple([_route(person, held, source, months, day) for source in asked])


def _route(
    person: Person,
    lines: Sequence[RepertoryLine],
    source: AuthenticSource,
    asked: MonthRange,
    day: date,
) -> SourceRoute:
    months = asked.intersection(WINDOWS[source])
    if months is None:
        return SourceRoute(source, None, (), lambda: (_outside_window(source, asked),))
    case = _Case(person, lines, source, months, day)
    return SourceRoute(source, months, tuple([o for o, _ in case.called()]), case.reasons)


def _outside_window(source: AuthenticSource, asked: MonthRange) -> Reason:
    text = f"{source} holds {WINDOWS[source]}, nothing of {asked}"
    return Reason(Ground.OUTSIDE_WINDOW, text)


class _Case:
    """A source that holds some of the months asked: each rule is looked at once, if it decides."""

    def __init__(
        self,
        person: Person,
        lines: Sequence[RepertoryLine],
        source: AuthenticSource,
        months: MonthRange,
        day: date,
    ) -> None:
        self._person = person
        self._source = source
        self._months = months
        self._day = day
        self._met = [
            line
            for line in lines
            if line.source is source and months.touches_days(line.begin, line.end)
        ]
        self._known = [line for line in self._met if line.routes]

    @cached_property
    def _competent(self) -> list[MonthRange]:
        every = competent_months(self._person, self._source)
        return [part for months in every if (part := months.intersection(self._months))]

    def called(self) -> Iterator[tuple[Operator, Ground]]:
        """Yield who is called, and on what ground.

        The holder of the day, or the archives that are concerned.
        """
        if not (self._known or self._competent):
            return
        holding = holders(self._source, self._day)
        if len(holding) == 1:
            yield holding[0], Ground.HOLDER
            return
        by_line = {line.archive for line in self._known}
        as_child = any(line.quality == CHILD_QUALITY for line in self._known)
        by_domicile = archive_of_child(self._person) if self._competent and not as_child else None
        for archive in holding:
            # A line that names no archive cannot tell where its file went: look in both.
            if archive in by_line or None in by_line:
                yield archive, Ground.ARCHIVE_OF_LINE
            elif archive is by_domicile:
                yield archive, Ground.ARCHIVE_OF_DOMICILE

    def reasons(self) -> Iterator[Reason]:
        """In words for a person: why these are called, or why nobody is."""
        if not (self._known or self._competent):
            yield from self._against()
            return
        yield from self._in_favour()
        words = {
            Ground.HOLDER: f"holds {self._source} on {self._day}",
            Ground.ARCHIVE_OF_LINE: "is the federal archive of those lines",
            Ground.ARCHIVE_OF_DOMICILE: "holds a child whose last federal month was there, "
            "by its domicile",
        }
        for operator, ground in self.called():
            yield Reason(ground, f"{operator} {words[ground]}")

    def _in_favour(self) -> Iterator[Reason]:
        source = self._source
        if self._competent:
            ranges = ", ".join(str(months) for months in self._competent)
            text = f"{source} is competent for the person, as a child, in {ranges}"
            yield Reason(Ground.COMPETENT, text)
        for line in self._known:
            role = f"{ROUTING_ROLES[line.quality]} (quality {line.quality})"
            days = f"from {line.begin}" + (f" to {line.end}" if line.end else ", still active")
            yield Reason(Ground.KNOWN, f"known at {source} as {role}, {line.file_type}, {days}")

    def _against(self) -> Iterator[Reason]:
        child, months = child_months(self._person), self._months
        if child is None or not child.overlaps(months):
            text = f"the person may not be a child in any month of {months}"
        else:
            text = f"the domicile makes {self._source} competent in no month of {months}"
        yield Reason(Ground.NOT_COMPETENT, text)
        for line in self._met:
            text = f"a line of quality {line.quality}, phase {line.phase} leads to no source"
            yield Reason(Ground.NEVER_ROUTES, text)
        yield Reason(Ground.NOT_KNOWN, f"no line that leads to {self._source} meets {months}")
