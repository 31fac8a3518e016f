"""The Timestamp of a message, and whether it is fresh (SECURITY 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from lxml import etree

from ksz_childbenefits.contract.namespaces import WSU
from ksz_childbenefits.errors import InvalidSecurity, MessageExpired
from ksz_childbenefits.security.elements import text_of
from ksz_childbenefits.security.trust import TrustPolicy

CREATED: Final = f"{{{WSU}}}Created"
EXPIRES: Final = f"{{{WSU}}}Expires"

_DATE_TIME: Final = re.compile(
    r"(?P<year>-?(?:[1-9][0-9]{3,}|0[0-9]{3}))-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)
_ANY_LEAP_YEAR: Final = 2000
_BEGIN_OF_TIME: Final = datetime.min.replace(tzinfo=UTC)
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When a message was made, and until when its sender wants it taken (None: not said)."""

    created: datetime
    expires: datetime | None


def read_timestamp(element: etree._Element) -> Timestamp:
    """Read a wsu:Timestamp; InvalidSecurity without exactly one Created, or with two Expires."""
    created, expires = (
        [instant(text_of(child)) for child in element if child.tag == tag]
        for tag in (CREATED, EXPIRES)
    )
    if len(created) != 1 or len(expires) > 1:
        raise InvalidSecurity("the Timestamp does not hold one Created and at most one Expires")
    return Timestamp(created[0], expires[0] if expires else None)


def instant(text: str) -> datetime:
    """An xsd:dateTime with a zone, in UTC; InvalidSecurity for anything else.

    What is finer than a microsecond is cut off. Years that Python has not are the end (or begin) of
    time. 24:00:00 is the next midnight; XSD knows no second 60.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise InvalidSecurity("a time of the Timestamp is no xsd:dateTime with a zone")
    year: str = match["year"]
    beyond = len(year) > len("9999")
    month, day, hour, minute, second = (
        int(match[name]) for name in ("month", "day", "hour", "minute", "second")
    )
    fraction = match["fraction"] or ""
    midnight = hour == 24 and minute == second == 0 and not fraction.strip("0")
    try:
        moment = datetime(
            _ANY_LEAP_YEAR if beyond else int(year),
            month,
            day,
            0 if midnight else hour,
            minute,
            second,
            int(fraction[:6].ljust(6, "0")),
            tzinfo=_zone(match["zone"]),
        )
    except ValueError:
        raise InvalidSecurity("a time of the Timestamp is not in the calendar") from None
    limit = _BEGIN_OF_TIME if year < "1" else _END_OF_TIME
    try:
        return limit if beyond else (moment + timedelta(days=midnight)).astimezone(UTC)
    except OverflowError:
        return limit


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def refuse_untimely(timestamp: Timestamp, policy: TrustPolicy, now: datetime) -> None:
    """Refuse with MessageExpired what is too old, too far ahead, or past its own Expires.

    Expires can only shorten the time in which a message is taken, never prolong it.
    """
    created, expires = timestamp.created, timestamp.expires
    if now - created > policy.max_age:
        raise MessageExpired("Created is too long ago")
    if created - now > policy.max_ahead:
        raise MessageExpired("Created is too far ahead")
    if expires is not None and expires <= created:
        raise MessageExpired("Expires is not after Created")
    if expires is not None and expires <= now:
        raise MessageExpired("Expires has passed")
