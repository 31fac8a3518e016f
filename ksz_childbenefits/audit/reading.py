"""What the trail tells of a person, a customer or a ticket (SECURITY 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, Select, and_, or_, select, union

from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.raw import leniently, members_of
from ksz_childbenefits.domain import tickets
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.audit_schema import audit_evidence, audit_persons, audit_records
from ksz_childbenefits.registers.database import reading, snapshot
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.schema import customers

_FETCHED: Final = 500
"""How many records are held in memory at a time."""

Records = Iterator[dict[str, Any]]
"""The members of records' texts, the oldest record first; not all where somebody changed one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signed messages of an exchange."""

    request: bytes
    reply: bytes


@dataclass(frozen=True, slots=True)
class Trail:
    """The audit trail of a database, to be read.

    Reading raises Unavailable when the database does not answer.
    """

    engine: Engine

    def of_person(self, ssin: str) -> Records:
        """The records about a person, by any number that it has had: a replaced one too."""
        numbers = PersonRegister(self.engine).chain(ssin)
        columns, several = audit_records.c, audit_persons.c
        item = and_(several.writer == columns.writer, several.number == columns.number)
        alone = _texts().where(columns.ssin.in_(numbers))
        among = _texts().join(audit_persons, item).where(several.ssin.in_(numbers))
        # Each by its index; and once, where two numbers of the person are in one record.
        both = union(alone, among).subquery()
        return self._streamed(select(both).order_by(both.c.at, both.c.number))

    def of_customer(self, caller: str) -> Records:
        """The records of a customer, an operator, or KSZ at an operator."""
        columns = audit_records.c
        return self._streamed(
            _texts().where(columns.caller == caller).order_by(columns.at, columns.number)
        )

    def of_ticket(self, ticket: str) -> Records:
        """The records under a ticketCBSS, or under a customer's own ticket."""
        columns = audit_records.c
        named = or_(
            columns.ticket == ticket.lower(), columns.customer_ticket == tickets.stored(ticket)
        )
        return self._streamed(_texts().where(named).order_by(columns.at, columns.number))

    def evidence(self, ticket: str, box: EvidenceBox) -> Iterator[Evidence]:
        """The messages that are kept of the exchanges under a ticketCBSS.

        DataError where they are not those that the record names, or cannot be decrypted.
        """
        items, kept = audit_records.c, audit_evidence.c
        item = and_(kept.writer == items.writer, kept.number == items.number)
        query = (
            select(items.text, kept.request, kept.reply)
            .join(audit_evidence, item)
            .where(items.ticket == ticket.lower())
            .order_by(items.at, items.number)
        )
        with reading(self.engine) as connection, leniently(connection):
            rows = connection.execute(query).all()
        for row in rows:
            told = members_of(str(row.text))
            request, reply = box.give(ticket.lower(), row.request, row.reply)
            if [_digest(request), _digest(reply)] != [told.get("request"), told.get("reply")]:
                raise DataError("the evidence is not what the record names")
            yield Evidence(request, reply)

    def titles(self) -> dict[str, str]:
        """What the customers are called in full, by their short names."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(customers.c.name, customers.c.title)).all()
        return {row.name: row.title or row.name for row in rows}

    def _streamed(self, query: Select[Any]) -> Records:
        with snapshot(self.engine) as connection, leniently(connection):
            for row in connection.execute(query, execution_options={"yield_per": _FETCHED}):
                yield members_of(str(row.text))


def _digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


def _texts() -> Select[Any]:
    return select(audit_records.c.at, audit_records.c.number, audit_records.c.text)
