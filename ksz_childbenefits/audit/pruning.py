"""Deleting what is older than it may be kept, so that the rest can still be verified.

Of each chain its beginning is deleted; a signed cut in ``audit_chains`` stands for it from then on.
The cut comes before what it stands for is deleted: stopped or killed, the next run goes on.

What is old is told by signed marks alone: whatever else the database says, somebody with access to
it can have put there, to have a deletion take what is to be hidden, and our key vouch for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.marks import Believed, cut
from ksz_childbenefits.audit.raw import Row, leniently, members_of, raw, row_of
from ksz_childbenefits.audit.record import milliseconds
from ksz_childbenefits.registers.audit_schema import (
    audit_chains,
    audit_evidence,
    audit_persons,
    audit_records,
)
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.security.credentials import ServiceCredentials

_BATCH: Final = 5000
"""How many items are deleted at a time: writers must not wait for long."""

Watch = Callable[[int], None]
"""Told how many items are deleted."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run did: how many items it deleted, and the chains that it cut, up to where.

    ``doubtful``: the writers of chains of which nothing was deleted, for what says how old they are
    is not signed by a key that is believed.
    """

    deleted: int
    cuts: tuple[Head, ...]
    doubtful: tuple[str, ...]


class _Doubtful(Exception):
    """A chain's marks, or its cut, are not what they must be."""


def prune(
    engine: Engine,
    before: datetime,
    credentials: ServiceCredentials,
    believed: Believed,
    watch: Watch,
) -> Pruned:
    """Delete the items that a mark of before that moment seals.

    What no mark has sealed stays, and of a chain that goes on its newest item. ``credentials`` sign
    the cuts. Raises Unavailable when the database does not answer.
    """
    deleted, cuts, doubtful = 0, [], []
    with reading(engine) as connection:
        writers = connection.execute(select(audit_chains.c.writer)).scalars().all()
    for writer in sorted(writers):
        try:
            with writing(engine) as connection, leniently(connection):
                done = _done(connection, writer, believed)
                head = _last_before(connection, writer, before, believed)
                if head is not None and head.number > done:
                    _cut(connection, head, before, credentials)
                    cuts.append(head)
                    done = head.number
        except _Doubtful:
            doubtful.append(writer)
            continue
        while count := _delete(engine, writer, done):
            deleted += count
            watch(deleted)
    return Pruned(deleted, tuple(cuts), tuple(doubtful))


def _done(connection: Connection, writer: str, believed: Believed) -> int:
    """The number up to which the chain was cut before; what was left then is deleted now."""
    chains = audit_chains.c
    query = select(raw(chains.cut_text), raw(chains.cut_signature)).where(chains.writer == writer)
    text, signature = connection.execute(query).one()
    if text is None:
        return 0
    head = believed.deleted(str(text), signature, writer)
    if head is None:
        raise _Doubtful
    return head.number


def _cut(
    connection: Connection, head: Head, before: datetime, credentials: ServiceCredentials
) -> None:
    text, signature = cut(head, before, credentials, datetime.now(UTC))
    values = {"cut_text": text, "cut_signature": signature}
    row = audit_chains.c.writer == head.writer
    connection.execute(update(audit_chains).where(row).values(values))


def _last_before(
    connection: Connection, writer: str, before: datetime, believed: Believed
) -> Head | None:
    """The newest mark of before then; the item before it, if a chain that goes on ends there."""
    items = audit_records.c
    of_writer = items.writer == writer
    newest = connection.execute(select(func.max(items.number)).where(of_writer)).scalar_one()
    ended = connection.execute(
        select(audit_chains.c.ended).where(audit_chains.c.writer == writer)
    ).scalar_one()
    query = (
        select(*(raw(items[name]) for name in Row._fields))
        .where(of_writer, items.signature.is_not(None), items.at < milliseconds(before))
        .order_by(items.number.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    mark = row_of(found)
    previous = _previous(mark, before, believed)
    if ended or mark.number < newest:
        return Head(writer, mark.number, hashlib.sha256(mark.text.encode()).digest())
    return Head(writer, mark.number - 1, previous) if mark.number > 1 else None


def _previous(mark: Row, before: datetime, believed: Believed) -> bytes:
    """The hash before a mark, if the mark itself says, signed, where it stands and since when."""
    told = members_of(mark.text)
    try:
        signed = believed.signed(mark.text, mark.signature or b"", told.get("signer"))
        old = datetime.fromisoformat(told["at"]) < before
        in_place = (told["writer"], told["number"]) == (mark.writer, mark.number)
        if signed and old and in_place:
            return bytes.fromhex(told["previous"])
    except (ValueError, KeyError, TypeError):
        pass
    raise _Doubtful


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
