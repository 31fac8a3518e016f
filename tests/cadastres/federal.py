"""Persons, federal files and lines whose archive follows by hand from DOMAIN 1."""

from __future__ import annotations

from datetime import date

from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.cadastres.holdings import file
from tests.registers.numbers import MILA, NOOR, OTHER_PARENT, OTIS, PARENT

ORINT, AVIQ, IRISCARE = Operator.ORINT, Operator.AVIQ, Operator.IRISCARE
ALL_MONTHS = MonthRange(YearMonth(1900, 1), YearMonth(2999, 12))


def home(nis: str, begin: date, end: date | None = None) -> ConnectingFactor:
    return ConnectingFactor(1, nis, begin, end)


PERSONS = [
    # Brussels to 2019-05-31, then Namur: last federal month 2019-05, so Iriscare.
    Person(
        NOOR,
        date(2012, 3, 15),
        factors=(
            home("21004", date(2012, 3, 15), date(2019, 5, 31)),
            home("92094", date(2019, 6, 1)),
        ),
    ),
    # Ghent: last federal month 2018-12, not in Brussels, so AVIQ.
    Person(OTIS, date(2014, 7, 2), factors=(home("44021", date(2014, 7, 2)),)),
    # Brussels throughout: last federal month 2019-12, so Iriscare.
    Person(MILA, date(2016, 1, 10), factors=(home("21001", date(2016, 1, 10)),)),
    # 25 years old in 2005: last federal month 2004-12, in Brussels, so Iriscare.
    Person(PARENT, date(1980, 1, 1), factors=(home("21009", date(1980, 1, 1)),)),
    # Never domiciled anywhere, so AVIQ.
    Person(OTHER_PARENT, date(1981, 2, 2)),
]
OF_NOOR = file([NOOR], date(2012, 4, 1), date(2019, 5, 31), beneficiaries=[PARENT])
OF_OTIS = file([OTIS], date(2014, 8, 1), date(2018, 12, 31), beneficiaries=[PARENT])
LINE = RepertoryLine(
    ssin=PARENT,
    source=AuthenticSource.FEDERAL,
    customer=None,
    sector=7,
    quality=102,
    phase=0,
    file_type=FileType.CHILD_BENEFIT,
    archive=None,
    begin=OF_NOOR.begin,
    end=OF_NOOR.end,
)
