"""The audit trail as a worker uses it: many threads bring records, one writes for all.

Nobody waits for the disk but the thread that writes: who brings a record says what is to be done
once it is there, and goes on with the next request. So all that come while others are written, or a
moment later, share one commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Final

from sqlalchemy import Engine

from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.record import Entry, Record
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.errors import Unavailable, Unrecorded
from ksz_childbenefits.metrics import AUDIT_REFUSED, AUDIT_SECONDS
from ksz_childbenefits.security.credentials import ServiceKeys

STORE_SECONDS: Final = 6.0
"""How long a reply waits for its record: then it is MSG00001 in its place (SECURITY 4).

A little longer than the database is waited for (registers.database).
"""

GATHER_SECONDS: Final = 0.05
"""How long a record may wait for those of other requests in hand, to share their commit, ..."""

QUIET_SECONDS: Final = 0.01
"""... and for the next one of them: requests that wait for operators are not waited for."""

_LOOK_SECONDS: Final = 1.0
"""How often it is looked what has waited too long, and, at least, whether marks are due."""

STOP_SECONDS: Final = 10.0
"""How long the end of a worker waits for the end of its chain."""

_FAILED: Final = "the audit trail has failed"
_CLOSED: Final = "the audit trail is closed"
_LATE: Final = "it took too long"

Settled = Callable[[Unrecorded | None], None]
"""Told, in any thread, that a record is on the disk, or why it is not; it must not fail."""


class _Waiting:
    """A record on its way to the disk, since when, and who is to be told."""

    __slots__ = ("_settled", "entry", "since")

    def __init__(self, entry: Entry, settled: Settled) -> None:
        self.entry = entry
        self.since = time.monotonic()
        self._settled = [settled]

    def settle(self, refusal: str | None) -> None:
        """Tell, unless it was told before: who writes and who watches may both come to it."""
        try:
            settled = self._settled.pop()
        except IndexError:
            return
        if refusal is None:
            settled(None)
        else:
            AUDIT_REFUSED.inc()
            settled(Unrecorded(f"the audit record was not stored: {refusal}"))


class AuditTrail:
    """Stores records durably, in one chain per process.

    Its threads begin with the first record, so that nothing runs in vain and no connection crosses
    into another process. ``evidence``: how messages are kept, None: they are not.
    """

    def __init__(
        self, engine: Engine, keys: ServiceKeys, evidence: EvidenceBox | None = None
    ) -> None:
        """Use this database; ``keys`` sign the marks."""
        self._engine = engine
        self._keys = keys
        self._evidence = evidence
        self._changed = threading.Condition(threading.Lock())
        self._queue: list[_Waiting] = []
        self._group: list[_Waiting] = []
        self._in_hand = 0
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def arrive(self) -> None:
        """A request is in hand: its record may be worth waiting for, a moment."""
        with self._changed:
            self._in_hand += 1

    def depart(self) -> None:
        """It is answered; with or without a record, none is to be waited for any more."""
        with self._changed:
            self._in_hand -= 1
            if self._queue and self._enough():
                self._changed.notify()

    def entry(self, record: Record) -> Entry:
        """The record as it is to be written, with the messages where they are to be kept."""
        if self._evidence is None or not record.evidence:
            return Entry(record, record.body())
        return Entry(record, record.body(), self._evidence.keep(record))

    def submit(self, entry: Entry, settled: Settled) -> None:
        """Write it soon. No reply may leave before it is, but the one that says that it is not.

        (SECURITY 5.)
        """
        waiting = _Waiting(entry, settled)
        with self._changed:
            closed = self._closing.is_set()
            if not closed:
                self._queue.append(waiting)
                self._begin()
                if len(self._queue) == 1 or self._enough():
                    self._changed.notify()
        if closed:
            waiting.settle(_CLOSED)

    def store(self, record: Record) -> None:
        """Return once the record is on the disk; raises Unrecorded where it is not."""
        told: SimpleQueue[Unrecorded | None] = SimpleQueue()
        self.submit(self.entry(record), told.put)
        refusal = told.get()
        if refusal is not None:
            raise refusal

    def close(self) -> None:
        """Let what waits be written, and end the chain; from then on nothing is stored."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(STOP_SECONDS)
        _settle(self._taken(), _CLOSED)

    def _begin(self) -> None:
        """Start the threads, unless they run."""
        if self._thread is None:
            writes = threading.Thread(target=self._write_all, name="audit-trail", daemon=True)
            writes.start()
            self._thread = writes
            threading.Thread(
                target=self._watch, args=(writes,), name="audit-watch", daemon=True
            ).start()

    def _write_all(self) -> None:
        """Write what comes and make the marks that are due, until the end.

        After an error that nobody has thought of the next record begins another chain, and another
        such thread.
        """
        with ExitStack() as broken:
            broken.callback(self._begin_anew)
            while (group := self._gathered()) or not self._closing.is_set():
                if group:
                    _settle(group, self._write(group))
                if self._writer is not None:
                    self._writer.attend()
            if self._writer is not None:
                self._writer.stop()
            broken.pop_all()

    def _gathered(self) -> list[_Waiting]:
        """The records at hand, once they are enough to be worth a commit.

        None where marks are due, or at the end.
        """
        with self._changed:
            self._group = []
            if not (self._queue or self._closing.is_set()):
                due = _LOOK_SECONDS if self._writer is None else self._writer.due()
                self._changed.wait(min(due, _LOOK_SECONDS))
            end, found = time.monotonic() + GATHER_SECONDS, 0
            while len(self._queue) > found and not (self._enough() or self._closing.is_set()):
                found = len(self._queue)
                self._changed.wait(max(min(QUIET_SECONDS, end - time.monotonic()), 0))
                if time.monotonic() >= end:
                    break
            self._group, self._queue = self._queue, []
            return self._group

    def _enough(self) -> bool:
        """Whether no request in hand could still bring a record to this group."""
        return len(self._queue) >= self._in_hand

    def _write(self, group: Sequence[_Waiting]) -> str | None:
        """Write them; why they are not written, if they are not."""
        with AUDIT_SECONDS.time():
            if self._writer is None:
                self._writer = Writer(self._engine, self._keys)
            try:
                self._writer.write([waiting.entry for waiting in group])
            except Unavailable as failure:
                return failure.reason
            return None

    def _watch(self, writes: threading.Thread) -> None:
        """Refuse what has waited too long, whatever it is that holds up who writes."""
        while writes.is_alive() and not self._closing.wait(_LOOK_SECONDS):
            latest = time.monotonic() - STORE_SECONDS
            with self._changed:
                late = [one for one in (*self._group, *self._queue) if one.since < latest]
                self._queue = [one for one in self._queue if one.since >= latest]
            _settle(late, _LATE)

    def _taken(self) -> list[_Waiting]:
        """All that is not settled, which nobody is to write any more."""
        with self._changed:
            taken, self._group, self._queue = [*self._group, *self._queue], [], []
            return taken

    def _begin_anew(self) -> None:
        self._writer = self._thread = None
        _settle(self._taken(), _FAILED)


def _settle(several: Sequence[_Waiting], refusal: str | None) -> None:
    for waiting in several:
        waiting.settle(refusal)
