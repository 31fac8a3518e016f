"""What is returned of a source's files, in which order, and how much (DOMAIN 5 and 6)."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from ksz_childbenefits.domain.files import Bonus, File, FileMember, FileType, PaymentPeriod
from ksz_childbenefits.domain.selection import ELEMENTS, LIMIT, Selection, select
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import (
    ALL_SOURCES,
    ANN,
    BEN,
    BRUSSELS,
    CAS,
    DIA,
    FEDERAL,
    FLANDERS,
    WALLONIA,
    bonus,
    file,
    member,
    month,
    months,
    period,
)

ASKED = months("2020-03", "2020-08")


def only(held: File, source: AuthenticSource = WALLONIA) -> File:
    (found,) = select([held], ASKED, source).files
    return found


def months_after(first: str, count: int) -> list[str]:
    return [str(month(first).plus(n)) for n in range(count)]


# What belongs to the range.


@pytest.mark.parametrize(
    ("begin", "end", "returned"),
    [
        ("2019-01-01", "2020-02-29", False),
        ("2019-01-01", "2020-03-01", True),
        ("2020-08-31", "", True),
        ("2020-09-01", "", False),
        ("2019-01-01", "", True),
    ],
)
def test_a_file_whose_validity_overlaps_the_range(begin: str, end: str, returned: bool) -> None:
    assert bool(select([file(begin, end)], ASKED, WALLONIA).files) is returned


def test_a_file_is_returned_whole_whoever_was_asked_for() -> None:
    held = file(
        "2020-01-01",
        number="88",
        children=(member(ANN), member(DIA)),
        beneficiaries=(member(BEN), member(CAS)),
    )
    assert only(held) == held


@pytest.mark.parametrize(
    ("begin", "end", "returned"),
    [
        ("2019-01", "2020-02", False),
        ("2019-01", "2020-03", True),
        ("2020-08", "2021-12", True),
        ("2020-08", "", True),
        ("2020-09", "", False),
        ("2019-01", "", True),
        ("2020-04", "2020-05", True),
    ],
)
def test_periods_that_overlap_the_range_are_returned_whole(
    begin: str, end: str, returned: bool
) -> None:
    held = period(begin, end)
    found = only(file("2019-01-01", children=(member(ANN, held),)))
    assert found.children[0].periods == ((held,) if returned else ())


@pytest.mark.parametrize(
    ("paid", "returned"),
    [
        ("2020-02-29", False),
        ("2020-03-01", True),
        ("2020-08-31", True),
        ("2020-09-01", False),
        ("1850-01-01", False),
        ("3500-01-01", False),
    ],
)
def test_bonuses_paid_in_the_range(paid: str, returned: bool) -> None:
    held = bonus(paid)
    found = only(
        file("2019-01-01", children=(member(ANN, held),), beneficiaries=(member(BEN, held),))
    )
    expected = (held,) if returned else ()
    assert (found.children[0].bonuses, found.beneficiaries[0].bonuses) == (expected, expected)


@pytest.mark.parametrize("source", [s for s in ALL_SOURCES if s is not FLANDERS])
def test_elsewhere_than_in_flanders_a_beneficiary_keeps_its_own(source: AuthenticSource) -> None:
    own = member(BEN, bonus("2020-04-01"), period("2020-04", "2020-06"))
    held = file("2019-01-01", children=(member(ANN, period("2020-03")),), beneficiaries=(own,))
    assert only(held, source).beneficiaries == (own,)


# Order.


def test_files_are_ordered_by_begin_fund_number_and_first_child() -> None:
    ordered = [
        file("2019-01-01", fund="0999999999", number="9"),
        file("2020-01-01", fund="0111111111", number="9"),
        file("2020-01-01", fund="0222222222", children=(member(DIA),)),
        file("2020-01-01", fund="0222222222", number="10", children=(member(DIA),)),
        file("2020-01-01", fund="0222222222", number="2", children=(member(DIA), member(ANN))),
        file("2020-01-01", fund="0222222222", number="2", children=(member(DIA),)),
        file("2020-01-01", fund="104", number="1"),
    ]
    Random(7).shuffle(shuffled := list(ordered))
    found = select(shuffled, ASKED, WALLONIA).files
    assert [f.fund for f in found] == [f.fund for f in ordered]
    assert [f.file_number for f in found] == ["9", "9", None, "10", "2", "2", "1"]
    assert found[4].children == (member(ANN), member(DIA))


def test_files_alike_in_all_that_orders_them_keep_one_order() -> None:
    """A child's own file and its participation file at one fund, from one day; open ones last."""
    ordered = (
        file("2020-01-01", "2020-12-31"),
        file("2020-01-01"),
        file("2020-01-01", "2020-12-31", file_type=FileType.PARTICIPATION),
    )
    for some_order in permutations(ordered):
        assert select(some_order, ASKED, WALLONIA).files == ordered


def test_a_file_without_children_is_ordered_all_the_same() -> None:
    empty, with_child = file("2020-01-01", children=()), file("2020-01-01")
    assert select([with_child, empty], ASKED, WALLONIA).files == (empty, with_child)


