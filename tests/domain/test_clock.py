"""The consultation day: midnight in Brussels decides, not UTC (DOMAIN, three clocks)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from ksz_childbenefits.domain.clock import consultation_day, parse_as_of


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC), date(2023, 12, 31)),
        (datetime(2023, 12, 31, 23, 0, 0, tzinfo=UTC), date(2024, 1, 1)),  # winter: UTC+1
        (datetime(2024, 6, 30, 21, 59, 59, tzinfo=UTC), date(2024, 6, 30)),
        (datetime(2024, 6, 30, 22, 0, 0, tzinfo=UTC), date(2024, 7, 1)),  # summer: UTC+2
        (datetime(2024, 1, 1, 5, tzinfo=timezone(timedelta(hours=9))), date(2023, 12, 31)),
    ],
)
def test_the_day_in_brussels(instant: datetime, expected: date) -> None:
    assert consultation_day(instant) == expected


def test_an_instant_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        consultation_day(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-12-31", date(2023, 12, 31)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-12-31T22:59:59Z", date(2023, 12, 31)),
        ("2023-12-31T23:00:00Z", date(2024, 1, 1)),
        ("2023-12-31T23:00Z", date(2024, 1, 1)),
        ("2024-01-01T00:00:00+01:00", date(2024, 1, 1)),
        ("2024-01-01T00:00:00+01:01", date(2023, 12, 31)),
        ("2023-12-31T18:30:00-05:00", date(2024, 1, 1)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2999-12-31", date(2999, 12, 31)),
    ],
)
def test_as_of_a_day_or_an_instant(text: str, expected: date) -> None:
    assert parse_as_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "20231231",
        "2023-W52-7",
        "2023-02-29",
        "2023-12-31T23:00:00",
        "2023-12-31 23:00:00Z",
        "2023-12-31T24:30:00Z",
        "2023-12-31T",
        "1899-12-31",
        "3000-01-01",
        "2999-12-31T23:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_as_of(text)
