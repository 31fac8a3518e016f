"""The whole trail held against the rules: every chain, and what the chains say of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, Engine, func, select

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.chain_check import ChainCheck
from ksz_childbenefits.audit.findings import Fault, Finding
from ksz_childbenefits.audit.links import Links
from ksz_childbenefits.audit.marks import Believed
from ksz_childbenefits.audit.raw import Row, leniently, raw, row_of, text_or_none
from ksz_childbenefits.audit.writer import CHECKPOINT_RECORDS
from ksz_childbenefits.registers.audit_schema import audit_chains, audit_persons, audit_records
from ksz_childbenefits.registers.database import snapshot

_FETCHED: Final = 2000
"""How many items are held in memory at a time."""

_SEALED_AFTER: Final = 10 * 60 * 1000
"""Milliseconds after which somebody who lives has sealed a chain that its writer left unsealed."""

_BUSY: Final = 2 * 60 * 1000
"""Milliseconds for which records can come to a chain without a mark.

One is due a second after the first of them, and if it fails every 15 s (audit.writer).
"""

Watch = Callable[[int, int], None]
"""Told how many items are verified, of how many."""


@dataclass(slots=True)
class Verification:
    """One run; afterwards ``items`` and ``chains`` tell what was verified."""

    believed: Believed
    links: Links = field(default_factory=Links)
    items: int = 0
    chains: int = 0
    _checks: dict[str, ChainCheck] = field(default_factory=dict)

    def findings(self, engine: Engine, witness: Iterable[Head], watch: Watch) -> Iterator[Finding]:
        """What is wrong, while it is found; ``witness``: heads that the log tells of.

        Reads the trail as it is now, item by item; raises Unavailable when the database does not
        answer.
        """
        for head in witness:
            self.links.add(head, "the log")
        with snapshot(engine) as connection, leniently(connection):
            yield from self._cuts(connection)
            yield from self._items(connection, watch)
            yield from self._strays(connection)
            yield from self._ends(connection)
            yield from self._between(connection)

    def _cuts(self, connection: Connection) -> Iterator[Finding]:
        """Begin with what was deleted of each chain, where a signed mark stands for it."""
        columns = audit_chains.c
        query = select(*map(raw, (columns.writer, columns.cut_text, columns.cut_signature)))
        for name, text, signature in connection.execute(query).all():
            writer = name if isinstance(name, str) else repr(name)
            check = self._checks[writer] = ChainCheck(writer, self.believed)
            if text is None:
                continue
            head = self.believed.deleted(str(text), signature, writer)
            if head is not None:
                check.begin_after(head)
            else:
                yield Finding(Fault.UNBELIEVED, writer, 0, 0, "the mark of its deletion")

    def _items(self, connection: Connection, watch: Watch) -> Iterator[Finding]:
        total = connection.execute(select(func.count()).select_from(audit_records)).scalar_one()
        columns = [audit_records.c[name] for name in Row._fields]
        query = select(*map(raw, columns)).order_by(audit_records.c.writer, audit_records.c.number)
        streamed = connection.execute(query, execution_options={"yield_per": _FETCHED})
        for writer, rows in groupby(map(row_of, streamed), itemgetter(0)):
            check = self._checks.get(writer)
            if check is None:
                check = self._checks[writer] = ChainCheck(writer, self.believed)
                yield Finding(Fault.MISSING, writer, 0, 0, "the chain is not entered")
            persons = _Persons(connection, writer)
            for row in rows:
                self.items += 1
                if self.items % _FETCHED == 0:
                    watch(self.items, total)
                if row.number < 1:
                    reason = "items are numbered from 1"
                    yield Finding(Fault.UNEXPECTED, writer, 0, 0, reason, row.ticket)
                else:
                    yield from check.take(row, persons.beside(row.number))
                    for head in check.told:
                        self.links.add(head, f"mark {row.number} of {writer}")
        watch(self.items, self.items)

    def _strays(self, connection: Connection) -> Iterator[Finding]:
        """Persons beside no item at all."""
        persons, items = audit_persons.c, audit_records.c
        item = (items.writer == persons.writer) & (items.number == persons.number)
        query = (
            select(raw(persons.writer), raw(persons.number))
            .distinct()
            .outerjoin_from(audit_persons, audit_records, item)
            .where(items.writer.is_(None))
        )
        for name, found in connection.execute(query, execution_options={"yield_per": _FETCHED}):
            number = found if isinstance(found, int) else 0
            reason = "persons beside no item"
            yield Finding(Fault.UNEXPECTED, text_or_none(name) or "", number, number, reason)

    def _ends(self, connection: Connection) -> Iterator[Finding]:
        """How each chain ends: sealed, or by a writer that lives, or lived until just now."""
        self.chains = len(self._checks)
        newest = max((check.sealed_at for check in self._checks.values()), default=0)
        columns = (raw(audit_chains.c.writer), raw(audit_chains.c.ended))
        ended = {text_or_none(name): done for name, done in connection.execute(select(*columns))}
        for writer, check in self._checks.items():
            following = check.number + 1
            yield from check.stranded()
            if check.suspect or check.number < check.begun:
                continue  # What the newest item says is not to be relied on.
            if check.number == 0:
                yield Finding(Fault.MISSING, writer, 1, 1, "the chain is empty")
            elif ended.get(writer) and not check.ended and check.number > check.begun:
                yield Finding(Fault.MISSING, writer, following, following, "the mark of its end")
            elif check.sealed < check.number and not check.ended:
                late = check.at < newest - _SEALED_AFTER or _overdue(check)
                fault = Fault.UNSEALED if late else Fault.OPEN
                reason = "no mark vouches for the newest items"
                yield Finding(fault, writer, check.sealed + 1, check.number, reason, check.ticket)

    def _between(self, connection: Connection) -> Iterator[Finding]:
        """What the chains, and the log, say of each other."""
        reached = {w: max(check.number, check.begun) for w, check in self._checks.items()}
        yield from self.links.wanting(reached)
        for head, witness in self.links.seen.values():
            found = self._hash(connection, head)
            if found is not None and found != head.hash:
                reason = f"{witness} saw another item there"
                yield Finding(Fault.CHANGED, head.writer, head.number, head.number, reason)
        for check in self._checks.values():
            if (former := check.former) is not None:
                own = self._checks.get(former.writer)
                if own is not None and own.records > former.number:
                    reason = f"its writer, now {check.writer}, had ended before"
                    yield Finding(
                        Fault.UNEXPECTED, former.writer, former.number + 1, own.records, reason
                    )

    def _hash(self, connection: Connection, head: Head) -> bytes | None:
        """The hash of the item that is there now; None: it is missing, or rightly deleted."""
        table = audit_records.c
        query = select(raw(table.hash)).where(
            table.writer == head.writer, table.number == head.number
        )
        found: bytes | None = connection.execute(query).scalar()
        return found


def _overdue(check: ChainCheck) -> bool:
    """Whether more came after the newest mark than ever comes without one.

    A mark is in the transaction that makes the unsealed CHECKPOINT_RECORDS, so there are fewer.
    """
    return check.number - check.sealed >= CHECKPOINT_RECORDS or check.busy > _BUSY


class _Persons:
    """The persons beside the items of one chain, asked for in the order of their numbers."""

    def __init__(self, connection: Connection, writer: str) -> None:
        table = audit_persons.c
        query = (
            select(raw(table.number), raw(table.ssin))
            .where(table.writer == writer)
            .order_by(table.number)
        )
        found = connection.execute(query, execution_options={"yield_per": _FETCHED})
        self._rows = ((n, str(ssin)) for n, ssin in found if isinstance(n, int))
        self._next = next(self._rows, None)

    def beside(self, number: int) -> set[str]:
        """Those of this item; what is beside items that are not there is passed over."""
        persons = set()
        while self._next is not None and self._next[0] <= number:
            if self._next[0] == number:
                persons.add(self._next[1])
            self._next = next(self._rows, None)
        return persons
