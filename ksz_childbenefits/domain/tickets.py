"""A customer's own reference of a call, as it is stored (DOMAIN 5)."""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHARACTERS: Final = 32


def stored(ticket: str) -> str:
    """A UUID whole, of anything else the first 32 characters."""
    return ticket if _UUID.fullmatch(ticket) else ticket[:_CHARACTERS]
