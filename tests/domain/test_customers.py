"""Deliberations are valid from a day to a day (DOMAIN 7)."""

from __future__ import annotations

import pytest

from ksz_childbenefits.domain.customers import Deliberation
from tests.domain.makers import FLANDERS, day


@pytest.mark.parametrize(
    ("on", "to", "valid"),
    [
        ("2019-12-31", None, False),
        ("2020-01-01", None, True),
        ("2999-12-31", None, True),
        ("2024-06-30", "2024-06-30", True),
        ("2024-07-01", "2024-06-30", False),
    ],
)
def test_a_deliberation_is_valid_on_its_first_and_last_day(
    on: str, to: str | None, valid: bool
) -> None:
    held = Deliberation(
        "18/098",
        "fedris",
        frozenset(("A",)),
        frozenset((FLANDERS,)),
        None,
        False,
        day("2020-01-01"),
        day(to) if to else None,
    )
    assert held.valid_on(day(on)) is valid
