"""Signatures seen before, in the database that all workers share (SECURITY 3, replay)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Executable,
    LargeBinary,
    Table,
    bindparam,
    cast,
    delete,
    exists,
    extract,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from ksz_childbenefits.registers.database import asking
from ksz_childbenefits.registers.direct import Prepared, direct
from ksz_childbenefits.registers.schema import replay

PURGE_SECONDS = 60
"""How often, at most, a store removes the keys that have expired."""

KEPT_SECONDS = 7200
"""How long a key stays after it has expired: clocks differ, and are set to the wrong zone.

A machine whose clock is behind takes a message for longer than the others, by as much.
"""

FORGOTTEN = b""
"""The key, which no message has, of the row that says up to which expiry keys were removed.

Whether a message that expires no later was taken, nobody knows any more: it is refused, however far
a clock is set back.
"""

_NOW: dict[str, ColumnElement[int]] = {
    "sqlite": cast(func.strftime("%s", "now"), BigInteger),
    "postgresql": cast(extract("epoch", func.now()), BigInteger),
}
"""The database's clock, in seconds since 1970: one for all machines."""

_INSERTS: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""What each database calls an insert that passes over a key that is there."""


def _insertion(dialect: str) -> Executable:
    """Store a key, unless it is there, or may have been."""
    expires = bindparam("expires", type_=BigInteger)
    forgotten = replay.alias()
    known = exists().where(forgotten.c.key == FORGOTTEN, forgotten.c.expires >= expires)
    row = select(bindparam("key", type_=LargeBinary), expires).where(~known)
    if dialect == "postgresql":
        # For this transaction alone, which is this statement: its commit waits for no disk.
        row = row.where(func.set_config("synchronous_commit", "off", True) == "off")
    return _INSERTS[dialect](replay).from_select(["key", "expires"], row).on_conflict_do_nothing()


def _forgetting(dialect: str) -> Executable:
    """Say up to where keys are about to be removed; nothing where none is."""
    expired = replay.alias()
    newest = func.max(expired.c.expires)
    row = (
        select(bindparam("key", FORGOTTEN, type_=LargeBinary), newest)
        .where(expired.c.expires < _NOW[dialect] - KEPT_SECONDS, expired.c.key != FORGOTTEN)
        .having(newest.is_not(None))
    )
    insert = _INSERTS[dialect](replay).from_select(["key", "expires"], row)
    later = insert.excluded.expires
    return insert.on_conflict_do_update(
        index_elements=["key"], set_={"expires": later}, where=replay.c.expires < later
    )


_INSERTION = Prepared(_insertion)
_FORGETTING = {dialect: _forgetting(dialect) for dialect in _INSERTS}


def _removal() -> Executable:
    """Remove the keys that are forgotten."""
    forgotten = replay.alias()
    newest = select(forgotten.c.expires).where(forgotten.c.key == FORGOTTEN).scalar_subquery()
    return delete(replay).where(replay.c.expires <= newest, replay.c.key != FORGOTTEN)


_REMOVAL = _removal()


class SqlReplayStore:
    """A replay store whose one INSERT decides: there is no look before."""

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        self._engine = engine
        self._direct = direct(engine)
        self._lock = threading.Lock()
        self._next_purge = time.monotonic()

    def insert(self, key: bytes, expires: datetime) -> bool:
        """Whether this key is new; it is kept until ``expires``, at least.

        Raises Unavailable when the database does not answer: the message must then be refused.
        """
        self._purge_now_and_then()
        row = {"key": key, "expires": math.ceil(expires.timestamp())}
        # On the disk before the reply is: the record that follows is committed behind it.
        return self._direct.change(_INSERTION, **row) == 1

    def _purge_now_and_then(self) -> None:
        with self._lock:
            if time.monotonic() < self._next_purge:
                return
            self._next_purge = time.monotonic() + PURGE_SECONDS
        # Two transactions: whoever inserts sees what is forgotten before anything is removed.
        for statement in (_FORGETTING[self._engine.dialect.name], _REMOVAL):
            with asking(self._engine, writes=True) as connection:
                connection.execute(statement)
