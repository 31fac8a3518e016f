"""The region of a municipality, with the history of the codes (DOMAIN 3)."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ksz_childbenefits.domain.regions import (
    CHANGES,
    MUNICIPALITIES,
    PREFIXES,
    VALID_FROM,
    VALID_UNTIL,
    UnknownMunicipality,
    region_of,
)
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import BRUSSELS, EASTBELGIUM, FLANDERS, WALLONIA, day

TODAY = date(2024, 6, 15)

TEXT = {
    "2019-01-01": """12030+12034→12041, 44011+44049→44083,
        44001+44029→44084, 44036+44072+44080→44085, 45017+45057→45068, 72040+71047→72042,
        72025+72029→72043; recodings
        55010→51067, 55039→51068, 55023→51069, 52063→55085, 52043→55086, 54007→57096, 54010→57097,
        55022→58001, 56011→58002, 56085→58003, 56087→58004;""",
    "2025-01-01": """11002+11007→11002, 23023+23024+23032→23106, 37012+37018→37021,
        37007+37015→37022, 44012+44048→44086, 44034+44073→44087, 46014+44045→46029,
        44040+44043→44088,
        46003+46013+11056→46030, 73006+73032→73110, 73009+73083→73111, 71069+71057→71071,
        71022+73040→71072, 82003+82005→82039.""",
}
"""The sentence of DOMAIN 3, as it stands there."""

RECORDED = [
    (on, tuple(before.split("+")), after)
    for on, text in TEXT.items()
    for before, after in re.findall(r"([0-9+]+)→([0-9]{5})", text)
]
LAST_DAY = {"2019-01-01": "2018-12-31", "2025-01-01": "2024-12-31"}
GONE = [(code, on) for on, before, after in RECORDED for code in before if code != after]
COME = [(after, on) for on, before, after in RECORDED if after not in before]


@pytest.mark.parametrize(
    ("nis", "region"),
    [
        *[
            (nis, EASTBELGIUM)
            for nis in (
                *("63001", "63012", "63013", "63023", "63040"),
                *("63048", "63061", "63067", "63087"),
            )
        ],
        ("63049", WALLONIA),  # Malmedy
        ("63080", WALLONIA),  # Waimes
        *[(str(nis), BRUSSELS) for nis in range(21001, 21019 + 1)],
        ("11001", FLANDERS),
        ("13040", FLANDERS),
        ("23027", FLANDERS),
        ("24062", FLANDERS),
        ("31005", FLANDERS),
        ("44021", FLANDERS),
        ("71016", FLANDERS),
        ("25072", WALLONIA),
        ("52011", WALLONIA),
        ("62063", WALLONIA),
        ("81001", WALLONIA),
        ("92094", WALLONIA),
    ],
)
def test_the_region_of_a_municipality(nis: str, region: AuthenticSource) -> None:
    assert region_of(nis, TODAY) is region


def test_the_tables_hold_no_more() -> None:
    assert len(MUNICIPALITIES) == 9 + 19
    assert PREFIXES == {
        "1": FLANDERS,
        "23": FLANDERS,
        "24": FLANDERS,
        "3": FLANDERS,
        "4": FLANDERS,
        "7": FLANDERS,
        "25": WALLONIA,
        "5": WALLONIA,
        "6": WALLONIA,
        "8": WALLONIA,
        "9": WALLONIA,
    }


@pytest.mark.parametrize(
    "nis",
    [
        *("21000", "21020", "21099", "20001", "22001", "26001", "29999", "01001", "00000"),
        *("", "1", "2", "1100", "110011", "1100x", "x1001", " 11001", "11001 ", "1\u0661001"),
    ],
)
def test_a_code_outside_the_prefixes_is_an_error_in_the_data(nis: str) -> None:
    with pytest.raises(UnknownMunicipality):
        region_of(nis, TODAY)
    assert issubclass(UnknownMunicipality, ValueError)


def test_the_history_is_that_of_the_text() -> None:
    assert [(str(c.day), c.before, c.after) for c in CHANGES] == RECORDED
    assert len(RECORDED) == 18 + 14
    assert {code: day(on) for code, on in COME} == VALID_FROM
    assert {code: day(LAST_DAY[on]) for code, on in GONE} == VALID_UNTIL


@pytest.mark.parametrize(("nis", "on"), GONE)
def test_a_code_that_went_is_valid_to_the_day_before(nis: str, on: str) -> None:
    assert region_of(nis, day(LAST_DAY[on])) is region_of(nis, date(2000, 1, 1))
    with pytest.raises(UnknownMunicipality, match="did not exist"):
        region_of(nis, day(on))


@pytest.mark.parametrize(("nis", "on"), COME)
def test_a_code_that_came_is_valid_from_its_day(nis: str, on: str) -> None:
    assert region_of(nis, day(on)) is region_of(nis, date(2999, 12, 31))
    with pytest.raises(UnknownMunicipality, match="did not exist"):
        region_of(nis, day(LAST_DAY[on]))


def test_antwerp_kept_its_code() -> None:
    """11002+11007→11002: valid on both sides."""
    assert region_of("11002", date(1990, 1, 1)) is region_of("11002", TODAY) is FLANDERS
    assert region_of("11002", date(2025, 1, 1)) is FLANDERS


@pytest.mark.parametrize(("on", "before", "after"), RECORDED)
def test_no_change_crosses_a_region(on: str, before: tuple[str, ...], after: str) -> None:
    regions = {region_of(code, day(LAST_DAY[on])) for code in before}
    assert regions == {region_of(after, day(on))}
