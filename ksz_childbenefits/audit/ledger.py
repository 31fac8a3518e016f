"""The trail in the database: what is written of it, and what writers ask of each other's chains.

All within a transaction of the caller's (registers.database).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, Table, bindparam, func, insert, or_, select, text, update

from ksz_childbenefits.audit.chain import Head, Item
from ksz_childbenefits.registers.audit_schema import (
    audit_chains,
    audit_evidence,
    audit_persons,
    audit_records,
)

_PLACEHOLDERS: Final = {"sqlite": "?", "postgresql": "%s"}

_ROWS: Final = 100
"""How many rows a statement inserts at most: databases bound the number of its values."""

_DURABLE: Final = ("fsync", "synchronous_commit")
"""Settings of PostgreSQL that must not be off."""


class Chain(NamedTuple):
    """A chain as others see it: its head, when its writer was known to live, if it has ended.

    ``head`` is None where all of it is deleted.
    """

    writer: str
    seen: int
    ended: bool
    head: Head | None


@cache
def _insert(table: Table, dialect: str, rows: int) -> str:
    """One statement for so many rows, in the driver's words: SQLAlchemy's own way costs thrice."""
    names = [column.name for column in table.columns]
    row = f"({', '.join([_PLACEHOLDERS[dialect]] * len(names))})"
    places = ", ".join([row] * rows)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {places}"  # noqa: S608 - our own names


def add(
    connection: Connection, items: Sequence[Item], evidence: Iterable[tuple[Head, bytes, bytes]]
) -> None:
    """Add items to their chains, with the messages that are kept of them.

    IntegrityError where a number is taken: somebody else has written to that chain.
    """
    for statement, values in insertions(connection.dialect.name, items, evidence):
        connection.exec_driver_sql(statement, tuple(values))


def insertions(
    dialect: str, items: Sequence[Item], evidence: Iterable[tuple[Head, bytes, bytes]]
) -> list[tuple[str, list[object]]]:
    """The statements by which ``add`` inserts its rows, with their values.

    As few as can be: between two of them other threads run, while the database is locked.
    """
    tables: dict[Table, list[tuple[object, ...]]] = {
        audit_records: [_row(item) for item in items],
        audit_persons: [
            (item.head.writer, item.head.number, person)
            for item in items
            if item.record is not None and len(item.record.particulars.persons) > 1
            for person in dict.fromkeys(item.record.particulars.persons)
        ],
        audit_evidence: [(head.writer, head.number, *messages) for head, *messages in evidence],
    }
    return [
        (_insert(table, dialect, len(several)), [value for row in several for value in row])
        for table, rows in tables.items()
        for several in (rows[at : at + _ROWS] for at in range(0, len(rows), _ROWS))
    ]


def _row(item: Item) -> tuple[object, ...]:
    """The columns of ``audit_records``, in their order."""
    head, record = item.head, item.record
    if record is None:
        searched: tuple[str | None, ...] = (None, None, None, None)
    else:
        told = record.particulars
        person = told.persons[0] if len(told.persons) == 1 else None
        searched = (record.ticket, record.caller, told.ticket, person)
    return (head.writer, head.number, item.at, *searched, item.text, head.hash, item.signature)


_newest = (
    select(audit_records.c.number, audit_records.c.hash)
    .where(audit_records.c.writer == bindparam("writer"))
    .order_by(audit_records.c.number.desc())
    .limit(1)
)


def newest(connection: Connection, writer: str) -> Head | None:
    """The head of a chain; None for one that holds nothing."""
    row = connection.execute(_newest, {"writer": writer}).first()
    return Head(writer, row.number, row.hash) if row else None


def forgetful(connection: Connection) -> str | None:
    """The server's setting by which a commit may return before it is on the disk, or None."""
    if connection.dialect.name != "postgresql":
        return None
    shown = ((name, connection.execute(text(f"SHOW {name}")).scalar()) for name in _DURABLE)
    return next((name for name, value in shown if value == "off"), None)


def begin(connection: Connection, writer: str, now: int) -> None:
    """Enter a new chain."""
    connection.execute(insert(audit_chains).values(writer=writer, seen=now, ended=False))


def live(connection: Connection, writer: str, now: int) -> None:
    """Enter that a chain's writer lives."""
    row = audit_chains.c.writer == writer
    connection.execute(update(audit_chains).where(row).values(seen=now))


def end(connection: Connection, writer: str, now: int) -> bool:
    """Enter that a chain has ended; False where it had. Others who do so wait for this commit."""
    row = (audit_chains.c.writer == writer) & ~audit_chains.c.ended
    done = connection.execute(update(audit_chains).where(row).values(seen=now, ended=True))
    return done.rowcount == 1


def latest(connection: Connection) -> int:
    """When any writer was last seen; 0 where there never was one."""
    return connection.execute(select(func.max(audit_chains.c.seen))).scalar() or 0


def others(connection: Connection, writer: str, since: int) -> list[Chain]:
    """The chains but the writer's own that have not ended, or were seen ``since`` then."""
    chains, items, any_item = audit_chains.c, audit_records.c, audit_records.alias()
    newest_number = (
        select(func.max(any_item.c.number)).where(any_item.c.writer == chains.writer)
    ).scalar_subquery()
    query = (
        select(chains.writer, chains.seen, chains.ended, items.number, items.hash)
        .outerjoin_from(
            audit_chains,
            audit_records,
            (items.writer == chains.writer) & (items.number == newest_number),
        )
        .where(chains.writer != writer, or_(~chains.ended, chains.seen >= since))
        .order_by(chains.writer)
    )
    return [
        Chain(
            row.writer,
            row.seen,
            row.ended,
            None if row.number is None else Head(row.writer, row.number, row.hash),
        )
        for row in connection.execute(query)
    ]
