"""What a writer knows of the other chains: it vouches for how far they are, and seals the dead."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, exc

from ksz_childbenefits.audit import ledger
from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.ledger import Chain
from ksz_childbenefits.audit.marks import Mark, Seen, marked
from ksz_childbenefits.audit.record import milliseconds
from ksz_childbenefits.registers.database import writing
from ksz_childbenefits.security.credentials import ServiceCredentials

_log = logging.getLogger(__name__)

DEAD_SECONDS: Final = 60
"""A writer that has not said for so long that it lives (four pulses) is taken for dead.

If it is not, no harm is done: it finds its chain sealed, and begins another.
"""

_LOOK_BACK: Final = 20 * 60 * 1000
"""Milliseconds before the newest sign of life of anybody: what ended earlier others vouch for."""

VOUCHERS: Final = 3
"""How many of the living vouch for each chain; were it all of them, marks would grow with them."""


class Neighbours:
    """The heads of the other chains, and which of them no mark of ours has named."""

    def __init__(self) -> None:
        """Nothing is known of anybody."""
        self._heads: dict[str, Head] = {}
        self._untold: dict[str, Head] = {}

    @property
    def untold(self) -> Iterable[Head]:
        """The heads that the next mark has to name."""
        return self._untold.values()

    def told(self) -> None:
        """They are named."""
        self._untold.clear()

    def look(self, connection: Connection, writer: str, *, at_all: bool = False) -> list[Chain]:
        """See how far the chains but ``writer``'s are; those of them that have not ended.

        What ``writer`` vouches for is then untold: its own share, or all of it.
        """
        since = ledger.latest(connection) - _LOOK_BACK
        chains = ledger.others(connection, writer, since)
        alive = [chain for chain in chains if not chain.ended]
        names = sorted([writer, *(chain.writer for chain in alive)])
        heads = {
            chain.writer: chain.head
            for chain in chains
            if chain.head and (at_all or _vouches(names, writer, chain.writer))
        }
        self._untold |= {
            name: head for name, head in heads.items() if self._heads.get(name) != head
        }
        known = {chain.writer for chain in chains}
        self._heads = {name: self._heads[name] for name in self._heads.keys() & known} | heads
        return alive


def _vouches(alive: Sequence[str], writer: str, other: str) -> bool:
    """Whether ``writer`` is one of the few before ``other`` in the circle of those ``alive``."""
    steps = bisect_left(alive, other) - alive.index(writer) - 1
    return steps % len(alive) < VOUCHERS


def seal_dead(
    engine: Engine, chains: Iterable[Chain], credentials: ServiceCredentials, by: Sequence[Head]
) -> None:
    """Seal the chains whose writers are dead: from then on their last records cannot be changed.

    ``by``: the head of whoever does so, if it has a chain itself.

    Raises Unavailable when the database does not answer.
    """
    now = datetime.now(UTC)
    for chain in chains:
        if chain.seen < milliseconds(now) - DEAD_SECONDS * 1000:
            _seal(engine, chain.writer, credentials, by, now)


def _seal(
    engine: Engine,
    writer: str,
    credentials: ServiceCredentials,
    by: Sequence[Head],
    now: datetime,
) -> None:
    try:
        with writing(engine) as connection:
            if not ledger.end(connection, writer, milliseconds(now)):
                return  # Somebody else was faster.
            head = ledger.newest(connection, writer)
            if head is not None:
                item = marked(head, Mark.SEAL, credentials, now, Seen(by))
                ledger.add(connection, [item], ())
    except exc.IntegrityError:
        return  # It lives.
    _log.warning("audit chain sealed", extra={"writer": writer})
