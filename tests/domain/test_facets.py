"""Which files cannot be passed on (DOMAIN 6, CONTRACT cbc)."""

from __future__ import annotations

import pytest

from ksz_childbenefits.domain.facets import UnusableFile, check_file
from ksz_childbenefits.domain.files import Description, File, Fund
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import (
    ALL_SOURCES,
    ANN,
    BEN,
    BRUSSELS,
    CAS,
    DIA,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    WALLONIA,
    bonus,
    file,
    member,
    period,
)

REGIONAL = (WALLONIA, EASTBELGIUM, BRUSSELS)

FEDERAL_FILE = file(
    "2015-01-01",
    "2018-12-31",
    fund="104",
    number="104010001234",
    entitled=CAS,
    children=(member(ANN, period("2015-01", "2018-12", "CHILD_ALLOWANCE")), member(DIA)),
    beneficiaries=(member(BEN, bonus("2015-01-20", "BIRTH")),),
)
REGIONAL_FILE = FEDERAL_FILE._replace(
    fund=Fund("0685540471", None), file_number="A 7", entitled_person=None
)
FLEMISH_FILE = file(
    "2019-01-01",
    children=(
        member(ANN, period("2019-01", "", "BASIC", BEN, CAS), bonus("2019-01-20", "B", BEN)),
    ),
    beneficiaries=(member(BEN), member(CAS), member(DIA)),
)
WHOLE = {FEDERAL: FEDERAL_FILE, FLANDERS: FLEMISH_FILE, **dict.fromkeys(REGIONAL, REGIONAL_FILE)}


def refused(held: File, source: AuthenticSource) -> bool:
    try:
        check_file(held, source)
    except UnusableFile:
        return True
    return False


@pytest.mark.parametrize("source", ALL_SOURCES)
def test_a_file_as_each_source_returns_it(source: AuthenticSource) -> None:
    check_file(WHOLE[source], source)
    check_file(WHOLE[source]._replace(beneficiaries=()), source)
    assert issubclass(UnusableFile, ValueError)


# What a source never returns (DOMAIN 6).


def test_flanders_numbers_no_file() -> None:
    assert refused(FLEMISH_FILE._replace(file_number="1"), FLANDERS)


@pytest.mark.parametrize("source", [s for s in ALL_SOURCES if s is not FEDERAL])
def test_only_federal_names_an_entitled_person(source: AuthenticSource) -> None:
    assert refused(WHOLE[source]._replace(entitled_person=CAS), source)


@pytest.mark.parametrize(
    ("source", "count", "expected"),
    [
        *[(source, 0, True) for source in ALL_SOURCES],
        *[(source, 1, False) for source in ALL_SOURCES],
        *[(source, 2, source is FLANDERS) for source in ALL_SOURCES],
        *[(source, 300, source is FLANDERS) for source in ALL_SOURCES],  # cut later, not refused
    ],
)
def test_the_number_of_children(source: AuthenticSource, count: int, expected: bool) -> None:
    held = WHOLE[source]._replace(children=(member(ANN),) * count)
    assert refused(held, source) is expected


@pytest.mark.parametrize("source", [s for s in ALL_SOURCES if s is not FLANDERS])
@pytest.mark.parametrize(
    "payment", [bonus("2019-01-20", "B", BEN), period("2019-01", "", "B", BEN)]
)
def test_only_flanders_names_beneficiaries_on_a_payment(
    source: AuthenticSource, payment: object
) -> None:
    paid = member(ANN, payment)  # type: ignore[arg-type]
    assert refused(WHOLE[source]._replace(children=(paid,)), source)
    assert refused(WHOLE[source]._replace(beneficiaries=(paid,)), source)


@pytest.mark.parametrize(
    "payment", [bonus("2019-01-20", "B", BEN, CAS, DIA), period("2019-01", "", "B", BEN, CAS, DIA)]
)
def test_at_most_two_beneficiaries_on_a_payment(payment: object) -> None:
    held = FLEMISH_FILE._replace(children=(member(ANN, payment),))  # type: ignore[arg-type]
    assert refused(held, FLANDERS)


def test_what_a_flemish_beneficiary_holds_itself_may_still_name_it() -> None:
    """It is not returned: the copies are made from the child, without names."""
    own = member(BEN, period("2019-01", "", "BASIC", BEN, CAS))
    check_file(FLEMISH_FILE._replace(beneficiaries=(own,)), FLANDERS)


def test_federal_files_name_the_fund_by_its_code() -> None:
    assert refused(FEDERAL_FILE._replace(fund=Fund("0685540471", None)), FEDERAL)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("104011", False),  # fund 3, office 2, file 1
        ("10401" + "9" * 18, False),
        ("10401", True),
        ("10401" + "9" * 19, True),
        ("1040A1", True),
        ("A04011", True),
        ("10401 1", True),
        (None, False),
    ],
)
def test_the_number_of_a_federal_file(number: str | None, expected: bool) -> None:
    assert refused(FEDERAL_FILE._replace(file_number=number), FEDERAL) is expected
    assert not refused(REGIONAL_FILE._replace(file_number=number), WALLONIA)


