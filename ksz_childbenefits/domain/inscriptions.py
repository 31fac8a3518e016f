"""Who writes which part of the person repertory, and which lines go together (DOMAIN 2).

Each part has one writer on a day: the lines of a source are written by the operator that holds it,
FEDERAL ones since the split by their archive, and a customer's inscriptions by the customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ksz_childbenefits.domain import tickets
from ksz_childbenefits.domain.authorisation import check_identification
from ksz_childbenefits.domain.consultation import Code, Identification, Information, NoResult
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator, holders

MAX_LINES = 1000
"""How many lines one call registers, closes or lists."""

_DAY = re.compile(r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")


class Operation(StrEnum):
    """What the maintenance service does."""

    REGISTER = "registerInscriptions"
    CLOSE = "closeInscriptions"
    LIST = "listInscriptions"


@dataclass(frozen=True, slots=True)
class Maintainer:
    """An operator that calls; ``cbe_numbers``: those that its certificate names."""

    operator: Operator
    cbe_numbers: frozenset[str]


Writer = Customer | Maintainer
"""Who may write into the person repertory."""


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a source (of one archive where two share it), or a customer's inscriptions."""

    source: AuthenticSource | None = None
    customer: str | None = None
    archive: Operator | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """What a call says of itself, as sent (it is echoed as it came)."""

    identification: Identification
    ticket: str | None
    timestamp_sent: str | None
    legal_context: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A line as sent; its days are texts, because XSD knows days that the calendar does not."""

    ssin: str
    sector: int
    quality: int
    phase: int | None
    file_type: FileType | None
    archive: Operator | None
    begin: str
    end: str | None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A call to register or close lines, 1 to 1,000, of a source or of the customer itself."""

    operation: Operation
    sender: Sender
    source: AuthenticSource | None
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A call to list one number's lines, on any day or those that meet a period (as sent)."""

    sender: Sender
    source: AuthenticSource | None
    ssin: str
    begin: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call ended: OK with MSG00000 or MSG00100, NOK with any other code."""

    code: Code
    information: tuple[Information, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all that was asked is done."""
        return self.code in (Code.SUCCESS, Code.NO_DATA)


class HeldLine(NamedTuple):
    """A line of the repertory with its number there."""

    number: int
    line: RepertoryLine


def check_sender(identification: Identification, writer: Writer) -> None:
    """Raise MSG00014 where what the caller says of itself is not true of it (DOMAIN 7).

    A customer is what the register says; an operator names a CBE number of its certificate.
    """
    if isinstance(writer, Customer):
        check_identification(identification, writer)
    elif identification.cbe_number not in writer.cbe_numbers:
        said = {
            "cbeNumber": identification.cbe_number,
            "sector": identification.sector,
            "institution": identification.institution,
        }
        raise NoResult(
            Code.CREDENTIALS,
            *(Information.as_sent(name, text) for name, text in said.items() if text is not None),
        )


def part_of(writer: Writer, source: AuthenticSource | None, day: date) -> Part:
    """The part that the writer may write on the consultation day ``day``, or MSG00027 (DOMAIN 2).

    An operator names a source that it holds that day; a customer names none: the part is its own.
    """
    if isinstance(writer, Customer):
        if source is None:
            return Part(customer=writer.name)
    elif source is not None and writer.operator in holders(source, day):
        shared = len(holders(source, day)) > 1
        return Part(source=source, archive=writer.operator if shared else None)
    raise NoResult(Code.NOT_ALLOWED, Information("authenticSource", source or "missing"))


def ticket_kept(ticket: str | None) -> str:
    """The ticket as it is stored (DOMAIN 5).

    Raises MSG00008 where there is none: without it a call could not be repeated safely.
    """
    if not ticket:
        raise NoResult(Code.INVALID_DATA, Information("ticket", "missing"))
    return tickets.stored(ticket)


def day_of(text: str) -> date:
    """The day that an xs:date names; a zone is ignored. ValueError outside 1900 to 2999."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError("no day of the calendar")
    day = date.fromisoformat(match["day"])
    YearMonth.of(day)  # refuses what the months of DOMAIN 4 do not reach
    return day


def line_of(draft: Draft, part: Part) -> RepertoryLine:
    """The draft as a line of the part; ValueError where its days are none of the calendar."""
    return RepertoryLine(
        ssin=draft.ssin,
        source=part.source,
        customer=part.customer,
        sector=draft.sector,
        quality=draft.quality,
        phase=draft.phase,
        file_type=draft.file_type,
        archive=draft.archive,
        begin=day_of(draft.begin),
        end=None if draft.end is None else day_of(draft.end),
    )


def overlaps(lines: Sequence[RepertoryLine], held: Iterable[RepertoryLine]) -> set[int]:
    """Which of the new lines share a day with an equal one: with any held, or one before them.

    Equal: the same person in the same sector, quality, phase and type of file, as in an import.
    Before: that begins earlier, or on the same day and stands earlier in the list.
    """
    numbered = [*((-1, line) for line in held), *enumerate(lines)]
    known = ((_equality(line), line.begin, i, line.end or date.max) for i, line in numbered)
    found: set[int] = set()
    equality, reach = None, date.min
    unmet: list[tuple[int, date]] = []
    for key, begin, index, end in sorted(known):
        if key != equality:
            equality, reach, unmet = key, date.min, []
        if index < 0:
            # Who ends before this one begins meets none that is held later on either.
            found.update(new for new, last in unmet if begin <= last)
            unmet = []
        else:
            if begin <= reach:
                found.add(index)
            unmet.append((index, end))
        reach = max(reach, end)
    return found


def _equality(line: RepertoryLine) -> tuple[str, int, int, int, str]:
    phase = -1 if line.phase is None else line.phase
    return line.ssin, line.sector, line.quality, phase, line.file_type or ""


class Closings:
    """The lines held, being closed one after the other."""

    def __init__(self, held: Iterable[HeldLine]) -> None:
        """``held``: all that could be meant."""
        self.ends: dict[int, date | None] = {}
        self._held: dict[tuple[object, ...], list[HeldLine]] = {}
        for one in held:
            self._held.setdefault((*_equality(one.line), one.line.begin), []).append(one)

    def knows(self, line: RepertoryLine) -> bool:
        """Whether there is an equal line with the same begin."""
        return bool(self._meant(line))

    def close(self, line: RepertoryLine) -> bool:
        """End what is equal and begins that day; whether anything was still open."""
        still_open = [
            one.number
            for one in self._meant(line)
            if one.line.end is None and one.number not in self.ends
        ]
        self.ends.update(dict.fromkeys(still_open, line.end))
        return bool(still_open)

    def _meant(self, line: RepertoryLine) -> Sequence[HeldLine]:
        return self._held.get((*_equality(line), line.begin), ())
