"""What is kept of one exchange, and the JSON that stands for it for ever (SECURITY 5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ksz_childbenefits.contract.codec import instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

BEGUN: Final = "begun"
"""The status of a record that comes before its exchange writes: there is no reply yet."""

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(slots=True)
class Particulars:
    """What a service knows of an exchange; empty where it did not come that far.

    ``ticket``: the customer's own, as it is stored. ``deliberations``: the numbers of those that
    apply. ``persons``: the SSINs asked for. ``begin`` and ``end``: the period, as sent. ``asked``:
    the sources named, None where none is. ``statuses``: the code of each source asked.
    ``withheld``: the blocks that each source asked came without.
    """

    ticket: str | None = None
    legal_context: str | None = None
    deliberations: Sequence[str] = ()
    persons: Sequence[str] = ()
    begin: str | None = None
    end: str | None = None
    asked: Sequence[str] | None = None
    consulted: Sequence[str] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Record:
    """An exchange whose reply is ready to be sent.

    ``ticket`` is ticketCBSS, ``certificate`` the SHA-256 (hex) of the caller's. ``status`` is the
    code replied; ``fault`` the fault code, None for a reply that is none. ``request`` and ``reply``
    are the bytes themselves, of which the record keeps the SHA-256; no reply: ``BEGUN``.
    ``evidence``: whether the messages may be kept beside the record.
    """

    ticket: str
    service: str
    operation: str
    caller: str
    certificate: str
    particulars: Particulars
    status: str
    fault: str | None
    received: datetime
    replied: datetime
    request: bytes
    reply: bytes
    evidence: bool = True

    def body(self) -> str:
        """The record as a JSON object: in a fixed order, no blanks, ASCII, nothing empty."""
        told = self.particulars
        members: dict[str, Any] = {
            "ticket": self.ticket,
            "service": self.service,
            "operation": self.operation,
            "caller": self.caller,
            "certificate": self.certificate,
            "customerTicket": told.ticket,
            "legalContext": told.legal_context,
            "deliberations": told.deliberations,
            "persons": told.persons,
            "begin": told.begin,
            "end": told.end,
            "asked": told.asked,
            "consulted": told.consulted,
            "statuses": told.statuses,
            "withheld": told.withheld,
            "status": self.status,
            "fault": self.fault,
            "received": instant(self.received),
            "replied": instant(self.replied),
            "request": hashlib.sha256(self.request).hexdigest(),
            "reply": hashlib.sha256(self.reply).hexdigest() if self.reply else None,
        }
        return _encode({name: value for name, value in members.items() if value})


@dataclass(slots=True)
class Entry:
    """A record to be written: its JSON, and the messages in the form in which they are kept."""

    record: Record
    body: str
    evidence: tuple[bytes, bytes] | None = None


def encode(members: Mapping[str, Any]) -> str:
    """A JSON object in the form of all texts of the trail."""
    return _encode(members)


def milliseconds(moment: datetime) -> int:
    """A moment as the tables hold it: whole milliseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MILLISECOND