def test_children_and_beneficiaries_are_ordered_by_number() -> None:
    held = file(
        "2020-01-01",
        children=(member(DIA), member(ANN)),
        beneficiaries=(member(CAS), member(BEN)),
    )
    found = only(held, FEDERAL)
    assert [m.ssin for m in found.children] == [ANN, DIA]
    assert [m.ssin for m in found.beneficiaries] == [BEN, CAS]


def test_periods_are_ordered_by_begin_category_end_and_beneficiaries() -> None:
    ordered: tuple[PaymentPeriod, ...] = (
        period("2019-12", "2020-05", "SOCIAL"),
        period("2020-01", "2020-05", "BASIC"),
        period("2020-01", "2020-06", "BASIC", BEN),
        period("2020-01", "2020-06", "BASIC", BEN, CAS),
        period("2020-01", "2020-06", "BASIC", CAS),
        period("2020-01", "2999-12", "BASIC"),
        period("2020-01", "", "BASIC"),
        period("2020-01", "2020-04", "SOCIAL"),
    )
    Random(7).shuffle(shuffled := list(ordered))
    found = only(file("2019-01-01", children=(member(ANN, *shuffled),)), FLANDERS)
    assert found.children[0].periods == ordered


def test_bonuses_are_ordered_by_date_category_and_beneficiaries() -> None:
    ordered: tuple[Bonus, ...] = (
        bonus("2020-03-01", "PRE_PAYMENT_BIRTH"),
        bonus("2020-03-02", "ADOPTION"),
        bonus("2020-03-02", "BIRTH"),
        bonus("2020-03-02", "BIRTH", BEN),
        bonus("2020-03-02", "BIRTH", CAS),
        bonus("2020-04-01", "ADOPTION"),
    )
    Random(7).shuffle(shuffled := list(ordered))
    found = only(file("2019-01-01", children=(member(ANN, *shuffled),)), FLANDERS)
    assert found.children[0].bonuses == ordered


def test_beneficiaries_on_a_payment_are_ordered_by_number() -> None:
    held = member(ANN, period("2020-03", "", "BASIC", CAS, BEN), bonus("2020-03-01", "B", CAS, BEN))
    (found,) = only(file("2019-01-01", children=(held,)), FLANDERS).children
    assert found.periods[0].beneficiaries == found.bonuses[0].beneficiaries == (BEN, CAS)


# FLANDERS: beneficiaries carry exactly those of the child's bonuses and periods that name them.


def test_flemish_beneficiaries_are_copies_of_what_names_them() -> None:
    child = member(
        ANN,
        bonus("2020-03-05", "BIRTH", BEN, CAS),
        bonus("2020-04-05", "ADOPTION"),
        bonus("2019-01-05", "BIRTH", BEN),
        period("2020-03", "2020-04", "BASIC", BEN, CAS),
        period("2020-05", "2020-06", "SOCIAL", CAS),
        period("2019-01", "2019-02", "BASIC", CAS),
        period("2020-07", "", "BASIC"),
    )
    wrong = member(BEN, bonus("2020-06-06"), period("2020-03", "2020-04", "FOSTER_CARE"))
    held = file(
        "2019-01-01",
        children=(child,),
        beneficiaries=(member(DIA), wrong, member(CAS)),
    )
    assert only(held, FLANDERS).beneficiaries == (
        member(DIA),
        member(BEN, bonus("2020-03-05", "BIRTH"), period("2020-03", "2020-04", "BASIC")),
        member(
            CAS,
            bonus("2020-03-05", "BIRTH"),
            period("2020-03", "2020-04", "BASIC"),
            period("2020-05", "2020-06", "SOCIAL"),
        ),
    )
    assert only(held, FLANDERS).children[0].bonuses == child.bonuses[:2]


# Limits of 100.


def test_the_limit_is_that_of_the_contract() -> None:
    assert LIMIT == 100
    assert ELEMENTS == ("file", "beneficiary", "bonus", "paymentPeriod", "child")


def numbers(count: int) -> list[str]:
    return [f"{n:011d}" for n in range(1, count + 1)]


def test_a_hundred_of_each_is_not_too_many() -> None:
    payments = [bonus("2020-03-01", "A" * n) for n in range(1, 51)]
    payments += [bonus("2020-03-02", "A" * n) for n in range(1, 51)]
    periods = [period("2020-03", "", f"{'A' * n}") for n in range(1, 51)]
    periods += [period("2020-04", "", f"{'A' * n}") for n in range(1, 51)]
    people = tuple(member(n, *payments, *periods) for n in numbers(100))
    held = [file("2020-01-01", number=n, children=people, beneficiaries=people) for n in numbers(2)]
    found = select(held, ASKED, WALLONIA)
    assert found == Selection(tuple(held), ())
    many = [file("2020-01-01", number=n) for n in numbers(100)]
    assert select(many, ASKED, WALLONIA) == Selection(tuple(many), ())


def test_of_files_those_with_the_latest_begin_are_kept() -> None:
    begins = months_after("2012-01", 103)[:101]
    held = [file(f"{begin}-01", number=str(n)) for n, begin in enumerate(begins)]
    Random(7).shuffle(shuffled := list(held))
    found = select(shuffled, months("2010-01", "2030-01"), WALLONIA)
    assert found == Selection(tuple(held[1:]), ("file",))


