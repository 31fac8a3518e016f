"""A reply as values: zeep's objects read once, for the tables and the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zeep import helpers

from ksz_childbenefits.domain.files import Bonus, Description, FileMember, Fund, PaymentPeriod
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource


@dataclass(frozen=True, slots=True)
class Verdict:
    """A global or source status, as it came: information is names with values."""

    value: str
    code: str
    description: str
    information: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AnsweredFile:
    """A file as the wire has it."""

    fund: Fund
    number: str | None
    entitled_person: str | None
    children: tuple[FileMember, ...]
    beneficiaries: tuple[FileMember, ...]


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What one authentic source gave."""

    source: AuthenticSource
    verdict: Verdict
    files: tuple[AnsweredFile, ...]

    def members(self) -> Iterable[FileMember]:
        """Children and beneficiaries of all files."""
        return (m for file in self.files for m in (*file.children, *file.beneficiaries))


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: its status and, unless that is NO_RESULT, an answer for each source asked.

    ``withheld``: the blocks of data that the customer may not see.
    """

    ticket_cbss: str
    verdict: Verdict
    withheld: tuple[str, ...]
    sources: tuple[SourceAnswer, ...]


def read_answer(reply: Any) -> Answer:
    """Read zeep's consultFilesBySsinResponse."""
    results = reply.results.resultByAuthenticSource if reply.results else ()
    return Answer(
        ticket_cbss=reply.informationCBSS.ticketCBSS,
        verdict=_verdict(reply.status),
        withheld=tuple(reply.dataFilters.filteredElement if reply.dataFilters else ()),
        sources=tuple(_source(result) for result in results),
    )


def as_json(reply: Any) -> Any:
    """The reply with the names of the wire, in what JSON knows; absent elements are left out.

    Months are ``YYYY-MM``, days and points in time ISO 8601; a simple content with attributes
    has its text under ``value``.
    """
    untyped: Any = helpers.serialize_object
    return _plain(untyped(reply, dict))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        named = {"value" if name == "_value_1" else name: _plain(v) for name, v in value.items()}
        return {name: content for name, content in named.items() if content not in (None, [])}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return str(_month(value))
    return value.isoformat() if hasattr(value, "isoformat") else value


def _verdict(status: Any) -> Verdict:
    return Verdict(
        value=status.value,
        code=status.code,
        description=status.description or "",
        information=tuple((i.fieldName, i.fieldValue or "") for i in status.information),
    )


def _source(result: Any) -> SourceAnswer:
    files = result.files.file if result.files else ()
    return SourceAnswer(
        source=AuthenticSource(result.authenticSource),
        verdict=_verdict(result.status),
        files=tuple(_file(file) for file in files),
    )


def _file(file: Any) -> AnsweredFile:
    return AnsweredFile(
        fund=_fund(file.childBenefitsFund),
        number=file.fileNumber,
        entitled_person=file.entitledPersonSsin,
        children=_members(file.children.child if file.children else ()),
        beneficiaries=_members(file.beneficiaries.beneficiary if file.beneficiaries else ()),
    )


def _fund(fund: Any) -> Fund:
    texts = tuple(Description(d.language or "", d._value_1) for d in fund.description)
    return Fund(fund.enterpriseNumber, fund.code, texts)


def _members(members: Iterable[Any]) -> tuple[FileMember, ...]:
    return tuple(
        FileMember(
            ssin=member.ssin,
            bonuses=tuple(_bonus(b) for b in (member.bonuses.bonus if member.bonuses else ())),
            periods=tuple(
                _period(p)
                for p in (member.paymentPeriods.paymentPeriod if member.paymentPeriods else ())
            ),
        )
        for member in members
    )


def _bonus(bonus: Any) -> Bonus:
    return Bonus(bonus.paymentDate, bonus.category.code, _receivers(bonus))


def _period(period: Any) -> PaymentPeriod:
    return PaymentPeriod(
        begin=_month(period.beginMonth),
        end=_month(period.endMonth) if period.endMonth else None,
        category=period.category.code,
        beneficiaries=_receivers(period),
    )


def _receivers(payment: Any) -> tuple[str, ...]:
    """The beneficiaries that a child's bonus or period names (FLANDERS only)."""
    named = getattr(payment, "beneficiaries", None)
    return tuple(named.beneficiary) if named else ()


def _month(value: tuple[int, int, object]) -> YearMonth:
    """A gYearMonth as zeep has it: year, month, zone; the zone says nothing (DOMAIN 4)."""
    return YearMonth(value[0], value[1])
