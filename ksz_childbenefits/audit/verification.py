"""The whole trail held against the rules: every chain, and what the chains say of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, Engine, func, select

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.chain_check import ChainCheck, Row, members_of
from ksz_childbenefits.audit.findings import Fault, Finding
from ksz_childbenefits.audit.links import Links
from ksz_childbenefits.audit.marks import Believed, head_of_cut
from ksz_childbenefits.registers.audit_schema import audit_chains, audit_persons, audit_records
from ksz_childbenefits.registers.database import snapshot

_FETCHED: Final = 2000
"""How many items are held in memory at a time."""

_SEALED_AFTER: Final = 10 * 60 * 1000
"""Milliseconds after which somebody who lives has sealed a chain that its writer left unsealed."""

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
        with snapshot(engine) as connection:
            yield from self._cuts(connection)
            yield from self._items(connection, watch)
            yield from self._ends(connection)
            yield from self._between(connection)

    def _cuts(self, connection: Connection) -> Iterator[Finding]:
        """Begin with what was deleted of each chain, where a signed mark stands for it."""
        for chain in connection.execute(select(audit_chains)):
            check = self._checks[chain.writer] = ChainCheck(chain.writer, self.believed)
            if chain.cut_text is None:
                continue
            try:
                head = head_of_cut(chain.cut_text)
            except ValueError:
                head = Head("")
            signer = members_of(chain.cut_text).get("signer")
            if head.writer == chain.writer and self.believed.signed(
                chain.cut_text, chain.cut_signature or b"", signer
            ):
                check.begin_after(head)
            else:
                yield Finding(Fault.UNBELIEVED, chain.writer, 0, 0, "the mark of its deletion")

    def _items(self, connection: Connection, watch: Watch) -> Iterator[Finding]:
        total = connection.execute(select(func.count()).select_from(audit_records)).scalar_one()
        columns = [audit_records.c[name] for name in Row._fields]
        query = select(*columns).order_by(audit_records.c.writer, audit_records.c.number)
        streamed = connection.execute(query, execution_options={"yield_per": _FETCHED})
        for writer, rows in groupby(streamed, itemgetter(0)):
            check = self._checks.get(writer)
            if check is None:
                check = self._checks[writer] = ChainCheck(writer, self.believed)
                yield Finding(Fault.MISSING, writer, 0, 0, "the chain is not entered")
            for row in map(Row._make, rows):
                self.items += 1
                if self.items % _FETCHED == 0:
                    watch(self.items, total)
                if row.number > check.begun:
                    yield from check.take(row)
                    yield from self._persons(connection, row)
                    for head in check.told:
                        self.links.add(head, f"mark {row.number} of {writer}")
        watch(self.items, self.items)

    def _persons(self, connection: Connection, row: Row) -> Iterator[Finding]:
        """A record about several persons has them in a table of their own."""
        if row.ssin is not None or row.signature is not None:
            return
        persons = members_of(row.text).get("persons", ())
        table = audit_persons.c
        query = select(table.ssin).where(table.writer == row.writer, table.number == row.number)
        if {*connection.execute(query).scalars()} != ({*persons} if len(persons) > 1 else set()):
            reason = "the persons beside its text"
            yield Finding(Fault.CHANGED, row.writer, row.number, row.number, reason, row.ticket)

    def _ends(self, connection: Connection) -> Iterator[Finding]:
        """How each chain ends: sealed, or by a writer that lives, or lived until just now."""
        self.chains = len(self._checks)
        newest = max((check.sealed_at for check in self._checks.values()), default=0)
        ended = {row.writer: row.ended for row in connection.execute(select(audit_chains))}
        for writer, check in self._checks.items():
            following = check.number + 1
            if check.suspect:
                continue  # What the newest item says is not to be relied on.
            if check.number == 0:
                yield Finding(Fault.MISSING, writer, 1, 1, "the chain is empty")
            elif ended.get(writer) and not check.ended and check.number > check.begun:
                yield Finding(Fault.MISSING, writer, following, following, "the mark of its end")
            elif check.sealed < check.number and not check.ended:
                late = check.at < newest - _SEALED_AFTER
                fault = Fault.UNSEALED if late else Fault.OPEN
                reason = "no mark vouches for the newest items"
                yield Finding(fault, writer, check.sealed + 1, check.number, reason, check.ticket)

    def _between(self, connection: Connection) -> Iterator[Finding]:
        """What the chains, and the log, say of each other."""
        yield from self.links.wanting({w: check.number for w, check in self._checks.items()})
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
        query = select(table.hash).where(table.writer == head.writer, table.number == head.number)
        found: bytes | None = connection.execute(query).scalar()
        return found
