"""A chain: each item names its writer, its number and the hash of the item before it.

An item's text is one JSON object that begins with these three; its hash is the SHA-256 of the text.
So whoever knows the newest hash knows that nothing before it was changed, removed or reordered.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ksz_childbenefits.audit.record import Record, milliseconds

NOTHING: Final = bytes(32)
"""What the first item of a chain names as the hash before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain is: its newest item."""

    writer: str
    number: int = 0
    hash: bytes = NOTHING


@dataclass(slots=True)
class Item:
    """One item of a chain; what it has beside ``head`` and ``text`` is what it is searched by."""

    head: Head
    text: str
    at: int
    record: Record | None = None
    signature: bytes | None = None


def new_writer(now: datetime) -> str:
    """A name for the life of a writer: when it began, and what sets it apart."""
    return f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"


def follow(head: Head, body: str) -> tuple[Head, str]:
    """The head and the text of the item that follows; ``body``: a JSON object, not empty."""
    number = head.number + 1
    text = f'{{"writer":"{head.writer}","number":{number},"previous":"{head.hash.hex()}",{body[1:]}'
    return Head(head.writer, number, hashlib.sha256(text.encode()).digest()), text


def recorded(head: Head, record: Record, body: str) -> Item:
    """The item that keeps a record, whose ``body`` was made before."""
    head, text = follow(head, body)
    return Item(head, text, milliseconds(record.replied), record)
