"""Freshness: at most 300 s old, 60 s ahead, never longer than Expires (SECURITY 3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from ksz_childbenefits.contract.namespaces import WSU
from ksz_childbenefits.errors import InvalidSecurity, MessageExpired
from ksz_childbenefits.security.freshness import (
    Timestamp,
    instant,
    read_timestamp,
    refuse_untimely,
)
from ksz_childbenefits.security.trust import Trust, TrustPolicy
from tests.security.checks import check, refusal
from tests.security.messages import Recipe, algorithm_for, by_xmlsec
from tests.security.pki import NOW, pki

ORDINARY = Recipe(algorithm=algorithm_for(pki().p256))
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
BEGIN = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-10T12:00:00Z", NOW),
        ("2026-03-10T12:00:00.000Z", NOW),
        ("2026-03-10T13:00:00+01:00", NOW),
        ("2026-03-10T07:30:00.0-04:30", NOW),
        ("2026-03-11T02:00:00+14:00", NOW),
        ("2026-03-10T12:00:00.123456789012345678901234567890Z", at("2026-03-10T12:00:00.123456Z")),
        ("2026-03-10T12:00:00.5Z", at("2026-03-10T12:00:00.500000Z")),
        ("2026-03-09T24:00:00Z", at("2026-03-10T00:00:00Z")),
        ("2026-12-31T24:00:00.000Z", at("2027-01-01T00:00:00Z")),
        ("2024-02-29T12:00:00Z", at("2024-02-29T12:00:00Z")),
        ("9999-12-31T23:59:59.999999Z", END),
        ("9999-12-31T23:59:59-14:00", END),
        ("9999-12-31T24:00:00Z", END),
        ("12026-03-10T12:00:00Z", END),
        ("99999999999999999999-03-10T12:00:00Z", END),
        ("0001-01-01T00:00:00+14:00", BEGIN),
        ("-2026-03-10T12:00:00Z", BEGIN),
    ],
)
def test_a_date_time_of_xsd_is_read(text: str, moment: datetime) -> None:
    assert instant(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-10T12:00:00",
        "2026-03-10",
        "2026-03-10 12:00:00Z",
        "2026-03-10T12:00Z",
        "2026-03-10T12:00:00z",
        "2026-03-10T12:00:00.Z",
        "2026-03-10T12:00:00+0100",
        "2026-03-10T12:00:00+14:01",
        "2026-03-10T12:00:00+01:60",
        "2026-03-10T12:00:60Z",
        "2026-03-10T23:59:60Z",
        "2026-03-10T24:00:01Z",
        "2026-03-10T24:00:00.1Z",
        "2026-03-10T25:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-13-10T12:00:00Z",
        "0000-03-10T12:00:00Z",
        "02026-03-10T12:00:00Z",
        "+2026-03-10T12:00:00Z",
        "\u0662\u0660\u0662\u0666-03-10T12:00:00Z",
        "2026-03-10T12:00:00Z\n2026-03-10T12:00:00Z",
    ],
)
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(InvalidSecurity):
        instant(text)


def test_a_year_without_end_is_read_at_once() -> None:
    assert instant("9" * 100_000 + "-01-01T00:00:00Z") == END


def test_blanks_around_the_times_are_those_of_xsd() -> None:
    element = etree.fromstring(
        f'<u:Timestamp xmlns:u="{WSU}"><u:Expires>2026-03-10T12:01:00Z</u:Expires>'
        "<u:Created>\n\t 2026-03-10T12:00:00Z \r</u:Created></u:Timestamp>"
    )
    assert read_timestamp(element) == Timestamp(NOW, NOW + 60 * SECOND)


@pytest.mark.parametrize("age", [timedelta(0), 300 * SECOND, -60 * SECOND])
def test_fresh_to_the_last_moment(age: timedelta) -> None:
    assert check(by_xmlsec(ORDINARY.with_(created=NOW - age, expires=None), pki().p256))


@pytest.mark.parametrize("age", [301 * SECOND, -61 * SECOND, timedelta(days=400)])
def test_stale_and_future_messages_are_expired(age: timedelta) -> None:
    message = by_xmlsec(ORDINARY.with_(created=NOW - age, expires=None), pki().p256)
    assert refusal(message) is MessageExpired


@pytest.mark.parametrize("age", [300 * SECOND + MOMENT, -60 * SECOND - MOMENT])
def test_the_limits_are_exact(age: timedelta) -> None:
    with pytest.raises(MessageExpired):
        refuse_untimely(Timestamp(NOW - age, None), pki().policy(), NOW)


def test_expires_never_prolongs_the_tolerance() -> None:
    recipe = ORDINARY.with_(created=NOW - 301 * SECOND, expires=timedelta(hours=1))
    assert refusal(by_xmlsec(recipe, pki().p256)) is MessageExpired


@pytest.mark.parametrize(
    ("age", "validity"), [(60, 30), (60, 60), (0, 0), (0, -1)], ids=lambda value: f"{value} s"
)
def test_expires_can_shorten_it(age: int, validity: int) -> None:
    recipe = ORDINARY.with_(created=NOW - age * SECOND, expires=validity * SECOND)
    assert refusal(by_xmlsec(recipe, pki().p256)) is MessageExpired


def test_the_tolerance_is_the_policys() -> None:
    policy = TrustPolicy(pki().policy().anchors, max_age=10 * SECOND, max_ahead=5 * SECOND)
    message = by_xmlsec(ORDINARY, pki().p256)
    assert check(message, NOW + 10 * SECOND, Trust(policy)).expires_acceptance == NOW + 15 * SECOND
    assert refusal(message, NOW + 11 * SECOND, Trust(policy)) is MessageExpired
    assert refusal(message, NOW - 6 * SECOND, Trust(policy)) is MessageExpired


@pytest.mark.parametrize("created", [BEGIN, END])
def test_the_ends_of_time_are_refused_without_overflow(created: datetime) -> None:
    with pytest.raises(MessageExpired):
        refuse_untimely(Timestamp(created, None), pki().policy(), NOW)
