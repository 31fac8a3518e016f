"""The audit trail as a worker uses it: many threads store, one writes what they bring in groups."""

from __future__ import annotations

import threading
import time
from _thread import allocate_lock
from typing import Final

from sqlalchemy import Engine

from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.record import Record
from ksz_childbenefits.audit.writer import Entry, Writer
from ksz_childbenefits.errors import Unavailable, Unrecorded
from ksz_childbenefits.metrics import AUDIT_REFUSED, AUDIT_SECONDS
from ksz_childbenefits.security.credentials import ServiceKeys

STORE_SECONDS: Final = 6.0
"""How long a reply waits for its record: then it is MSG00001 in its place (SECURITY 4).

A little longer than the database is waited for (registers.database).
"""

GATHER_SECONDS: Final = 0.01
"""How long a record may wait for those of other requests in hand, to share their commit."""

STOP_SECONDS: Final = 10.0
"""How long the end of a worker waits for the end of its chain."""


class _Waiting:
    """A record with the thread that waits for it."""

    __slots__ = ("done", "entry", "refusal")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.refusal: str | None = "the audit trail has failed"
        # A bare lock: an Event costs five times as much, and every request has one.
        self.done = allocate_lock()
        self.done.acquire()


class AuditTrail:
    """Stores records durably, in one chain per process.

    Its thread begins with the first record, so that nothing runs in vain and no connection crosses
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
        self._thread: threading.Thread | None = None
        self._closing = False

    def arrive(self) -> None:
        """A request is in hand: its record may be worth waiting for, a moment."""
        with self._changed:
            self._in_hand += 1

    def depart(self) -> None:
        """It is answered; with or without a record, none is to be waited for any more."""
        with self._changed:
            self._in_hand -= 1
            if self._queue and self._all_here():
                self._changed.notify()

    def store(self, record: Record) -> None:
        """Return once the record is on the disk.

        Raises Unrecorded where it is not in time; then no reply may leave but the one that says so
        (SECURITY 5).
        """
        refusal = self._stored(_Waiting(self._entry(record)))
        if refusal is not None:
            AUDIT_REFUSED.inc()
            raise Unrecorded(f"the audit record was not stored: {refusal}")

    def _stored(self, waiting: _Waiting) -> str | None:
        """Wait until it is; or why it is not."""
        with self._changed:
            if self._closing:
                return "the audit trail is closed"
            self._queue.append(waiting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit-trail", daemon=True)
                self._thread.start()
            if len(self._queue) == 1 or self._all_here():
                self._changed.notify()
        if not waiting.done.acquire(timeout=STORE_SECONDS):
            self._withdraw(waiting)
            return "it took too long"
        return waiting.refusal

    def close(self) -> None:
        """Write what still waits, and end the chain; from then on nothing is stored."""
        with self._changed:
            self._closing = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(STOP_SECONDS)

    def _entry(self, record: Record) -> Entry:
        if self._evidence is None or not record.evidence:
            return Entry(record, record.body())
        return Entry(record, record.body(), self._evidence.keep(record))

    def _withdraw(self, waiting: _Waiting) -> None:
        """Leave unwritten what nobody waits for, unless it is being written."""
        with self._changed:
            if waiting in self._queue:
                self._queue.remove(waiting)

    def _run(self) -> None:
        writer = Writer(self._engine, self._keys)
        try:
            while self._take(writer):
                self._write(writer)
                writer.attend()
            writer.stop()
        finally:
            self._end()

    def _take(self, writer: Writer) -> bool:
        """Wait for records, or for what else is due; False: it is over."""
        with self._changed:
            while not (self._queue or self._closing) and (seconds := writer.due()):
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            end = time.monotonic() + GATHER_SECONDS
            while self._queue and not (self._all_here() or self._closing):
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            self._group, self._queue = self._queue, []
            return bool(self._group) or not self._closing

    def _all_here(self) -> bool:
        """Whether no request in hand could still bring a record to the next group."""
        return len(self._queue) >= self._in_hand

    def _write(self, writer: Writer) -> None:
        """Write what is at hand, and let go of who waits for it."""
        if not self._group:
            return
        refusal = None
        try:
            with AUDIT_SECONDS.time():
                writer.write([waiting.entry for waiting in self._group])
        except Unavailable as failure:
            refusal = failure.reason
        group, self._group = self._group, []
        for waiting in group:
            waiting.refusal = refusal
            waiting.done.release()

    def _end(self) -> None:
        """The thread ends, if need be by an unforeseen error: nobody waits in vain.

        After an error the next record starts another thread, with a chain of its own.
        """
        with self._changed:
            self._thread = None
            left, self._group, self._queue = [*self._group, *self._queue], [], []
        for waiting in left:
            waiting.done.release()
