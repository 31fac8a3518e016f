"""What is left of a file without each block, and what the reply names (DOMAIN 7)."""

from __future__ import annotations

from itertools import combinations

import pytest

from ksz_childbenefits.domain.cadastre import Holdings
from ksz_childbenefits.domain.files import Description, File, Fund
from ksz_childbenefits.domain.withholding import (
    BLOCKS,
    UnknownBlock,
    check_blocks,
    data_filters,
    least,
    left_of,
    withhold,
)
from tests.domain.makers import ANN, BEN, CAS, DIA, bonus, file, member, period

NAMES = (Description("NL", "Fonds"), Description("FR", "Caisse"), Description("DE", "Kasse"))
FILE = file(
    "2019-01-01",
    number="104010001234",
    entitled=DIA,
    children=(
        member(ANN, bonus("2019-02-01", "BIRTH", BEN, CAS), period("2019-01", "", "BASIC", BEN)),
        member(DIA, period("2019-03", "2019-09", "SOCIAL", BEN, CAS)),
    ),
    beneficiaries=(
        member(BEN, bonus("2019-02-01", "ADOPTION"), period("2019-01", "", "BASIC")),
        member(CAS, period("2019-03", "2019-09", "SOCIAL")),
    ),
)._replace(
    fund=Fund("0685540471", None, NAMES),
)
"""A file with all that a file can hold; no source would give all of it."""

LEFT: dict[str, File] = {
    "file/fileNumber": FILE._replace(file_number=None),
    "file/entitledPersonSsin": FILE._replace(entitled_person=None),
    "file/beneficiaries": FILE._replace(
        children=(
            member(ANN, bonus("2019-02-01", "BIRTH"), period("2019-01", "", "BASIC")),
            member(DIA, period("2019-03", "2019-09", "SOCIAL")),
        ),
        beneficiaries=(),
    ),
    "bonuses": FILE._replace(
        children=(
            member(ANN, period("2019-01", "", "BASIC", BEN)),
            member(DIA, period("2019-03", "2019-09", "SOCIAL", BEN, CAS)),
        ),
        beneficiaries=(
            member(BEN, period("2019-01", "", "BASIC")),
            member(CAS, period("2019-03", "2019-09", "SOCIAL")),
        ),
    ),
    "paymentPeriods": FILE._replace(
        children=(member(ANN, bonus("2019-02-01", "BIRTH", BEN, CAS)), member(DIA)),
        beneficiaries=(member(BEN, bonus("2019-02-01", "ADOPTION")), member(CAS)),
    ),
    "childBenefitsFund/description": FILE._replace(fund=Fund("0685540471", None)),
}
"""By block, what is left of FILE, written by hand from DOMAIN 7; categories have their own test."""

CATEGORIES = (
    "BASIC",
    "SPECIAL_CARE",
    "ORPHAN_CARE",
    "FOSTER_CARE",
    "SOCIAL",
    "UNIVERSAL_PARTICIPATION",
    "OTHER_PARTICIPATION",
    "TODDLER",
    "CHILD_ALLOWANCE",
)
"""The categories in use, in the order of CONTRACT."""


@pytest.mark.parametrize("block", LEFT)
def test_a_file_without_a_block(block: str) -> None:
    assert withhold(FILE, {block}) == LEFT[block]


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_file_without_the_periods_of_a_category(category: str) -> None:
    """Of children and of beneficiaries; the other eight, and a ninth to come, are left."""
    every = [period("2019-01", "", c) for c in (*CATEGORIES, "NOT_IN_USE_YET")]
    others = [p for p in every if p.category != category]
    held = file("2019-01-01", children=(member(ANN, *every),), beneficiaries=(member(BEN, *every),))
    left = file(
        "2019-01-01", children=(member(ANN, *others),), beneficiaries=(member(BEN, *others),)
    )
    assert withhold(held, {f"paymentPeriods[{category}]"}) == left


def test_every_block_has_its_test_and_its_place() -> None:
    """The order of DOMAIN 7; categories, which it does not order, as CONTRACT lists them."""
    assert list(BLOCKS) == [
        "file/fileNumber",
        "file/entitledPersonSsin",
        "file/beneficiaries",
        "bonuses",
        "paymentPeriods",
        *(f"paymentPeriods[{category}]" for category in CATEGORIES),
        "childBenefitsFund/description",
    ]
    assert set(BLOCKS) == {*LEFT, *(f"paymentPeriods[{category}]" for category in CATEGORIES)}


