"""Lines of the person repertory: which route (DOMAIN 2, quality codes)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ksz_childbenefits.domain.persons import (
    CHILD_QUALITY,
    NEVER_ROUTING,
    ROUTING_QUALITIES,
    ROUTING_ROLES,
)
from tests.domain.makers import WALLONIA, line


@pytest.mark.parametrize(
    ("quality", "role"),
    [
        (101, "entitled person"),
        (102, "beneficiary type 1"),
        (103, "beneficiary type 2"),
        (104, "child"),
        (105, "third party type 1"),
        (106, "third party type 2"),
    ],
)
def test_the_roles_that_route(quality: int, role: str) -> None:
    assert ROUTING_ROLES[quality] == role
    assert line(WALLONIA, "2020-01-01", quality=quality).routes


def test_no_other_role_routes() -> None:
    assert set(ROUTING_QUALITIES) == {101, 102, 103, 104, 105, 106}
    assert CHILD_QUALITY == 104


@pytest.mark.parametrize("quality", [100, 107, 902, 999])
def test_under_investigation_provisional_and_replaced_never_route(quality: int) -> None:
    assert not line(WALLONIA, "2020-01-01", quality=quality).routes


@pytest.mark.parametrize("phase", [902, 999])
def test_provisional_or_replaced_as_a_phase_never_routes(phase: int) -> None:
    assert phase in NEVER_ROUTING
    assert not line(WALLONIA, "2020-01-01", phase=phase).routes


@pytest.mark.parametrize("phase", [None, 0, 1])
def test_other_phases_route(phase: int | None) -> None:
    assert line(WALLONIA, "2020-01-01", phase=phase).routes


def test_the_quality_codes_are_those_of_sector_7() -> None:
    assert not line(WALLONIA, "2020-01-01", sector=17).routes


def test_an_inscription_of_a_customer_leads_nowhere() -> None:
    held = replace(line(WALLONIA, "2020-01-01"), source=None, customer="fedris")
    assert not held.routes
