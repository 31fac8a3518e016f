"""Number, months, inscription, register (DOMAIN 4 and 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ksz_childbenefits.domain.consultation import Code, NoResult, SsinNotice, StatusValue
from ksz_childbenefits.domain.persons import SsinStatus
from ksz_childbenefits.domain.question import (
    check_consistency,
    check_inscription,
    check_register,
    check_ssin,
)
from tests.domain.makers import ANN, BEN, BRUSSELS, DIA, FLANDERS, WALLONIA, day, months, person
from tests.domain.makers import question as asked

TODAY = day("2024-06-15")


def refusal(raised: pytest.ExceptionInfo[NoResult]) -> tuple[Code, list[tuple[str, str]]]:
    status = raised.value.status
    assert status.value is StatusValue.NO_RESULT
    return status.code, [(i.name, i.value) for i in status.information]


def test_a_number_with_its_check_digits_passes() -> None:
    check_ssin(asked(ssin=ANN))


@pytest.mark.parametrize("ssin", ["12031590100", "12031590119", "01022990139"])
def test_a_number_that_cannot_be_is_msg00011(ssin: str) -> None:
    with pytest.raises(NoResult) as raised:
        check_ssin(asked(ssin=ssin))
    assert refusal(raised) == (Code.SSIN_INVALID, [("ssin", ssin)])
    assert raised.value.notice is None


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("2019-01", "2019-12", ("2019-01", "2019-12")),
        ("2019-01", "2019-01", ("2019-01", "2019-01")),
        ("2019-01", None, ("2019-01", "2024-06")),  # the month of the consultation day
        ("2024-06", None, ("2024-06", "2024-06")),
        ("1950-01", "2999-12", ("1950-01", "2999-12")),
        ("1900-01", None, ("1900-01", "2024-06")),
        ("2030-01", "2031-01", ("2030-01", "2031-01")),  # months in the future are valid
        ("2024-01Z", "2024-03+01:00", ("2024-01", "2024-03")),  # zones are ignored
        ("2024-01-14:00", "2024-01+14:00", ("2024-01", "2024-01")),
        ("2024-06Z", None, ("2024-06", "2024-06")),
    ],
)
def test_the_months_asked(begin: str, end: str | None, expected: tuple[str, str]) -> None:
    assert check_consistency(asked(begin, end), TODAY) == months(*expected)


@pytest.mark.parametrize(
    ("begin", "end", "information"),
    [
        # begin after the end that results: beginMonth, and endMonth where sent
        ("2024-02", "2024-01", [("beginMonth", "2024-02"), ("endMonth", "2024-01")]),
        ("2024-02Z", "2024-01Z", [("beginMonth", "2024-02Z"), ("endMonth", "2024-01Z")]),
        ("2024-07", None, [("beginMonth", "2024-07")]),
        # years outside 1900-2999
        ("1899-12", "2024-01", [("beginMonth", "1899-12")]),
        ("1899-12", None, [("beginMonth", "1899-12")]),
        ("2024-01", "3000-01", [("endMonth", "3000-01")]),
        ("3000-01", "3000-02", [("beginMonth", "3000-01"), ("endMonth", "3000-02")]),
        ("3000-01", "2024-02", [("beginMonth", "3000-01")]),
        ("-2019-01", "2019-02", [("beginMonth", "-2019-01")]),
        ("0000-01", "2019-02", [("beginMonth", "0000-01")]),
        ("2019-01", "12019-01+01:00", [("endMonth", "12019-01+01:00")]),
        ("9" * 5000 + "-01", "2019-02", [("beginMonth", "9" * 256)]),
    ],
)
def test_months_that_cannot_be_asked_are_msg00008(
    begin: str, end: str | None, information: list[tuple[str, str]]
) -> None:
    with pytest.raises(NoResult) as raised:
        check_consistency(asked(begin, end), TODAY)
    assert refusal(raised) == (Code.INVALID_DATA, information)


def test_the_day_decides_what_now_is() -> None:
    assert check_consistency(asked("2023-12", None), day("2023-12-31")).end.month == 12
    with pytest.raises(NoResult):
        check_consistency(asked("2024-01", None), day("2023-12-31"))


def test_the_same_source_twice_is_msg00008() -> None:
    with pytest.raises(NoResult) as raised:
        check_consistency(asked(sources=(WALLONIA, FLANDERS, WALLONIA)), TODAY)
    assert refusal(raised) == (Code.INVALID_DATA, [("authenticSource", "WALLONIA")])


def test_each_source_named_twice_is_said_once() -> None:
    of = asked("2024-02", "2024-01", sources=(WALLONIA, FLANDERS, FLANDERS, WALLONIA, WALLONIA))
    with pytest.raises(NoResult) as raised:
        check_consistency(of, TODAY)
    assert refusal(raised)[1] == [
        ("beginMonth", "2024-02"),
        ("endMonth", "2024-01"),
        ("authenticSource", "WALLONIA"),
        ("authenticSource", "FLANDERS"),
    ]


def test_each_source_once_passes() -> None:
    assert check_consistency(asked(sources=(WALLONIA, BRUSSELS)), TODAY)


def test_without_an_inscription_msg00012_in_this_order() -> None:
    check_inscription(True, ANN, "0200000003")
    with pytest.raises(NoResult) as raised:
        check_inscription(False, ANN, "0200000003")
    code, information = refusal(raised)
    assert code is Code.NOT_INTEGRATED_CUSTOMER
    assert [name for name, _ in information] == ["details", "ssin", "cbeNumber"]
    assert information[1:] == [("ssin", ANN), ("cbeNumber", "0200000003")]
    assert raised.value.notice is None


def test_an_existing_number_is_the_person() -> None:
    ann = person("2012-03-15")
    assert check_register(ANN, ann, ANN) is ann


def test_a_number_that_the_register_does_not_hold_is_msg00005() -> None:
    with pytest.raises(NoResult) as raised:
        check_register(ANN, None, ANN)
    assert refusal(raised) == (Code.SSIN_UNKNOWN, [("ssin", ANN)])
    assert raised.value.notice is None


def test_a_replaced_number_is_msg00006_with_the_final_number_of_the_chain() -> None:
    replaced = replace(person("2012-03-15"), status=SsinStatus.REPLACED, replaced_by=BEN)
    with pytest.raises(NoResult) as raised:
        check_register(ANN, replaced, DIA)
    assert refusal(raised) == (Code.SSIN_REPLACED, [("newSSIN", DIA)])
    assert raised.value.notice == SsinNotice(ANN, replaced_by=DIA)


def test_a_cancelled_number_is_msg00007() -> None:
    cancelled = replace(person("2012-03-15"), status=SsinStatus.CANCELLED)
    with pytest.raises(NoResult) as raised:
        check_register(ANN, cancelled, ANN)
    assert refusal(raised) == (Code.SSIN_CANCELLED, [("ssin", ANN)])
    assert raised.value.notice == SsinNotice(ANN, canceled=True)
