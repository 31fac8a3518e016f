"""What a customer may ask, and on what ground: identification, deliberations (DOMAIN 5, 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ksz_childbenefits.domain.consultation import (
    Code,
    Identification,
    Information,
    NoResult,
    Question,
    Status,
)
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.question import check_consistency, check_ssin
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import data_filters, least


@dataclass(frozen=True, slots=True)
class Grant:
    """What the deliberations that apply allow together.

    ``earliest`` holds each source allowed, one at least, in the order of the XSD, with the first
    month that may be asked (None: all); ``withheld`` the blocks that each of them comes without.
    """

    earliest: Mapping[AuthenticSource, YearMonth | None]
    withheld: Mapping[AuthenticSource, frozenset[str]]
    inscription_required: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is asked once it is allowed: sources in the order of the results, and their months.

    ``left_out``: sources left out of an open question. ``withheld``: per source asked, the blocks
    of data that it comes without. ``inscription_required``: of the person, for the customer.
    """

    sources: tuple[AuthenticSource, ...]
    left_out: tuple[AuthenticSource, ...]
    months: MonthRange
    withheld: Mapping[AuthenticSource, frozenset[str]]
    inscription_required: bool

    @property
    def data_filters(self) -> tuple[str, ...]:
        """The blocks that the reply names as withheld, whatever is found (DOMAIN 5 and 7)."""
        return data_filters(self.withheld.values())


@dataclass(frozen=True, slots=True)
class Ground:
    """On what ground a question is answered, or why it is not.

    ``day``: the consultation day. ``deliberations``: those that apply, in the order that the
    register gives them; none where the question was refused before they were looked at.
    ``verdict``: what they allow, or the refusal.
    """

    day: date
    deliberations: tuple[Deliberation, ...]
    verdict: Allowed | Status

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers of the deliberations that apply, each once."""
        return tuple(dict.fromkeys(held.number for held in self.deliberations))


def judge(
    question: Question, customer: Customer, held: Iterable[Deliberation], day: date
) -> Ground:
    """The checks of DOMAIN 5 in their order, up to the sources and months allowed.

    ``held``: all deliberations of the customer; ``day``: the consultation day. What needs a
    register of persons, the customer's inscription first, comes after.
    """
    apply: tuple[Deliberation, ...] = ()
    try:
        check_identification(question.identification, customer)
        apply = applying(held, question.legal_context, day)
        check_ssin(question)
        months = check_consistency(question, day)
        return Ground(day, apply, allow(grant(apply, day), question.sources, months))
    except NoResult as refusal:
        return Ground(day, apply, refusal.status)


def check_identification(identification: Identification, customer: Customer) -> None:
    """Raise MSG00014 where what the customer says of itself is not true of it (DOMAIN 7)."""
    if identification.cbe_number is not None:
        said: dict[str, str | None] = {"cbeNumber": identification.cbe_number}
        true = identification.cbe_number == customer.cbe_number
    else:
        sector, institution = identification.sector, identification.institution
        said = {"sector": sector, "institution": institution}
        true = _is(customer.sector, sector) and _is(customer.institution, institution)
    if not true:
        raise NoResult(
            Code.CREDENTIALS,
            *(Information.as_sent(name, text) for name, text in said.items() if text is not None),
        )


def _is(number: int | None, text: str | None) -> bool:
    """Whether the text of an unsignedShort, leading zeros and sign included, is that number."""
    # Compared as text: the XSD limits the number, not its leading zeros, and int() limits these.
    return text is not None and (text.strip().lstrip("+-").lstrip("0") or "0") == str(number)


def applying(
    held: Iterable[Deliberation], legal_context: str, day: date
) -> tuple[Deliberation, ...]:
    """The deliberations that apply in a legal context on the consultation day (DOMAIN 7).

    Raises MSG00013 where none does.
    """
    apply = tuple(d for d in held if d.obstacle(legal_context, day) is None)
    if not apply:
        raise NoResult(Code.LEGAL_CONTEXT, Information.as_sent("legalContext", legal_context))
    return apply


def grant(apply: Sequence[Deliberation], day: date) -> Grant:
    """What deliberations that apply allow together on the consultation day (DOMAIN 7).

    The union of their sources, per source the largest number of months back and the least withheld;
    an inscription only if each demands it.
    """
    of_source = {
        source: given
        for source in AuthenticSource
        if (given := [d for d in apply if source in d.sources])
    }
    now = YearMonth.of(day)
    return Grant(
        {source: _earliest(given, now) for source, given in of_source.items()},
        {source: least([d.withheld for d in given]) for source, given in of_source.items()},
        all(d.inscription_required for d in apply),
    )


def _earliest(deliberations: Iterable[Deliberation], now: YearMonth) -> YearMonth | None:
    back = [d.months_back for d in deliberations]
    return None if None in back else now.plus(-max(months for months in back if months is not None))


def allow(granted: Grant, named: Sequence[AuthenticSource] | None, months: MonthRange) -> Allowed:
    """The sources that are asked for these months, or MSG00027 (DOMAIN 2 and 7).

    Sources named are asked in their order, all or none. When none is named, all that are allowed
    for these months are, in the order of the XSD, and the others are left out.
    """
    if named is not None:
        _refuse_named(granted, named, months)
        return _allowed(granted, tuple(named), (), months)
    sources = tuple(s for s in granted.earliest if not _too_early(granted, s, months))
    if not sources:
        raise _not_before(min(_limits(granted, granted.earliest)))
    left_out = tuple(s for s in AuthenticSource if s not in sources)
    return _allowed(granted, sources, left_out, months)


def _allowed(
    granted: Grant,
    sources: tuple[AuthenticSource, ...],
    left_out: tuple[AuthenticSource, ...],
    months: MonthRange,
) -> Allowed:
    withheld = {source: granted.withheld[source] for source in sources}
    return Allowed(sources, left_out, months, withheld, granted.inscription_required)


def _refuse_named(granted: Grant, named: Sequence[AuthenticSource], months: MonthRange) -> None:
    refused = [source for source in named if source not in granted.earliest]
    if refused:
        raise NoResult(Code.NOT_ALLOWED, *(Information("authenticSource", s) for s in refused))
    if any(_too_early(granted, source, months) for source in named):
        raise _not_before(max(_limits(granted, named)))


def _too_early(granted: Grant, source: AuthenticSource, months: MonthRange) -> bool:
    earliest = granted.earliest[source]
    return earliest is not None and months.begin < earliest


def _limits(granted: Grant, sources: Iterable[AuthenticSource]) -> list[YearMonth]:
    earliest = (granted.earliest[source] for source in sources)
    return [month for month in earliest if month is not None]


def _not_before(month: YearMonth) -> NoResult:
    return NoResult(Code.NOT_ALLOWED, Information("beginMonth", str(month)))
