"""Short ways to write the values that the tests of the rules need."""

from __future__ import annotations

from datetime import date

from ksz_childbenefits.domain.consultation import Identification, Question
from ksz_childbenefits.domain.files import (
    Bonus,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator

FEDERAL = AuthenticSource.FEDERAL
BRUSSELS = AuthenticSource.BRUSSELS
FLANDERS = AuthenticSource.FLANDERS
WALLONIA = AuthenticSource.WALLONIA
EASTBELGIUM = AuthenticSource.EASTBELGIUM
ALL_SOURCES = (FEDERAL, BRUSSELS, FLANDERS, WALLONIA, EASTBELGIUM)

OPGROEIEN = Operator.OPGROEIEN
ORINT = Operator.ORINT
IRISCARE = Operator.IRISCARE
AVIQ = Operator.AVIQ

ANN, BEN, CAS, DIA = "12031590118", "80010190173", "82010190182", "15061290182"
"""Four numbers that fit the pattern of the contract."""

CITY = {BRUSSELS: "21004", FLANDERS: "11001", WALLONIA: "92094", EASTBELGIUM: "63023"}
"""A municipality of each region whose code never changed: Brussels, Aartselaar, Namur, Eupen."""


def day(text: str) -> date:
    return date.fromisoformat(text)


def month(text: str) -> YearMonth:
    return YearMonth.parse(text)


def months(begin: str, end: str) -> MonthRange:
    return MonthRange(month(begin), month(end))


def home(
    where: AuthenticSource | str, begin: str, end: str = "", factor: int = 1
) -> ConnectingFactor:
    nis = CITY[where] if isinstance(where, AuthenticSource) else where
    return ConnectingFactor(factor, nis, day(begin), day(end) if end else None)


def person(birth: str, *factors: ConnectingFactor, ssin: str = ANN) -> Person:
    return Person(ssin, day(birth), factors=factors)


def line(
    source: AuthenticSource,
    begin: str,
    end: str = "",
    *,
    quality: int = 104,
    phase: int | None = 0,
    sector: int = 7,
    archive: Operator | None = None,
    file_type: FileType = FileType.CHILD_BENEFIT,
) -> RepertoryLine:
    last = day(end) if end else None
    return RepertoryLine(
        ANN, source, None, sector, quality, phase, file_type, archive, day(begin), last
    )


def period(begin: str, end: str = "", category: str = "BASIC", *named: str) -> PaymentPeriod:
    return PaymentPeriod(month(begin), month(end) if end else None, category, named)


def bonus(paid: str, category: str = "BIRTH", *named: str) -> Bonus:
    return Bonus(day(paid), category, named)


def member(ssin: str, *payments: Bonus | PaymentPeriod) -> FileMember:
    return FileMember(
        ssin,
        tuple(p for p in payments if isinstance(p, Bonus)),
        tuple(p for p in payments if isinstance(p, PaymentPeriod)),
    )


def file(
    begin: str,
    end: str = "",
    *,
    fund: str = "0685540471",
    number: str | None = None,
    entitled: str | None = None,
    children: tuple[FileMember, ...] = (FileMember(ANN),),
    beneficiaries: tuple[FileMember, ...] = (),
    file_type: FileType = FileType.CHILD_BENEFIT,
) -> File:
    by_code = len(fund) == 3
    return File(
        file_type,
        day(begin),
        day(end) if end else None,
        Fund(None if by_code else fund, fund if by_code else None),
        number,
        entitled,
        children,
        beneficiaries,
    )


def question(
    begin: str = "2019-01",
    end: str | None = "2019-12",
    *,
    ssin: str = ANN,
    sources: tuple[AuthenticSource, ...] | None = None,
) -> Question:
    return Question(Identification("0200000003"), None, None, "CONTEXT", ssin, begin, end, sources)
