"""The writer of a chain: what it adds is on the disk when it returns, or it raises.

A chain is a writer's life: it begins with the first record, and ends when the worker stops, or when
somebody else has sealed it in the belief that the worker was dead; then the next one begins. One
thread uses a writer (audit.trail).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, exc

from ksz_childbenefits.audit import ledger
from ksz_childbenefits.audit.chain import Head, Item, new_writer, recorded
from ksz_childbenefits.audit.marks import Mark, Seen, marked
from ksz_childbenefits.audit.neighbours import Neighbours, seal_dead
from ksz_childbenefits.audit.record import Entry, milliseconds
from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers.database import Held
from ksz_childbenefits.security.credentials import ServiceCredentials, ServiceKeys

_log = logging.getLogger(__name__)

CHECKPOINT_RECORDS: Final = 1000
"""After so many records a chain is sealed, at the latest ..."""

CHECKPOINT_SECONDS: Final = 1.0
"""... or so long after the first that is not. What is not sealed yet no signature can prove."""

PULSE_SECONDS: Final = 15.0
"""How often a writer says that it lives, looks after the others, and asks what is durable."""

IDLE_SECONDS: Final = 600.0
"""How long a writer without records may keep to itself what it has seen of the others."""

_RETRY_SECONDS: Final = 1.0
"""How long after it began a group is tried once more, when it failed."""

_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a chain is, and how many of its newest items no mark has sealed."""

    head: Head
    unsealed: int = 0


class _Page:
    """What one transaction adds to a chain."""

    def __init__(self, reach: _Reach, entries: Sequence[Entry]) -> None:
        self.reach = reach
        self.entries = entries
        self.items: list[Item] = []
        self.evidence: list[tuple[Head, bytes, bytes]] = []
        self.marks: list[tuple[Mark, Head]] = []

    def record(self, entry: Entry) -> None:
        item = recorded(self.reach.head, entry.record, entry.body)
        self.items.append(item)
        self.reach = _Reach(item.head, self.reach.unsealed + 1)
        if entry.evidence is not None:
            self.evidence.append((item.head, *entry.evidence))

    def mark(self, mark: Mark, credentials: ServiceCredentials, now: datetime, seen: Seen) -> None:
        item = marked(self.reach.head, mark, credentials, now, seen)
        self.items.append(item)
        self.marks.append((mark, item.head))
        self.reach = _Reach(item.head)


