"""Rows of deliberations: what they must satisfy, how they are written and read (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert

from ksz_childbenefits.domain.customers import Deliberation, Revocation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import data_filters
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.checks import check_days, require
from ksz_childbenefits.registers.enrolment import require_customer

_LONGEST_NUMBER = 64
_LONGEST_CONTEXT = 64
"""The longest legal context that fits a request (CONTRACT, LegalContextType)."""

_MOST_MONTHS = 9999


class Origin(StrEnum):
    """How a deliberation came into the register."""

    COMMAND_LINE = "command line"
    IMPORT = "import"
    DEMO_WORLD = "demo world"


def insert_deliberations(
    connection: Connection,
    deliberations: Iterable[Deliberation],
    origin: Origin,
    at: datetime,
    file_digest: str | None = None,
) -> None:
    """Add deliberations of customers that are registered, and where they came from."""
    for deliberation in deliberations:
        check_deliberation(connection, deliberation)
        revoked = deliberation.revoked
        values = {
            "number": deliberation.number,
            "customer": deliberation.customer,
            "legal_contexts": sorted(deliberation.legal_contexts),
            "sources": sorted(source.value for source in deliberation.sources),
            "months_back": deliberation.months_back,
            "inscription_required": deliberation.inscription_required,
            "begin_date": deliberation.valid_from,
            "end_date": deliberation.valid_to,
            "withheld": data_filters([deliberation.withheld]),
            "origin": origin.value,
            "recorded_at": int(at.timestamp()),
            "file_digest": file_digest,
            "revoked_at": revoked and int(revoked.at.timestamp()),
            "revocation_reason": revoked and revoked.reason,
        }
        connection.execute(insert(schema.deliberations).values(values))


def read_deliberation(row: Row[Any]) -> Deliberation:
    """The deliberation in a row of its table.

    ValueError for a source or block that this version does not know: what cannot be understood
    whole lets nobody in.
    """
    revoked = None
    if row.revoked_at is not None:
        revoked = Revocation(moment(row.revoked_at), row.revocation_reason)
    return Deliberation(
        number=row.number,
        customer=row.customer,
        legal_contexts=frozenset(row.legal_contexts),
        sources=frozenset(AuthenticSource(source) for source in row.sources),
        months_back=row.months_back,
        inscription_required=row.inscription_required,
        valid_from=row.begin_date,
        valid_to=row.end_date,
        withheld=frozenset(row.withheld),
        revoked=revoked,
    )


def check_deliberation(connection: Connection, deliberation: Deliberation) -> None:
    """BrokenRule where a deliberation cannot be registered (DOMAIN 7)."""
    require_customer(connection, deliberation.customer)
    check_text("a deliberation's number", deliberation.number, _LONGEST_NUMBER)
    check_days(deliberation.valid_from, deliberation.valid_to)
    require(bool(deliberation.legal_contexts), "a deliberation names a legal context")
    require(
        all(0 < len(context) <= _LONGEST_CONTEXT for context in deliberation.legal_contexts),
        "a legal context has 1 to 64 characters",
    )
    require(bool(deliberation.sources), "a deliberation names a source")
    back = deliberation.months_back
    require(back is None or 0 <= back <= _MOST_MONTHS, f"months back are 0 to {_MOST_MONTHS}")


def check_text(what: str, text: str, longest: int) -> None:
    """BrokenRule unless ``text`` can be shown on one line and kept."""
    fits = 0 < len(text) <= longest and text.isprintable() and not text.isspace()
    require(fits, f"{what} has 1 to {longest} characters, on one line")


def moment(seconds: int) -> datetime:
    """The moment, in UTC, of a number of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
