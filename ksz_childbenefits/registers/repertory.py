"""The KSZ person repertory: who is known at which source, or inscribed by a customer (DOMAIN 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, or_, select

from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.checks import check_line, named, places_of, require
from ksz_childbenefits.registers.database import asking, storing
from ksz_childbenefits.registers.direct import Prepared, direct
from ksz_childbenefits.registers.rules import Rule
from ksz_childbenefits.registers.schema import customers, repertory_lines

_LINES = (
    select(repertory_lines)
    .where(repertory_lines.c.ssin == bindparam("ssin"), repertory_lines.c.source.is_not(None))
    .order_by(repertory_lines.c.begin_date, repertory_lines.c.id)
)

_KNOWN = Prepared(
    lambda _: (
        select(*repertory_lines.c)
        .where(
            repertory_lines.c.ssin.in_(bindparam("numbers", expanding=True)),
            or_(
                repertory_lines.c.source.is_not(None),
                repertory_lines.c.customer == bindparam("customer"),
            ),
        )
        .order_by(repertory_lines.c.begin_date, repertory_lines.c.id)
    )
)


class PersonRepertory:
    """Lines in the database. Reading raises Unavailable when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        self._engine = engine
        self._direct = direct(engine)

    def lines(self, ssin: str) -> tuple[RepertoryLine, ...]:
        """All lines of this number that are held by sources, by their begin."""
        with asking(self._engine) as connection:
            return tuple(line_of_row(row) for row in connection.execute(_LINES, {"ssin": ssin}))

    def known(self, ssins: Iterable[str], customer: str) -> tuple[RepertoryLine, ...]:
        """All lines of these numbers that sources hold, and the customer's own, by their begin."""
        rows = self._direct.rows(_KNOWN, numbers=list(ssins), customer=customer)
        return tuple([line_of(*row) for row in rows])

    def add(self, rows: Sequence[RepertoryLine], places: Sequence[str] | None = None) -> None:
        """Add lines, all or none; DataError names the row (or its place) and the rule."""
        with storing(self._engine) as connection:
            insert_lines(connection, rows, places)


def line_of_row(row: Row[Any]) -> RepertoryLine:
    """The line that a row of the table holds."""
    return line_of(*tuple(row))


def line_of(  # noqa: PLR0913, PLR0917 - the columns of the table, in their order
    _id: int,
    ssin: str,
    source: str | None,
    customer: str | None,
    sector: int,
    quality: int,
    phase: int | None,
    file_type: str | None,
    archive: str | None,
    begin: date,
    end: date | None,
) -> RepertoryLine:
    """The line that the columns of a row say."""
    return RepertoryLine(
        ssin,
        AuthenticSource(source) if source else None,
        customer,
        sector,
        quality,
        phase,
        FileType(file_type) if file_type else None,
        Operator(archive) if archive else None,
        begin,
        end,
    )


def insert_lines(
    connection: Connection, rows: Sequence[RepertoryLine], places: Sequence[str] | None = None
) -> None:
    """Add lines within a transaction; DataError names the row and the rule that it breaks."""
    known = set(connection.execute(select(customers.c.name)).scalars())
    for line, place in zip(rows, places_of(rows, places), strict=True):
        with named(place):
            check_line(line)
            require(
                line.customer is None or line.customer in known,
                "the customer is unknown",
                Rule.UNKNOWN_CUSTOMER,
            )
    if rows:
        connection.execute(insert(repertory_lines), [line_values(line) for line in rows])


def line_values(line: RepertoryLine) -> dict[str, Any]:
    """The columns of a line."""
    return {
        "ssin": line.ssin,
        "source": line.source and line.source.value,
        "customer": line.customer,
        "sector": line.sector,
        "quality": line.quality,
        "phase": line.phase,
        "file_type": line.file_type and line.file_type.value,
        "archive": line.archive and line.archive.value,
        "begin_date": line.begin,
        "end_date": line.end,
    }