# What the contract cannot carry.


def test_a_validity_that_ends_before_it_begins() -> None:
    assert refused(REGIONAL_FILE._replace(end=REGIONAL_FILE.begin.replace(year=2014)), WALLONIA)
    assert not refused(REGIONAL_FILE._replace(end=REGIONAL_FILE.begin), WALLONIA)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0685540471", False),
        ("1685540471", False),
        ("2685540471", True),
        ("068554047", True),
        ("06855404711", True),
        ("068554047x", True),
        ("068554047\u0661", True),
        ("", True),
    ],
)
def test_the_enterprise_number_of_a_fund(number: str, expected: bool) -> None:
    assert refused(REGIONAL_FILE._replace(fund=Fund(number, None)), WALLONIA) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("000", False), ("999", False), ("99", True), ("9999", True), ("9x9", True)],
)
def test_the_code_of_a_fund(code: str, expected: bool) -> None:
    assert refused(FEDERAL_FILE._replace(fund=Fund(None, code)), FEDERAL) is expected


@pytest.mark.parametrize(
    ("descriptions", "expected"),
    [
        ([("NL", "Fonds"), ("FR", "Caisse"), ("DE", "Kasse")], False),
        ([("NL", "Fonds"), ("FR", "Caisse"), ("DE", "Kasse"), ("NL", "Fonds")], True),
        ([("EN", "Fund")], True),
        ([("nl", "Fonds")], True),
        ([("NL", "é" * 100)], False),
        ([("NL", "é" * 101)], True),
        ([("NL", "")], False),
        ([("NL", "a\tb\nc\U0001f476")], False),
        ([("NL", "a\x00b")], True),
        ([("NL", "a\x0bb")], True),
        ([("NL", "a\ud800b")], True),
        ([("NL", "a\uffffb")], True),
    ],
)
def test_the_descriptions_of_a_fund(descriptions: list[tuple[str, str]], expected: bool) -> None:
    fund = Fund("0685540471", None, tuple(Description(*each) for each in descriptions))
    assert refused(REGIONAL_FILE._replace(fund=fund), WALLONIA) is expected


def test_a_file_number_is_text_of_xml() -> None:
    assert refused(REGIONAL_FILE._replace(file_number="7\x00"), WALLONIA)
    assert refused(FEDERAL_FILE._replace(file_number="104017\x00"), FEDERAL)


@pytest.mark.parametrize("wrong", ["", "1203159011", "12031590198", "12135590118", "x2031590118"])
def test_persons_are_named_by_a_number_that_fits_the_contract(wrong: str) -> None:
    assert refused(REGIONAL_FILE._replace(children=(member(ANN), member(wrong))), WALLONIA)
    assert refused(REGIONAL_FILE._replace(beneficiaries=(member(wrong),)), WALLONIA)
    if wrong:
        assert refused(FEDERAL_FILE._replace(entitled_person=wrong), FEDERAL)
    for payment in (bonus("2019-01-20", "B", wrong), period("2019-01", "", "B", BEN, wrong)):
        assert refused(FLEMISH_FILE._replace(children=(member(ANN, payment),)), FLANDERS)


def test_the_refusal_names_no_person() -> None:
    twins = FLEMISH_FILE._replace(children=(member(ANN), member(DIA)))
    with pytest.raises(UnusableFile, match="a file of FLANDERS has exactly one child") as raised:
        check_file(twins, FLANDERS)
    assert not any(ssin in str(raised.value) for ssin in (ANN, BEN, CAS, DIA))


def test_a_number_with_wrong_check_digits_can_be_carried() -> None:
    assert not refused(REGIONAL_FILE._replace(children=(member("12031590100"),)), WALLONIA)


@pytest.mark.parametrize(
    ("category", "expected"),
    [("A", False), ("_", False), ("A" * 50, False), ("A" * 51, True), ("", True), ("a", True)],
)
def test_categories_are_capitals_and_underscores(category: str, expected: bool) -> None:
    for payment in (bonus("2019-01-20", category), period("2019-01", "", category)):
        paid = (member(ANN, payment),)
        assert refused(REGIONAL_FILE._replace(children=paid), WALLONIA) is expected
        assert refused(REGIONAL_FILE._replace(beneficiaries=paid), WALLONIA) is expected


@pytest.mark.parametrize(("end", "expected"), [("2019-01", False), ("2018-12", True), ("", False)])
def test_a_period_does_not_end_before_it_begins(end: str, expected: bool) -> None:
    paid = (member(ANN, period("2019-01", end)),)
    assert refused(REGIONAL_FILE._replace(children=paid), WALLONIA) is expected
    assert refused(REGIONAL_FILE._replace(beneficiaries=paid), WALLONIA) is expected
