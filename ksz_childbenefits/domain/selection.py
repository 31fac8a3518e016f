"""What of a source's files is returned, in which order, and at most how much (DOMAIN 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from ksz_childbenefits.domain.files import Bonus, File, FileMember, PaymentPeriod
from ksz_childbenefits.domain.months import LAST_MONTH, MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource

_Payment = TypeVar("_Payment", Bonus, PaymentPeriod)

LIMIT = 100
"""The most files, children, beneficiaries, bonuses or periods that one list holds (CONTRACT)."""

ELEMENTS = ("file", "beneficiary", "bonus", "paymentPeriod", "child")
"""The elements that are limited, in the order of the XSD (CONTRACT, cbc)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Files as they are returned, and the names of the elements of which some were left out."""

    files: tuple[File, ...]
    truncated: tuple[str, ...] = ()


def select(files: Iterable[File], months: MonthRange, source: AuthenticSource) -> Selection:
    """Of the files that a source holds, those to return for the call's range (DOMAIN 5, 6).

    A file counts when its validity overlaps the range, whole, with the periods that overlap the
    range and the bonuses paid in it; the lists are in order and cut at the limit.
    """
    found = [in_range(f, months, source) for f in files if months.touches_days(f.begin, f.end)]
    kept = sorted(found, key=_file_order)[-LIMIT:]
    cut = {"file"} if len(found) > LIMIT else set()
    cut.update(name for file in kept for name in _too_long(file))
    truncated = tuple(name for name in ELEMENTS if name in cut)
    return Selection(tuple(_as_returned(file, source) for file in kept), truncated)


def in_range(file: File, months: MonthRange, source: AuthenticSource) -> File:
    """The file with, of each list, what belongs to the range, in order, not yet limited.

    In FLANDERS what beneficiaries are shown with comes from the child alone: empty until then.
    """
    children = [_member(member, months) for member in file.children]
    if source is AuthenticSource.FLANDERS:
        beneficiaries = [FileMember(member.ssin) for member in file.beneficiaries]
    else:
        beneficiaries = [_member(member, months) for member in file.beneficiaries]
    return _with_members(file, sorted(children, key=_by_ssin), sorted(beneficiaries, key=_by_ssin))


def _with_members(
    file: File, children: Iterable[FileMember], beneficiaries: Iterable[FileMember]
) -> File:
    """The file with others in it; ``replace`` would look its fields up each time."""
    return File(
        file.type,
        file.begin,
        file.end,
        file.fund,
        file.file_number,
        file.entitled_person,
        tuple(children),
        tuple(beneficiaries),
    )


def _member(member: FileMember, months: MonthRange) -> FileMember:
    begin, end = months.begin, months.end
    first, last = begin.first_day, end.last_day
    bonuses = [_in_order(b) for b in member.bonuses if first <= b.payment_date <= last]
    periods = [
        _in_order(p) for p in member.periods if p.begin <= end and (p.end is None or p.end >= begin)
    ]
    bonuses.sort(key=_bonus_order)
    periods.sort(key=_period_order)
    return FileMember(member.ssin, tuple(bonuses), tuple(periods))


def _in_order(payment: _Payment) -> _Payment:
    """With the beneficiaries that it names by their numbers; most name one at most."""
    if len(payment.beneficiaries) < 2:
        return payment
    return payment._replace(beneficiaries=tuple(sorted(payment.beneficiaries)))


def _as_returned(file: File, source: AuthenticSource) -> File:
    children = tuple(_limited(child) for child in file.children[:LIMIT])
    beneficiaries = tuple(_limited(member) for member in file.beneficiaries[:LIMIT])
    if source is AuthenticSource.FLANDERS:
        # After the limit, so that a beneficiary never shows more than the child it is copied from.
        beneficiaries = tuple(_copied(member.ssin, children) for member in beneficiaries)
    return _with_members(file, children, beneficiaries)


def _limited(member: FileMember) -> FileMember:
    if len(member.bonuses) <= LIMIT and len(member.periods) <= LIMIT:
        return member
    return member._replace(bonuses=member.bonuses[-LIMIT:], periods=member.periods[-LIMIT:])


def _copied(ssin: str, children: Sequence[FileMember]) -> FileMember:
    """A beneficiary in FLANDERS: exactly those of the child's payments that name it (DOMAIN 6)."""
    bonuses = (b for child in children for b in child.bonuses if ssin in b.beneficiaries)
    periods = (p for child in children for p in child.periods if ssin in p.beneficiaries)
    return FileMember(
        ssin,
        tuple(b._replace(beneficiaries=()) for b in bonuses),
        tuple(p._replace(beneficiaries=()) for p in periods),
    )


def _too_long(file: File) -> Iterator[str]:
    members = (*file.beneficiaries[:LIMIT], *file.children[:LIMIT])
    if len(file.beneficiaries) > LIMIT:
        yield "beneficiary"
    if any(len(member.bonuses) > LIMIT for member in members):
        yield "bonus"
    if any(len(member.periods) > LIMIT for member in members):
        yield "paymentPeriod"
    if len(file.children) > LIMIT:
        yield "child"


def _file_order(file: File) -> tuple[date, str, str, str, str, date]:
    """Begin, fund, number, first child; then type and end, where two files share all of these."""
    first_child = file.children[0].ssin if file.children else ""
    number = file.file_number or ""
    return file.begin, file.fund.number, number, first_child, file.type, file.end or date.max


def _bonus_order(bonus: Bonus) -> tuple[date, str, tuple[str, ...]]:
    return bonus.payment_date, bonus.category, bonus.beneficiaries


def _period_order(period: PaymentPeriod) -> tuple[YearMonth, str, YearMonth, bool, tuple[str, ...]]:
    end, is_open = period.end or LAST_MONTH, period.end is None
    return period.begin, period.category, end, is_open, period.beneficiaries


def _by_ssin(member: FileMember) -> str:
    return member.ssin