def test_of_files_of_one_day_the_last_in_order_are_kept() -> None:
    held = [file("2020-01-01", number=n) for n in numbers(101)]
    assert select(held, ASKED, WALLONIA).files == tuple(held[1:])


def test_files_outside_the_range_do_not_count_for_the_limit() -> None:
    held = [file("2020-01-01", number=n) for n in numbers(100)]
    assert select([*held, file("2021-01-01")], ASKED, WALLONIA).truncated == ()


@pytest.mark.parametrize("role", ["children", "beneficiaries"])
def test_of_periods_those_with_the_latest_begin_are_kept(role: str) -> None:
    held = [period(begin, "2020-03") for begin in months_after("2010-01", 101)]
    found = select(
        [
            file("2010-01-01", children=(member(ANN, *reversed(held)),), beneficiaries=())
            if role == "children"
            else file("2010-01-01", beneficiaries=(member(BEN, *reversed(held)),))
        ],
        ASKED,
        WALLONIA,
    )
    (kept,) = found.files[0].children if role == "children" else found.files[0].beneficiaries
    assert kept.periods == tuple(held[1:])
    assert found.truncated == ("paymentPeriod",)


def test_of_bonuses_those_with_the_latest_payment_are_kept() -> None:
    days = [f"2020-{m:02d}-{d:02d}" for m in (3, 4, 5, 6) for d in range(1, 27)][:101]
    held = [bonus(on) for on in days]
    whole = file("2010-01-01", children=(member(ANN, *held),), beneficiaries=(member(BEN),))
    found = select([whole], ASKED, WALLONIA)
    assert found.files[0].children[0].bonuses == tuple(held[1:])
    assert found.truncated == ("bonus",)


def test_payments_outside_the_range_do_not_count_for_the_limit() -> None:
    held = [period(begin, "2020-02") for begin in months_after("2010-01", 101)]
    found = select([file("2010-01-01", children=(member(ANN, *held),))], ASKED, WALLONIA)
    assert found.truncated == ()


@pytest.mark.parametrize(
    ("role", "name"), [("children", "child"), ("beneficiaries", "beneficiary")]
)
def test_of_persons_the_first_are_kept(role: str, name: str) -> None:
    people = tuple(member(n, period("2020-03")) for n in numbers(101))
    held = file(
        "2020-01-01",
        children=people if role == "children" else (),
        beneficiaries=people if role == "beneficiaries" else (),
    )
    found = select([held], ASKED, WALLONIA)
    assert getattr(found.files[0], role) == people[:100]
    assert found.truncated == (name,)


def test_what_is_left_out_with_its_owner_is_not_named() -> None:
    """A file and a child that are dropped themselves take their long lists with them."""
    long = tuple(period(begin, "2020-03") for begin in months_after("2010-01", 101))
    dropped = file("2009-01-01", number="0", children=(member(ANN, *long),))
    found = select([dropped, *[file("2020-01-01", number=n) for n in numbers(100)]], ASKED, FEDERAL)
    assert found.truncated == ("file",)
    last = FileMember("99999999999", (), long)
    people = (*[member(n) for n in numbers(100)], last)
    assert select([file("2020-01-01", children=people)], ASKED, BRUSSELS).truncated == ("child",)


def test_every_element_is_named_once_in_the_order_of_the_xsd() -> None:
    long: list[Bonus | PaymentPeriod] = [
        *[period(begin, "2020-03") for begin in months_after("2010-01", 101)],
        *[bonus("2020-03-01", "A" * n) for n in range(1, 51)],
        *[bonus("2020-03-02", "A" * n) for n in range(1, 52)],
    ]
    people = tuple(member(n, *long) for n in numbers(101))
    held = [file("2020-01-01", number=n, children=people[:1]) for n in numbers(100)]
    held.append(file("2020-01-01", number="9", children=people, beneficiaries=people))
    assert select(held, ASKED, WALLONIA).truncated == ELEMENTS


def test_flemish_copies_are_made_after_the_limit() -> None:
    held = [period(begin, "2020-03", "BASIC", BEN) for begin in months_after("2010-01", 101)]
    own = member(BEN, *[p._replace(beneficiaries=()) for p in held])
    whole = file("2010-01-01", children=(member(ANN, *held),), beneficiaries=(own,))
    found = select([whole], ASKED, FLANDERS)
    assert found.truncated == ("paymentPeriod",)
    assert found.files[0].children[0].periods == tuple(held[1:])
    assert found.files[0].beneficiaries[0].periods == own.periods[1:]


def test_what_a_flemish_beneficiary_held_itself_is_never_truncated() -> None:
    own = [period(begin, "2020-03") for begin in months_after("2010-01", 101)]
    whole = file("2010-01-01", beneficiaries=(member(BEN, *own),))
    assert select([whole], ASKED, FLANDERS) == Selection(
        (whole._replace(beneficiaries=(member(BEN),)),), ()
    )
