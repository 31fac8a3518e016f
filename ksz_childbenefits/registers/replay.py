"""Signatures seen before, in the database that all workers share (SECURITY 3, replay)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from ksz_childbenefits.registers.database import asking
from ksz_childbenefits.registers.schema import replay

PURGE_SECONDS = 60
"""How often, at most, a store removes the keys that have expired."""

KEPT_SECONDS = 300
"""How long a key stays after it has expired: the clocks of several machines may differ."""

_INSERTS: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""What each database calls an insert that passes over a key that is there."""


class SqlReplayStore:
    """A replay store whose one INSERT decides: there is no look before."""

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        self._engine = engine
        self._lock = threading.Lock()
        self._next_purge = time.monotonic()

    def insert(self, key: bytes, expires: datetime) -> bool:
        """Whether this key is new; it is kept until ``expires``, at least.

        Raises Unavailable when the database does not answer: the message must then be refused.
        """
        self._purge_now_and_then()
        row = {"key": key, "expires": math.ceil(expires.timestamp())}
        statement = _INSERTS[self._engine.dialect.name](replay).on_conflict_do_nothing()
        with asking(self._engine, writes=True) as connection:
            done = connection.execute(statement, row, execution_options={"preserve_rowcount": True})
            return done.rowcount == 1

    def _purge_now_and_then(self) -> None:
        with self._lock:
            if time.monotonic() < self._next_purge:
                return
            self._next_purge = time.monotonic() + PURGE_SECONDS
        expired = replay.c.expires < math.floor(time.time()) - KEPT_SECONDS
        with asking(self._engine, writes=True) as connection:
            connection.execute(delete(replay).where(expired))
