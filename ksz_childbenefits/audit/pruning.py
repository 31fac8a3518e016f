"""Deleting what is older than it may be kept, so that the rest can still be verified.

Of each chain its beginning is deleted; a signed cut in ``audit_chains`` stands for it from then on.
The cut comes before what it stands for is deleted: stopped or killed, the next run goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.marks import cut, head_of_cut
from ksz_childbenefits.audit.record import milliseconds
from ksz_childbenefits.registers.audit_schema import (
    audit_chains,
    audit_evidence,
    audit_persons,
    audit_records,
)
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.security.credentials import ServiceCredentials

_log = logging.getLogger(__name__)

_BATCH: Final = 5000
"""How many items are deleted at a time: writers must not wait for long."""

Watch = Callable[[int], None]
"""Told how many items are deleted."""


def prune(engine: Engine, before: datetime, credentials: ServiceCredentials, watch: Watch) -> int:
    """Delete the items of before that moment, and say how many they were.

    What no mark has sealed stays, and of a chain that goes on its newest item. Raises Unavailable
    when the database does not answer.
    """
    deleted = 0
    with reading(engine) as connection:
        writers = connection.execute(select(audit_chains.c.writer)).scalars().all()
    for writer in sorted(writers):
        with writing(engine) as connection:
            end = _cut(connection, writer, before, credentials)
        while count := _delete(engine, writer, end):
            deleted += count
            watch(deleted)
    return deleted


def _cut(
    connection: Connection, writer: str, before: datetime, credentials: ServiceCredentials
) -> int:
    """The number up to which the chain is cut, from now on if not before."""
    chains = audit_chains.c
    row = connection.execute(select(audit_chains).where(chains.writer == writer)).one()
    done = 0 if row.cut_text is None else head_of_cut(row.cut_text).number
    head = _last_before(connection, writer, before, ended=row.ended)
    if head is None or head.number <= done:
        return done
    text, signature = cut(head, before, credentials, datetime.now(UTC))
    values = {"cut_text": text, "cut_signature": signature}
    connection.execute(update(audit_chains).where(chains.writer == writer).values(values))
    told = {"writer": writer, "number": head.number, "hash": head.hash.hex()}
    _log.warning("audit chain cut", extra=told)
    return head.number


def _last_before(
    connection: Connection, writer: str, before: datetime, *, ended: bool
) -> Head | None:
    """The newest item of before then, if a mark vouches for it."""
    items = audit_records.c
    of_writer = items.writer == writer
    newest = connection.execute(select(func.max(items.number)).where(of_writer)).scalar()
    if newest is None:
        return None
    sealed = connection.execute(
        select(items.number)
        .where(of_writer, items.signature.is_not(None))
        .order_by(items.number.desc())
        .limit(1)
    ).scalar()
    end = _first_since(connection, writer, milliseconds(before)) or newest + 1
    number = min(end - 1, newest if ended else newest - 1, sealed or 0)
    row = connection.execute(select(items.hash).where(of_writer, items.number == number)).first()
    return Head(writer, number, row.hash) if row else None


def _first_since(connection: Connection, writer: str, moment: int) -> int | None:
    """The first item from that moment on, searched by halves: there is no index on the time."""
    items = audit_records.c
    ends = select(func.min(items.number), func.max(items.number)).where(items.writer == writer)
    low, high = connection.execute(ends).one()
    if low is None:
        return None
    high += 1
    last = high
    while low < high:
        middle = (low + high) // 2
        at = select(items.at).where(items.writer == writer, items.number == middle)
        if connection.execute(at).scalar_one() < moment:
            low = middle + 1
        else:
            high = middle
    return low if low < last else None


def _delete(engine: Engine, writer: str, end: int) -> int:
    """Delete the oldest items up to ``end``; how many."""
    items = audit_records.c
    with writing(engine) as connection:
        first = connection.execute(
            select(func.min(items.number)).where(items.writer == writer, items.number <= end)
        ).scalar()
        if first is None:
            return 0
        last = min(end, first + _BATCH - 1)
        for table in (audit_evidence, audit_persons):
            of_writer = (table.c.writer == writer) & (table.c.number <= last)
            connection.execute(delete(table).where(of_writer))
        gone = delete(audit_records).where(items.writer == writer, items.number <= last)
        return int(connection.execute(gone).rowcount)
