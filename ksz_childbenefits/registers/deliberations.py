"""Deliberations as the register keeps them: recorded, revoked, never changed (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, insert, select, update

from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.amendments import Amendment, Changes, HeldRow, changes
from ksz_childbenefits.registers.checks import named, require
from ksz_childbenefits.registers.database import one_at_a_time, reading, storing
from ksz_childbenefits.registers.deliberation_rows import (
    Origin,
    check_deliberation,
    check_text,
    insert_deliberations,
    moment,
    read_deliberation,
)

_LONGEST_REASON = 256
_WRITERS = "deliberations"
"""Whoever writes deliberations first looks at all of them, so one writes at a time."""


@dataclass(frozen=True, slots=True)
class ReviewedFile:
    """A file that was imported, by SHA-256 (hex), and the two who answer for it."""

    digest: str
    prepared_by: str
    reviewed_by: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A deliberation, and where it and its revocation came from.

    ``origin`` and ``at`` (UTC) are None for what was there before they were kept.
    """

    deliberation: Deliberation
    origin: Origin | None
    at: datetime | None
    file: ReviewedFile | None
    revocation_file: ReviewedFile | None


class DeliberationRegister:
    """All deliberations. Raises Unavailable when the database does not answer.

    Requests read them through the register of customers, each time anew: what is written here
    counts from the next request on, at every worker of every machine.
    """

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        self._engine = engine

    def recorded(
        self, customer: str | None = None, number: str | None = None
    ) -> tuple[Recorded, ...]:
        """Those of a customer (None: of all) and a number (None: any), revoked ones included.

        By customer, then in the order in which they were added.
        """
        columns = schema.deliberations.c
        query = select(schema.deliberations).order_by(columns.customer, columns.id)
        query = query.where(*_about(number, customer))
        with reading(self._engine) as connection:
            files = {
                row.digest: ReviewedFile(row.digest, row.prepared_by, row.reviewed_by)
                for row in connection.execute(select(schema.deliberation_files))
            }
            return tuple(_recorded(row, files) for row in connection.execute(query))

    def add(self, deliberation: Deliberation, at: datetime) -> None:
        """Record one from the command line; DataError if the same is there, revoked or not."""
        with storing(self._engine) as connection:
            one_at_a_time(connection, _WRITERS)
            same = [row for row in _held(connection) if row.says(deliberation)]
            state = "registered" if all(row.live for row in same) else "revoked"
            require(not same, f"the same deliberation is {state} already")
            insert_deliberations(connection, [deliberation], Origin.COMMAND_LINE, at)

    def revoke(
        self, number: str, customer: str | None, reason: str, at: datetime
    ) -> tuple[Deliberation, ...]:
        """Revoke what is registered under this number, for ever; gives what was not revoked before.

        ``customer`` may be None where the number is of one customer only. DataError if there is
        nothing to revoke.
        """
        check_text("a reason", reason, _LONGEST_REASON)
        with storing(self._engine) as connection:
            one_at_a_time(connection, _WRITERS)
            rows = list(_held(connection, *_about(number, customer)))
            owners = sorted({row.deliberation.customer for row in rows})
            owner = "" if customer is None else f" of {customer}"
            require(bool(rows), f"there is no deliberation {number!r}{owner}")
            require(len(owners) == 1, f"{number!r} is of several customers: {', '.join(owners)}")
            live = [row for row in rows if row.live]
            require(bool(live), f"{number!r}{owner} is revoked already")
            _revoke(connection, [(row, reason) for row in live], at, None)
        return tuple(row.deliberation for row in live)

    def changes(self, amendment: Amendment) -> Changes:
        """What ``amend`` would change, with the same DataErrors."""
        with reading(self._engine) as connection:
            return _changes(connection, amendment)

    def amend(self, amendment: Amendment, at: datetime) -> Changes:
        """Do what a reviewed file says, all of it or, with a DataError, nothing."""
        with storing(self._engine) as connection:
            one_at_a_time(connection, _WRITERS)
            found = _changes(connection, amendment)
            if found.added or found.revoked:
                _keep_file(connection, amendment, at)
            _revoke(connection, found.revoked, at, amendment.digest)
            insert_deliberations(connection, found.added, Origin.IMPORT, at, amendment.digest)
        return found


def _about(number: str | None, customer: str | None) -> list[ColumnElement[bool]]:
    columns = schema.deliberations.c
    wanted = [] if number is None else [columns.number == number]
    return wanted if customer is None else [*wanted, columns.customer == customer]


def _held(connection: Connection, *wanted: ColumnElement[bool]) -> Iterator[HeldRow]:
    query = select(schema.deliberations).where(*wanted).order_by(schema.deliberations.c.id)
    for row in connection.execute(query).all():
        yield HeldRow(row.id, read_deliberation(row))


def _changes(connection: Connection, amendment: Amendment) -> Changes:
    for place, given in amendment.deliberations.items():
        with named(place):
            check_deliberation(connection, given)
    for place, withdrawal in amendment.withdrawals.items():
        with named(place):
            check_text("a reason", withdrawal.reason, _LONGEST_REASON)
    return changes(amendment, list(_held(connection)))


def _revoke(
    connection: Connection,
    rows: Iterable[tuple[HeldRow, str]],
    at: datetime,
    file_digest: str | None,
) -> None:
    table = schema.deliberations
    for row, reason in rows:
        connection.execute(
            update(table)
            .where(table.c.id == row.id)
            .values(
                revoked_at=int(at.timestamp()),
                revocation_reason=reason,
                revocation_digest=file_digest,
            )
        )


def _keep_file(connection: Connection, amendment: Amendment, at: datetime) -> None:
    """Who answers for a file is kept with it, once."""
    table = schema.deliberation_files
    kept = select(table.c.digest).where(table.c.digest == amendment.digest)
    if connection.execute(kept).first() is None:
        values = {
            "digest": amendment.digest,
            "prepared_by": amendment.prepared_by,
            "reviewed_by": amendment.reviewed_by,
            "imported_at": int(at.timestamp()),
        }
        connection.execute(insert(table).values(values))


def _recorded(row: Row[Any], files: dict[str, ReviewedFile]) -> Recorded:
    return Recorded(
        deliberation=read_deliberation(row),
        origin=None if row.origin is None else Origin(row.origin),
        at=None if row.recorded_at is None else moment(row.recorded_at),
        file=files.get(row.file_digest),
        revocation_file=files.get(row.revocation_digest),
    )
