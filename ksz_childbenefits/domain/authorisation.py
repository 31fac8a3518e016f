"""What a customer may ask: identification, deliberations, sources and months (DOMAIN 5, 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ksz_childbenefits.domain.consultation import Code, Identification, Information, NoResult
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource


@dataclass(frozen=True, slots=True)
class Grant:
    """What the deliberations that apply allow together.

    ``earliest`` holds each source allowed, one at least, in the order of the XSD, with the first
    month that may be asked (None: all).
    """

    earliest: Mapping[AuthenticSource, YearMonth | None]
    inscription_required: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """The sources asked, in the order of the results, and those left out of an open question."""

    sources: tuple[AuthenticSource, ...]
    left_out: tuple[AuthenticSource, ...] = ()


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


def grant(deliberations: Iterable[Deliberation], legal_context: str, day: date) -> Grant:
    """What a customer's deliberations allow in a legal context on the consultation day (DOMAIN 7).

    The union of their sources, per source the largest number of months back; an inscription only
    if each demands it. Raises MSG00013 where none applies.
    """
    apply = [d for d in deliberations if legal_context in d.legal_contexts and d.valid_on(day)]
    if not apply:
        raise NoResult(Code.LEGAL_CONTEXT, Information.as_sent("legalContext", legal_context))
    return Grant(
        {
            source: _earliest([d for d in apply if source in d.sources], YearMonth.of(day))
            for source in AuthenticSource
            if any(source in d.sources for d in apply)
        },
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
        return Allowed(tuple(named))
    sources = tuple(s for s in granted.earliest if not _too_early(granted, s, months))
    if not sources:
        raise _not_before(min(_limits(granted, granted.earliest)))
    return Allowed(sources, tuple(s for s in AuthenticSource if s not in sources))


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
