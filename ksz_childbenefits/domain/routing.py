"""Which sources are consulted, over which months, at which operators, and why (DOMAIN 1, 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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
    Without ``operators`` the source is not consulted (MSG00021).
    """

    source: AuthenticSource
    months: MonthRange | None
    operators: tuple[Operator, ...]
    reasons: tuple[Reason, ...]

    @property
    def consulted(self) -> bool:
        """Whether any operator is called for this source."""
        return bool(self.operators)


def plan(
    person: Person,
    lines: Iterable[RepertoryLine],
    asked: Iterable[AuthenticSource],
    months: MonthRange,
    day: date,
) -> tuple[SourceRoute, ...]:
    """The route of each source asked, in the order asked (DOMAIN 2).

    ``lines`` are the repertory lines of the person, ``months`` those asked, ``day`` the
    consultation day. Raises UnknownMunicipality.
    """
    held = tuple(lines)
    return tuple(_route(person, held, source, months, day) for source in asked)


def _route(
    person: Person,
    lines: Sequence[RepertoryLine],
    source: AuthenticSource,
    asked: MonthRange,
    day: date,
) -> SourceRoute:
    months = asked.intersection(WINDOWS[source])
    if months is None:
        text = f"{source} holds {WINDOWS[source]}, nothing of {asked}"
        return SourceRoute(source, None, (), (Reason(Ground.OUTSIDE_WINDOW, text),))
    met = [li for li in lines if li.source is source and months.touches_days(li.begin, li.end)]
    known = [line for line in met if line.routes]
    competent = [part for c in competent_months(person, source) if (part := c.intersection(months))]
    if not (known or competent):
        return SourceRoute(source, months, (), tuple(_against(person, source, months, met)))
    called = dict(_called(person, source, known, bool(competent), day))
    reasons = (*_in_favour(source, known, competent), *called.values())
    return SourceRoute(source, months, tuple(called), reasons)


def _called(
    person: Person,
    source: AuthenticSource,
    known: Sequence[RepertoryLine],
    competent: bool,
    day: date,
) -> Iterator[tuple[Operator, Reason]]:
    """Yield who is called, and why: the holder of the day, or the archives that are concerned."""
    holding = holders(source, day)
    if len(holding) == 1:
        yield holding[0], Reason(Ground.HOLDER, f"{holding[0]} holds {source} on {day}")
        return
    by_line = {line.archive for line in known}
    as_child = any(line.quality == CHILD_QUALITY for line in known)
    by_domicile = archive_of_child(person) if competent and not as_child else None
    for archive in holding:
        # A line that names no archive cannot tell where its file went: it is looked for in both.
        if archive in by_line or None in by_line:
            text = f"{archive} is the federal archive of those lines"
            yield archive, Reason(Ground.ARCHIVE_OF_LINE, text)
        elif archive is by_domicile:
            text = f"{archive} holds a child whose last federal month was there, by its domicile"
            yield archive, Reason(Ground.ARCHIVE_OF_DOMICILE, text)


def _in_favour(
    source: AuthenticSource, known: Iterable[RepertoryLine], competent: Sequence[MonthRange]
) -> Iterator[Reason]:
    if competent:
        ranges = ", ".join(str(months) for months in competent)
        text = f"{source} is competent for the person, as a child, in {ranges}"
        yield Reason(Ground.COMPETENT, text)
    for line in known:
        role = f"{ROUTING_ROLES[line.quality]} (quality {line.quality})"
        days = f"from {line.begin}" + (f" to {line.end}" if line.end else ", still active")
        yield Reason(Ground.KNOWN, f"known at {source} as {role}, {line.file_type}, {days}")


def _against(
    person: Person, source: AuthenticSource, months: MonthRange, met: Iterable[RepertoryLine]
) -> Iterator[Reason]:
    child = child_months(person)
    if child is None or not child.overlaps(months):
        text = f"the person may not be a child in any month of {months}"
    else:
        text = f"the domicile makes {source} competent in no month of {months}"
    yield Reason(Ground.NOT_COMPETENT, text)
    for line in met:
        text = f"a line of quality {line.quality}, phase {line.phase} leads to no source"
        yield Reason(Ground.NEVER_ROUTES, text)
    yield Reason(Ground.NOT_KNOWN, f"no line that leads to {source} meets {months}")
