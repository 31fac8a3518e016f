"""The structure of an SSIN (DOMAIN 4). All numbers are invented."""

from __future__ import annotations

from calendar import isleap
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.domain.ssin import (
    InvalidSsin,
    birth_date,
    check_digits,
    fits_pattern,
    is_valid,
)

NINE_DIGITS = st.builds(
    "{:02d}{:02d}{:02d}{:03d}".format,
    st.integers(0, 99),
    st.integers(0, 54),
    st.integers(0, 32),
    st.integers(0, 999),
)
ELEVEN_DIGITS = st.from_regex("[0-9]{11}", fullmatch=True)


@pytest.mark.parametrize(
    ("nine", "later", "check"),
    [
        ("850730901", False, "33"),  # 850730901 = 97 x 8770421 + 64; 97 - 64
        ("120315901", True, "18"),  # 2120315901 = 97 x 21858926 + 79
        ("120315901", False, "86"),  # 120315901 = 97 x 1240370 + 11
        ("040229901", True, "05"),  # 2040229901 = 97 x 21033297 + 92
        ("850730934", False, "97"),  # 850730934 = 97 x 8770422, no remainder
        ("850730963", True, "97"),  # 2850730963 = 97 x 29388979, no remainder
        ("000000901", False, "69"),  # 901 = 97 x 9 + 28
    ],
)
def test_check_digits_by_hand(nine: str, later: bool, check: str) -> None:
    assert check_digits(nine, later) == check


@pytest.mark.parametrize(
    ("ssin", "born"),
    [
        ("85073090133", date(1985, 7, 30)),
        ("12031590118", date(2012, 3, 15)),
        ("12031590186", date(1912, 3, 15)),
        ("04022990105", date(2004, 2, 29)),
        ("00022990019", date(2000, 2, 29)),
        ("85073093497", date(1985, 7, 30)),
        ("90000090119", date(1990, 1, 1)),  # month and day unknown
        ("12030090180", date(2012, 3, 1)),  # day unknown
        ("85000190079", date(1985, 1, 1)),  # month unknown
        ("70003190127", date(1970, 1, 31)),  # month unknown, day known
        ("90221500042", date(1990, 2, 15)),  # bis, month 02 + 20, serial 000
        ("92411500023", date(1992, 1, 15)),  # ter, month 01 + 40, serial 000
        ("99520100085", date(1999, 12, 1)),  # ter, month 12 + 40
    ],
)
def test_valid_numbers_and_the_birth_dates_they_prove(ssin: str, born: date) -> None:
    assert is_valid(ssin)
    assert birth_date(ssin) == born


@pytest.mark.parametrize(
    ("ssin", "why"),
    [
        ("85073090132", "check digits one off"),
        ("85073090100", "check 00 passes the XSD pattern and is never valid"),
        ("85073093400", "no remainder is check 97, not 00"),
        ("00022990087", "29 February 1900, a common year, which the check digits prove"),
        ("01022990139", "29 February 2001"),
        ("91043190111", "31 April 1991"),
        ("90423090093", "30 February 1990, as a ter number"),
        ("85073200018", "serial 000 in a number of the national register"),
        ("85073290170", "day 32"),
        ("99130190175", "month 13"),
        ("12330190067", "month 33"),
        ("12530190013", "month 53"),
        ("8507309013", "ten digits"),
        ("850730901330", "twelve digits"),
        ("85073090133 ", "a blank"),
        ("8507309013٣", "a digit that is not ASCII"),
        ("8507309013x", "a letter"),
        ("", "nothing"),
    ],
)
def test_numbers_that_are_none(ssin: str, why: str) -> None:
    assert not is_valid(ssin), why
    with pytest.raises(InvalidSsin) as refused:
        birth_date(ssin)
    assert not ssin or ssin not in str(refused.value), "no number of a person in the text"


@pytest.mark.parametrize(
    ("ssin", "fits"),
    [
        ("85073090100", True),
        ("85073090197", True),
        ("85073090198", False),
        ("85073100001", False),
        ("85073100101", True),
        ("85203100001", True),
        ("85323100001", True),
        ("85333100001", False),
        ("85393100001", False),
        ("85403100001", True),
        ("85523100001", True),
        ("85533100001", False),
        ("85603100101", False),
        ("85123100101", True),
        ("85133100101", False),
        ("85193100101", False),
        ("85073200101", False),
        ("85074000101", False),
        ("85203200001", False),
        ("85523200001", False),
    ],
)
def test_the_three_patterns_of_the_contract(ssin: str, fits: bool) -> None:
    assert fits_pattern(ssin) is fits


def independent(ssin: str) -> bool:
    """The rule said another way: digits and check add up to a multiple of 97 in one century."""
    check = int(ssin[9:])
    month, day, serial = int(ssin[2:4]), int(ssin[4:6]), int(ssin[6:9])
    series = [offset for offset in (0, 20, 40) if offset <= month <= offset + 12]
    if not series or day > 31 or not 1 <= check <= 97 or (series == [0] and serial == 0):
        return False
    real = month - series[0]
    for prefix, century in (("", 1900), ("2", 2000)):
        if (int(prefix + ssin[:9]) + check) % 97 == 0:
            leap = isleap(century + int(ssin[:2]))
            return (
                day <= (31, 31, 29 if leap else 28, *(31, 30, 31, 30, 31, 31, 30, 31, 30, 31))[real]
            )
    return False


@given(NINE_DIGITS, st.booleans())
def test_every_number_agrees_with_an_independent_rule(nine: str, later: bool) -> None:
    ssin = nine + check_digits(nine, later)
    assert is_valid(ssin) is independent(ssin)


@given(ELEVEN_DIGITS)
def test_eleven_digits_agree_with_an_independent_rule(ssin: str) -> None:
    assert is_valid(ssin) is independent(ssin)


@given(NINE_DIGITS)
def test_no_number_is_valid_for_both_centuries(nine: str) -> None:
    assert check_digits(nine, False) != check_digits(nine, True)


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(1, 999),
    st.sampled_from([0, 20, 40]),
)
def test_the_date_of_birth_comes_back(born: date, serial: int, series: int) -> None:
    nine = f"{born.year % 100:02d}{born.month + series:02d}{born.day:02d}{serial:03d}"
    ssin = nine + check_digits(nine, born.year >= 2000)
    assert birth_date(ssin) == born


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_found_within_a_century(born: date, place: int, off: int) -> None:
    nine = f"{born:%y%m%d}901"
    number = nine + check_digits(nine, False)
    digit = (int(number[place]) + off) % 10
    wrong = f"{number[:place]}{digit}{number[place + 1 :]}"
    assert not is_valid(wrong) or birth_date(wrong).year >= 2000