class Writer:
    """Writes records in groups; ``keys`` sign the marks."""

    def __init__(self, engine: Engine, keys: ServiceKeys) -> None:
        """Nothing is written yet."""
        self._engine = engine
        self._held = Held(engine)
        self._dialect = engine.dialect.name
        self._keys = keys
        self._neighbours = Neighbours()
        self._reach: _Reach | None = None
        self._name: str | None = None
        self._forgetful: str | None = None
        self._unsure = False
        self._doubtful: _Page | None = None
        self._stored: Sequence[Entry] = ()
        self._former: Head | None = None
        self._seal_at = self._pulse_at = _NEVER
        self._marked_at = 0.0

    def write(self, entries: Sequence[Entry]) -> None:
        """Store these records durably in one transaction, all or none; at least one.

        What fails is tried again while there is time, from where the chain then is: if a commit was
        done although its answer got lost, the records are found there, and that was that. So none
        is written twice. Raises Unavailable where they are not stored, or nobody can tell: no reply
        may go out then, and the next records go on from where the chain is found to be.
        """
        begun = time.monotonic()
        for last in (False, False, True):
            try:
                self._append(entries)
            except (Unavailable, exc.DBAPIError) as error:
                # IntegrityError: a number is taken, by a commit believed lost or by a seal.
                if last or time.monotonic() > begun + _RETRY_SECONDS:
                    raise _refusal(error) from error
            else:
                return

    def due(self) -> float:
        """Seconds until ``attend`` has something to do."""
        return max(0.0, min(self._seal_at, self._pulse_at) - time.monotonic())

    def attend(self) -> None:
        """Do what is due: seal what is not sealed, say that we live, look after the others.

        What fails is logged, and tried again later.
        """
        try:
            if time.monotonic() >= self._pulse_at:
                self._pulse_at = time.monotonic() + PULSE_SECONDS
                self._pulse()
            if time.monotonic() >= self._seal_at:
                self._seal_at = time.monotonic() + PULSE_SECONDS
                self._append((), Mark.CHECKPOINT)
        except (Unavailable, exc.DBAPIError) as error:
            _log.warning("audit trail not attended", extra={"reason": _refusal(error).reason})

    def stop(self) -> None:
        """End the chain. If that fails it is logged, and another writer will seal it."""
        try:
            self._append((), Mark.STOP)
        except (Unavailable, exc.DBAPIError) as error:
            _log.warning("audit chain not ended", extra={"reason": _refusal(error).reason})
        self._forget()
        self._held.close()

    def _append(self, entries: Sequence[Entry], mark: Mark | None = None) -> None:
        """Add records and then a mark, which may be due anyway, to the chain, or to a new one."""
        if mark is None and self._goes_on(len(entries)):
            self._go_on(entries)
            return
        now = datetime.now(UTC)
        with self._held.writing() as connection:
            self._settle(connection)
            if (self._stored is entries) if entries else (self._reach is None):
                return
            if entries and (self._reach is None or self._forgetful):
                self._refuse_forgetful(connection)
            page = self._page(connection, entries, now)
            for entry in entries:
                page.record(entry)
            if page.reach.unsealed >= CHECKPOINT_RECORDS:
                mark = mark or Mark.CHECKPOINT
            if mark is Mark.STOP:
                self._neighbours.look(connection, page.reach.head.writer, at_all=True)
                ledger.end(connection, page.reach.head.writer, milliseconds(now))
            if mark is not None:
                page.mark(mark, self._keys.at(now), now, Seen(self._neighbours.untold))
            self._unsure = True
            ledger.add(connection, page.items, page.evidence)
            # Its numbers are ours: what was in doubt before was not committed, nor can it be now.
            self._doubtful = page
        self._written(page)

    def _goes_on(self, records: int) -> bool:
        """Whether so many records are all that there is to write behind what we know of."""
        reach = self._reach
        return (
            reach is not None
            and not self._unsure
            and self._forgetful is None
            and reach.unsealed + records < CHECKPOINT_RECORDS
        )

    def _go_on(self, entries: Sequence[Entry]) -> None:
        """As ``_append`` does, with nothing to be asked of the database before."""
        if self._reach is None:
            raise RuntimeError("a chain that has not begun goes on")
        page = _Page(self._reach, entries)
        for entry in entries:
            page.record(entry)
        self._unsure, self._doubtful = True, page
        self._held.store(ledger.insertions(self._dialect, page.items, page.evidence))
        self._written(page)

    def _settle(self, connection: Connection) -> None:
        """After a failure find out how far the chain is; it may not be ours any more.

        A commit that is in doubt and not found may still come: then it has its numbers, what we add
        is refused, and we look again.
        """
        if not self._unsure or self._name is None:
            return
        head = ledger.newest(connection, self._name)
        if self._doubtful and self._doubtful.reach.head == head:
            self._written(self._doubtful)
        elif self._reach is None:
            if head is not None:
                self._forget()
        elif self._reach.head != head:
            self._former = self._reach.head
            self._forget()

    def _refuse_forgetful(self, connection: Connection) -> None:
        """Raise Unavailable where the disk may not have a record when its commit returns."""
        self._forgetful = ledger.forgetful(connection)
        if self._forgetful is not None:
            raise Unavailable(f"the audit trail needs {self._forgetful}, which is off")

    def _page(self, connection: Connection, entries: Sequence[Entry], now: datetime) -> _Page:
        """Where to write next: after what there is, or in a new chain."""
        if self._reach is not None:
            return _Page(self._reach, entries)
        # The name of a beginning in doubt stays: under it, only one of the two can be committed.
        self._name = self._name or new_writer(now)
        page = _Page(_Reach(Head(self._name)), entries)
        ledger.begin(connection, page.reach.head.writer, milliseconds(now))
        self._neighbours.look(connection, page.reach.head.writer, at_all=True)
        seen = Seen(self._neighbours.untold, self._former)
        page.mark(Mark.START, self._keys.at(now), now, seen)
        return page

    def _written(self, page: _Page) -> None:
        """It is on the disk: go on from here; the log is told of the marks, as a witness."""
        now = time.monotonic()
        self._reach, self._stored = page.reach, page.entries
        self._unsure, self._doubtful = False, None
        if page.marks:
            self._neighbours.told()
            self._former = None
            self._marked_at = now
        if not page.reach.unsealed:
            self._seal_at = _NEVER
        elif self._seal_at == _NEVER:
            self._seal_at = now + CHECKPOINT_SECONDS
        if self._pulse_at == _NEVER:
            self._pulse_at = now  # Those of before may have been killed, and wait for their seals.
        for mark, head in page.marks:
            told = {"writer": head.writer, "number": head.number, "hash": head.hash.hex()}
            _log.info("audit mark", extra={"mark": mark.value, **told})

    def _pulse(self) -> None:
        if self._reach is None:
            return
        head, now = self._reach.head, datetime.now(UTC)
        with self._held.writing() as connection:
            ledger.live(connection, head.writer, milliseconds(now))
            chains = self._neighbours.look(connection, head.writer)
            # A server is reloaded at any time: while it forgets, each record asks it again.
            self._forgetful = ledger.forgetful(connection)
        if self._forgetful is not None:
            reason = f"it needs {self._forgetful}, which is off"
            _log.warning("audit trail refuses records", extra={"reason": reason})
        seal_dead(self._engine, chains, self._keys.at(now), [head])
        if any(self._neighbours.untold) and time.monotonic() >= self._marked_at + IDLE_SECONDS:
            self._seal_at = time.monotonic()

    def _forget(self) -> None:
        """There is no chain any more; the next record begins one."""
        self._reach, self._name = None, None
        self._unsure, self._doubtful = False, None
        self._seal_at = self._pulse_at = _NEVER


def _refusal(error: Unavailable | exc.DBAPIError) -> Unavailable:
    """Why a record is not stored, in words that hold nothing of it."""
    if isinstance(error, Unavailable):
        return error
    return Unavailable(f"the database refuses the audit record: {type(error.orig).__name__}")