def test_no_two_blocks_leave_the_same_nor_the_whole_file() -> None:
    """So that a row of the table that does nothing, or what another does, fails its test."""
    left = [FILE, *LEFT.values()]
    assert all(one != other for one, other in combinations(left, 2))


def test_nothing_withheld_is_the_file_itself() -> None:
    assert withhold(FILE, frozenset()) is FILE


def test_all_withheld_leaves_what_the_contract_demands_and_the_children() -> None:
    bare = FILE._replace(
        file_number=None,
        entitled_person=None,
        fund=Fund("0685540471", None),
        children=(member(ANN), member(DIA)),
        beneficiaries=(),
    )
    assert withhold(FILE, set(BLOCKS)) == bare


@pytest.mark.parametrize("path", ["", "File/fileNumber", "paymentPeriods[]", "childBenefitsFund"])
def test_other_paths_name_no_block(path: str) -> None:
    with pytest.raises(UnknownBlock, match="unknown block"):
        check_blocks(["bonuses", path])
    check_blocks(BLOCKS)


ALL_PERIODS, SOCIAL, BASIC = "paymentPeriods", "paymentPeriods[SOCIAL]", "paymentPeriods[BASIC]"


@pytest.mark.parametrize(
    ("withheld", "remains"),
    [
        ([{"bonuses"}], {"bonuses"}),
        ([{"bonuses"}, set()], set()),
        ([{"bonuses", "file/fileNumber"}, {"bonuses", "file/beneficiaries"}], {"bonuses"}),
        ([{ALL_PERIODS}], {ALL_PERIODS}),
        # Who withholds all periods withholds the social ones, so both do; of the others only one.
        ([{ALL_PERIODS}, {SOCIAL}], {SOCIAL}),
        ([{SOCIAL, BASIC}, {ALL_PERIODS}, {SOCIAL}], {SOCIAL}),
        ([{ALL_PERIODS}, {ALL_PERIODS, SOCIAL}], {ALL_PERIODS, SOCIAL}),
        # Not the other way round: new categories may come into use.
        ([{ALL_PERIODS}, {f"paymentPeriods[{c}]" for c in CATEGORIES}],
         {f"paymentPeriods[{c}]" for c in CATEGORIES}),
        ([{SOCIAL}, {BASIC}], set()),
        # bonuses does not withhold beneficiaries, nor the other way round.
        ([{"bonuses"}, {"file/beneficiaries"}], set()),
    ],
)  # fmt: skip
def test_the_least_of_several(withheld: list[set[str]], remains: set[str]) -> None:
    for order in (withheld, withheld[::-1]):
        assert least([frozenset(one) for one in order]) == remains


def test_the_reply_names_the_union_in_order_once_each() -> None:
    of_sources = [
        frozenset(("childBenefitsFund/description", SOCIAL, "bonuses")),
        frozenset(("paymentPeriods[TODDLER]", "bonuses", "file/entitledPersonSsin")),
        frozenset((ALL_PERIODS, "file/beneficiaries", BASIC, "file/fileNumber")),
        frozenset[str](),
    ]
    assert data_filters(of_sources) == (
        "file/fileNumber",
        "file/entitledPersonSsin",
        "file/beneficiaries",
        "bonuses",
        "paymentPeriods",
        "paymentPeriods[BASIC]",
        "paymentPeriods[SOCIAL]",
        "paymentPeriods[TODDLER]",
        "childBenefitsFund/description",
    )
    assert data_filters([]) == ()


CUT = ("file", "beneficiary", "bonus", "paymentPeriod", "child")


@pytest.mark.parametrize(
    ("block", "gone"),
    [
        ("file/beneficiaries", "beneficiary"),
        ("bonuses", "bonus"),
        ("paymentPeriods", "paymentPeriod"),
        (SOCIAL, ""),
        ("file/fileNumber", ""),
    ],
)
def test_holdings_do_not_tell_that_something_withheld_was_cut(block: str, gone: str) -> None:
    """An operator that sends it all the same may say that it cut it; of the rest it still may."""
    left = tuple(element for element in CUT if element != gone)
    assert left_of(CUT, {block}) == left
    without = Holdings((FILE,), CUT).without(frozenset((block,)))
    assert without == Holdings((withhold(FILE, {block}),), left)
