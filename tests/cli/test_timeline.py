"""The month x source timeline, cell by cell."""

from __future__ import annotations

from datetime import date

import pytest

from ksz_childbenefits.cli.answer import AnsweredFile, SourceAnswer, Verdict
from ksz_childbenefits.cli.timeline import draw, rows
from ksz_childbenefits.domain.files import Bonus, FileMember, Fund, PaymentPeriod
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource


def months(text: str) -> MonthRange:
    begin, end = text.split("..")
    return MonthRange(YearMonth.parse(begin), YearMonth.parse(end))


def period(begin: str, end: str | None = None) -> PaymentPeriod:
    return PaymentPeriod(YearMonth.parse(begin), YearMonth.parse(end) if end else None, "BASIC")


def answer(
    source: str,
    *periods: PaymentPeriod,
    bonuses: tuple[Bonus, ...] = (),
    value: str = "DATA_FOUND",
    code: str = "MSG00000",
) -> SourceAnswer:
    member = FileMember("85073003328", bonuses, periods)
    file = AnsweredFile(Fund(None, "104"), None, None, (member,), ())
    return SourceAnswer(AuthenticSource(source), Verdict(value, code, "", ()), (file,))


def drawn(asked: str, *answers: SourceAnswer, width: int = 80) -> list[str]:
    return [line for line in draw(rows(answers, months(asked)), months(asked), width) if line]


def test_paid_months_and_months_without() -> None:
    assert drawn("2021-01..2021-12", answer("WALLONIA", period("2021-03", "2021-05"))) == [
        "             2021",
        "WALLONIA     ··███·······",
    ]


def test_a_period_reaches_beyond_what_was_asked() -> None:
    # DOMAIN 6: periods that overlap the range are returned whole.
    assert drawn("2021-03..2021-10", answer("FLANDERS", period("2019-01"))) == [
        "             2021",
        "FLANDERS       ████████",
    ]


def test_a_bonus_shows_over_a_payment() -> None:
    birth = Bonus(date(2021, 4, 20), "BIRTH")
    assert drawn("2021-01..2021-06", answer("FLANDERS", period("2021-04"), bonuses=(birth,))) == [
        "             2021",
        "FLANDERS     ···B██",
    ]


def test_a_source_shows_only_in_its_window() -> None:
    # DOMAIN 1: FEDERAL to 2019-12, WALLONIA from 2019-01, BRUSSELS from 2020-01.
    assert drawn("2018-11..2020-02", answer("FEDERAL"), answer("WALLONIA"), answer("BRUSSELS")) == [
        "             2018         2019         2020",
        "FEDERAL                ·· ············",
        "WALLONIA                  ············ ··",
        "BRUSSELS                               ··",
    ]


@pytest.mark.parametrize(
    ("value", "code", "mark"),
    [
        ("TECHNICAL_ERROR", "MSG00002", "!"),
        ("NO_DATA_FOUND", "MSG00021", "-"),
        ("NO_DATA_FOUND", "MSG00100", "·"),
    ],
)
def test_why_there_is_no_payment(value: str, code: str, mark: str) -> None:
    source = SourceAnswer(AuthenticSource.WALLONIA, Verdict(value, code, "", ()), ())
    assert drawn("2021-01..2021-02", source) == ["             2021", f"WALLONIA     {mark * 2}"]


def test_years_go_into_as_many_blocks_as_the_width_needs() -> None:
    lines = drawn("2019-01..2024-12", answer("WALLONIA", period("2019-01")), width=52)
    assert [line for line in lines if "20" in line] == [
        "             2019         2020         2021",
        "             2022         2023         2024",
    ]
    assert max(len(line) for line in lines) == 51


def test_years_before_the_first_payment_are_skipped_where_much_is_asked() -> None:
    lines = drawn("1950-01..2018-12", answer("FEDERAL", period("2016-02", "2016-02")), width=80)
    assert lines == [
        "No payments in the months asked before 2014.",
        "             2014         2015         2016         2017         2018",
        "FEDERAL      ············ ············ ·█·········· ············ ············",
    ]


def test_a_narrow_terminal_gets_a_year_a_line() -> None:
    assert len(drawn("2019-01..2020-12", answer("WALLONIA", period("2019-01")), width=10)) == 4
