"""Writing into the person repertory, one writer at a time and each ticket once (DOMAIN 2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    insert,
    or_,
    select,
    text,
    update,
)

from ksz_childbenefits.domain.inscriptions import HeldLine, Part
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers.database import asking, one_at_a_time, writing
from ksz_childbenefits.registers.repertory import line_of_row, line_values
from ksz_childbenefits.registers.schema import inscription_tickets, repertory_lines

WRITERS = 8
"""How many write at once in one process, at most.

Each keeps a thread and a connection, for as long as another writer of its part does not end.
"""

_CHUNK = 500
"""How many numbers one statement asks for; SQLite takes at most 999 parameters in old builds."""

_ORDER = (
    repertory_lines.c.begin_date,
    repertory_lines.c.sector,
    repertory_lines.c.quality,
    repertory_lines.c.id,
)

_CLOSE = (
    update(repertory_lines)
    .where(repertory_lines.c.id == bindparam("number"))
    .values(end_date=bindparam("last_day"))
)


class InscriptionRegister:
    """The repertory as its writers see it. Raises Unavailable when the database does not answer."""

    def __init__(self, engine: Engine, writers: int = WRITERS) -> None:
        """Use this database; ``writers``: how many may write, or wait to, at the same time."""
        self._engine = engine
        self._room = threading.BoundedSemaphore(writers)

    @contextmanager
    def writing(self, writer: str) -> Iterator[Ledger]:
        """A transaction in which this writer alone writes its part; an error undoes it all.

        Unavailable at once where too many others write: they must leave room for what only reads.
        """
        if not self._room.acquire(blocking=False):
            raise Unavailable("too many writers of the repertory at once")
        try:
            with writing(self._engine) as connection:
                one_at_a_time(connection, f"inscriptions, {writer}")
                _wait_for_imports(connection)
                yield Ledger(connection, writer)
        finally:
            self._room.release()

    def lines(
        self, part: Part, ssin: str, begin: date | None, end: date | None, limit: int
    ) -> tuple[RepertoryLine, ...]:
        """The part's lines of this number that meet the days ``begin``..``end`` (None: open).

        By their begin, then sector, quality and the order in which they came; the first ``limit``.
        """
        columns = repertory_lines.c
        wanted = [columns.ssin == ssin, *_of(part)]
        if begin is not None:
            wanted.append(or_(columns.end_date.is_(None), columns.end_date >= begin))
        if end is not None:
            wanted.append(columns.begin_date <= end)
        query = select(repertory_lines).where(*wanted).order_by(*_ORDER).limit(limit)
        with asking(self._engine) as connection:
            return tuple(line_of_row(row) for row in connection.execute(query))


class Ledger:
    """One writer's transaction."""

    def __init__(self, connection: Connection, writer: str) -> None:
        """``writer`` has this connection's transaction for itself."""
        self._connection = connection
        self._writer = writer

    def digest(self, ticket: str) -> bytes | None:
        """The digest of what was written under this ticket, or None."""
        table = inscription_tickets
        query = select(table.c.digest).where(
            table.c.writer == self._writer, table.c.ticket == ticket
        )
        return self._connection.execute(query).scalar()

    def remember(self, ticket: str, digest: bytes) -> None:
        """Keep that this content is written under this ticket."""
        values = {"writer": self._writer, "ticket": ticket, "digest": digest}
        self._connection.execute(insert(inscription_tickets), values | {"at": int(time.time())})

    def held(self, part: Part, ssins: Sequence[str]) -> list[HeldLine]:
        """All the part's lines of these numbers."""
        found = []
        for start in range(0, len(ssins), _CHUNK):
            chunk = repertory_lines.c.ssin.in_(ssins[start : start + _CHUNK])
            query = select(repertory_lines).where(chunk, *_of(part)).order_by(*_ORDER)
            rows = self._connection.execute(query)
            found += [HeldLine(row.id, line_of_row(row)) for row in rows]
        return found

    def add(self, lines: Sequence[RepertoryLine]) -> None:
        """Add lines that obey the rules."""
        self._connection.execute(insert(repertory_lines), [line_values(line) for line in lines])

    def close(self, ends: Mapping[int, date | None]) -> None:
        """End the lines of these numbers on these days."""
        values = [{"number": number, "last_day": end} for number, end in ends.items()]
        self._connection.execute(_CLOSE, values)


def _wait_for_imports(connection: Connection) -> None:
    """Write before or after a batch of an import, which locks the table, not beside it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE repertory_lines IN ROW EXCLUSIVE MODE"))


def _of(part: Part) -> list[ColumnElement[bool]]:
    """The conditions that a row is of this part."""
    columns = repertory_lines.c
    if part.source is None:
        return [columns.customer == part.customer]
    if part.archive is None:
        return [columns.source == part.source.value]
    return [columns.source == part.source.value, columns.archive == part.archive.value]
