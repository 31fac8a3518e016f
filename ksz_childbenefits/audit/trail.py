"""The audit trail as a worker uses it: many threads store, and one of them writes for all.

Whoever brings a record while nobody writes does so himself, for all who come meanwhile: so a
request that is alone waits for no other thread. Who comes while somebody writes waits; the first of
them writes next.
"""

from __future__ import annotations

import threading
import time
from _thread import allocate_lock
from contextlib import ExitStack
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

_LOOK_SECONDS: Final = 1.0
"""How often it is looked whether marks are due, at least."""

STOP_SECONDS: Final = 10.0
"""How long the end of a worker waits for the end of its chain."""


class _Waiting:
    """A record with the thread that waits for it; ``leads``: that thread is to write next."""

    __slots__ = ("done", "entry", "leads", "refusal")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.leads = False
        self.refusal: str | None = "the audit trail has failed"
        # A bare lock: an Event costs five times as much, and every request has one.
        self.done = allocate_lock()
        self.done.acquire()


class AuditTrail:
    """Stores records durably, in one chain per process.

    Its thread, which sees to the marks, begins with the first record, so that nothing runs in vain
    and no connection crosses into another process. ``evidence``: how messages are kept, None: they
    are not.
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
        self._in_hand = 0
        self._led = False
        self._writing = threading.Lock()
        self._writer: Writer | None = None
        self._attendant: threading.Thread | None = None
        self._closing = threading.Event()

    def arrive(self) -> None:
        """A request is in hand: its record may be worth waiting for, a moment."""
        with self._changed:
            self._in_hand += 1

    def depart(self) -> None:
        """It is answered; with or without a record, none is to be waited for any more."""
        with self._changed:
            self._in_hand -= 1
            self._tell_enough()

    def store(self, record: Record) -> None:
        """Return once the record is on the disk.

        Raises Unrecorded where it is not; then no reply may leave but the one that says so
        (SECURITY 5).
        """
        refusal = self._stored(_Waiting(self._entry(record)))
        if refusal is not None:
            AUDIT_REFUSED.inc()
            raise Unrecorded(f"the audit record was not stored: {refusal}")

    def close(self) -> None:
        """Let what waits be written, and end the chain; from then on nothing is stored."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._led, STOP_SECONDS)
        attendant = self._attendant
        if attendant is not None:
            attendant.join(STOP_SECONDS)
        if self._writing.acquire(timeout=STOP_SECONDS):
            with ExitStack() as stack:
                stack.callback(self._writing.release)
                if self._writer is not None:
                    self._writer.stop()
                    self._writer = None

    def _entry(self, record: Record) -> Entry:
        if self._evidence is None or not record.evidence:
            return Entry(record, record.body())
        return Entry(record, record.body(), self._evidence.keep(record))

    def _stored(self, waiting: _Waiting) -> str | None:
        """Wait until it is, or write it; or why it is not."""
        with self._changed:
            if self._closing.is_set():
                return "the audit trail is closed"
            self._queue.append(waiting)
            self._tell_enough()
            waiting.leads = leads = not self._led
            self._led = True
        if not leads and not waiting.done.acquire(timeout=STORE_SECONDS) and self._gone(waiting):
            return "it took too long"
        if waiting.leads:
            self._lead(waiting)
        return waiting.refusal

    def _gone(self, waiting: _Waiting) -> bool:
        """Leave unwritten what nobody waits for; False: it is its turn at this moment."""
        with self._changed:
            if waiting in self._queue and not waiting.leads:
                self._queue.remove(waiting)
            return not waiting.leads

    def _lead(self, own: _Waiting) -> None:
        """Write what there is, for all who brought it; then it is somebody else's turn."""
        group = self._gathered()
        try:
            refusal = self._write([waiting.entry for waiting in group])
            for waiting in group:
                waiting.refusal = refusal
        finally:
            self._hand_on()
            for waiting in group:
                if waiting is not own:
                    waiting.done.release()

    def _gathered(self) -> list[_Waiting]:
        """The records at hand, once they are enough to be worth a commit."""
        with self._changed:
            end = time.monotonic() + GATHER_SECONDS
            while not (self._enough() or self._closing.is_set()):
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            group, self._queue = self._queue, []
            return group

    def _enough(self) -> bool:
        """Whether no request in hand could still bring a record to this group."""
        return len(self._queue) >= self._in_hand

    def _tell_enough(self) -> None:
        if self._led and self._queue and self._enough():
            self._changed.notify_all()

    def _hand_on(self) -> None:
        with self._changed:
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].done.release()
            else:
                self._led = False
                self._changed.notify_all()

    def _write(self, entries: list[Entry]) -> str | None:
        """Write, as the only one who does; why it is not written, if it is not.

        After an error that nobody has thought of the next records begin another chain.
        """
        with self._writing, AUDIT_SECONDS.time():
            writer = self._writer or self._new_writer()
            self._writer = None
            try:
                writer.write(entries)
            except Unavailable as failure:
                self._writer = writer
                return failure.reason
            self._writer = writer
            return None

    def _new_writer(self) -> Writer:
        if self._attendant is None:
            self._attendant = threading.Thread(target=self._attend, name="audit-trail", daemon=True)
            self._attendant.start()
        return Writer(self._engine, self._keys)

    def _attend(self) -> None:
        """See to it that marks are made when they are due, also while nobody asks.

        After an error that nobody has thought of the next record begins another chain, and another
        such thread.
        """
        due = 0.0
        while not self._closing.wait(min(due, _LOOK_SECONDS)):
            with self._writing, ExitStack() as broken:
                broken.callback(self._begin_anew)
                due = _LOOK_SECONDS
                if self._writer is not None:
                    self._writer.attend()
                    due = self._writer.due()
                broken.pop_all()

    def _begin_anew(self) -> None:
        self._writer = self._attendant = None
