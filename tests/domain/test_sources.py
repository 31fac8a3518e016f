"""Windows, competences and the cadastre table, row by row (DOMAIN 1)."""

from __future__ import annotations

import pytest

from ksz_childbenefits.domain.sources import (
    ARCHIVES,
    COMPETENCES,
    CUTOVER,
    HOLDINGS,
    OTHER_ARCHIVE,
    WINDOWS,
    AuthenticSource,
    Competence,
    Operator,
    holders,
)
from tests.domain.makers import (
    ALL_SOURCES,
    AVIQ,
    BRUSSELS,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    IRISCARE,
    OPGROEIEN,
    ORINT,
    WALLONIA,
    day,
    months,
)


def test_the_order_of_the_xsd() -> None:
    assert tuple(AuthenticSource) == ALL_SOURCES
    assert [source.value for source in ALL_SOURCES] == [
        "FEDERAL",
        "BRUSSELS",
        "FLANDERS",
        "WALLONIA",
        "EASTBELGIUM",
    ]


def test_the_windows() -> None:
    assert {
        FEDERAL: months("1900-01", "2019-12"),
        WALLONIA: months("2019-01", "2999-12"),
        EASTBELGIUM: months("2019-01", "2999-12"),
        FLANDERS: months("2019-01", "2999-12"),
        BRUSSELS: months("2020-01", "2999-12"),
    } == WINDOWS


def test_the_competences() -> None:
    assert set(COMPETENCES) == {
        Competence(FEDERAL, months("1900-01", "2018-12"), None),
        Competence(FEDERAL, months("2019-01", "2019-12"), BRUSSELS),
        Competence(WALLONIA, months("2019-01", "2999-12"), WALLONIA),
        Competence(EASTBELGIUM, months("2019-01", "2999-12"), EASTBELGIUM),
        Competence(FLANDERS, months("2019-01", "2999-12"), FLANDERS),
        Competence(BRUSSELS, months("2020-01", "2999-12"), BRUSSELS),
    }


@pytest.mark.parametrize(
    ("source", "to_2023", "from_2024"),
    [
        (FLANDERS, (OPGROEIEN,), (OPGROEIEN,)),
        (WALLONIA, (ORINT,), (AVIQ,)),
        (EASTBELGIUM, (ORINT,), (AVIQ,)),
        (BRUSSELS, (ORINT,), (IRISCARE,)),
        (FEDERAL, (ORINT,), (IRISCARE, AVIQ)),
    ],
)
def test_the_cadastres_on_both_sides_of_the_cutover(
    source: AuthenticSource, to_2023: tuple[Operator, ...], from_2024: tuple[Operator, ...]
) -> None:
    assert holders(source, day("2023-12-31")) == to_2023
    assert holders(source, day("2024-01-01")) == from_2024
    assert holders(source, day("1950-06-01")) == to_2023
    assert holders(source, day("2999-12-31")) == from_2024


def test_the_cutover() -> None:
    assert day("2024-01-01") == CUTOVER
    assert len(HOLDINGS) == 9


def test_the_archives() -> None:
    assert ARCHIVES == {BRUSSELS: IRISCARE}
    assert OTHER_ARCHIVE is AVIQ
