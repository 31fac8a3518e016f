"""Which deliberations apply, and why others do not (DOMAIN 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ksz_childbenefits.domain.customers import Deliberation, Obstacle, Revocation
from ksz_childbenefits.domain.withholding import UnknownBlock
from tests.domain.makers import FLANDERS, day

HELD = Deliberation(
    "18/098",
    "fedris",
    frozenset(("A", "B")),
    frozenset((FLANDERS,)),
    None,
    False,
    day("2020-01-01"),
    None,
)
REVOCATION = Revocation(datetime(2024, 6, 1, 12, tzinfo=UTC), "withdrawn by the Committee")


@pytest.mark.parametrize(
    ("on", "to", "obstacle"),
    [
        ("2019-12-31", None, Obstacle.NOT_YET),
        ("2020-01-01", None, None),
        ("2999-12-31", None, None),
        ("2024-06-30", "2024-06-30", None),
        ("2024-07-01", "2024-06-30", Obstacle.NO_LONGER),
    ],
)
def test_it_applies_on_its_first_and_last_day(
    on: str, to: str | None, obstacle: Obstacle | None
) -> None:
    held = replace(HELD, valid_to=day(to) if to else None)
    assert held.obstacle("A", day(on)) is obstacle


def test_it_applies_in_its_legal_contexts_alone() -> None:
    assert HELD.obstacle("B", day("2020-01-01")) is None
    assert HELD.obstacle("a", day("2020-01-01")) is Obstacle.OTHER_CONTEXT


@pytest.mark.parametrize("on", ["2019-12-31", "2024-05-31", "2024-06-01", "2999-12-31"])
def test_a_revoked_one_applies_to_no_day(on: str) -> None:
    """Not before its revocation either: else whoever moves the day could still use it."""
    assert replace(HELD, revoked=REVOCATION).obstacle("A", day(on)) is Obstacle.REVOKED


def test_what_nobody_can_withhold_is_refused() -> None:
    """Ignoring the name would show what it was meant to withhold."""
    with pytest.raises(UnknownBlock, match=r"block of data to withhold: file/children, x$"):
        replace(HELD, withheld=frozenset(("x", "bonuses", "file/children")))
