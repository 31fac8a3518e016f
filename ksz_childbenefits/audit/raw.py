"""Items as the database holds them, whatever somebody with access to it has put there.

SQLite keeps any kind of value in any column, and text that is none. Nothing of that may stop who
reads the trail: it becomes a value that fits nothing, so that the item is found fault with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Label, type_coerce
from sqlalchemy.types import NullType


class Row(NamedTuple):
    """An item, in the order of the columns; ``number`` is 0 where it is no number."""

    writer: str
    number: int
    at: int
    ticket: str | None
    caller: str | None
    customer_ticket: str | None
    ssin: str | None
    text: str
    hash: bytes
    signature: bytes | None


def row_of(values: Any) -> Row:
    """The item in a row of the table."""
    writer, number, at, ticket, caller, customer_ticket, ssin, text, digest, signature = values
    return Row(
        writer if isinstance(writer, str) else repr(writer),
        number if isinstance(number, int) else 0,
        at if isinstance(at, int) else -1,
        text_or_none(ticket),
        text_or_none(caller),
        text_or_none(customer_ticket),
        text_or_none(ssin),
        text if isinstance(text, str) else repr(text),
        digest if isinstance(digest, bytes) else b"",
        signature if signature is None or isinstance(signature, bytes) else b"",
    )


def text_or_none(value: object) -> str | None:
    """A text; what is none becomes one that differs: SQLite would not find it by the text."""
    return value if value is None or isinstance(value, str) else repr(value)


def raw(column: Column[Any]) -> Label[Any]:
    """The column, without regard to the type that it should have."""
    return type_coerce(column, NullType()).label(column.name)


@contextmanager
def leniently(connection: Connection, errors: str = "backslashreplace") -> Iterator[None]:
    """Meanwhile text that is not UTF-8 is read with escapes in its place, or others (codecs).

    No text of ours reads so: JSON knows no such escapes. PostgreSQL lets none in.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda found: found.decode("utf-8", errors)
    try:
        yield
    finally:
        driver.text_factory = str


def members_of(text: str) -> dict[str, Any]:
    """The members of an item's text; none where it is no JSON object."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
