"""References of a call: the customer's own, as it is stored, and ours (DOMAIN 5)."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import Final

_UUID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHARACTERS: Final = 32


def stored(ticket: str) -> str:
    """A UUID whole, of anything else the first 32 characters."""
    return ticket if _UUID.fullmatch(ticket) else ticket[:_CHARACTERS]


def new_ticket() -> str:
    """A new ticketCBSS: a lower-case UUID of version 7 (RFC 9562), the later the greater.

    So the audit trail's index of tickets grows at its end, and not a page for each record.
    """
    milliseconds, chance = time.time_ns() // 1_000_000, secrets.randbits(74)
    high = milliseconds << 16 | 7 << 12 | chance >> 62
    low = 0b10 << 62 | chance & ((1 << 62) - 1)
    return str(uuid.UUID(int=high << 64 | low))
