"""How far an import is: a row of the database, changed in the transaction of each batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.schema import imports


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes (unpacked) and lines read, lines imported and rejected, bytes of the rejected file."""

    position: int = 0
    lines: int = 0
    imported: int = 0
    rejected: int = 0
    rejected_bytes: int = 0
    finished: bool = False


def find(connection: Connection, kind: str, digest: str) -> Progress | None:
    """How far the import of this file is; None if it has not begun."""
    columns = [imports.c[name] for name in Progress.__dataclass_fields__]
    query = select(*columns).where(imports.c.kind == kind, imports.c.digest == digest)
    # SQLite knows no row locks, nor needs them: it has one writer.
    row = connection.execute(query.with_for_update()).first()
    return Progress(*row) if row else None


def begin(connection: Connection, kind: str, digest: str, first: Progress) -> None:
    """Store that the import of this file begins, and where."""
    connection.execute(insert(imports).values(kind=kind, digest=digest, **asdict(first)))


def claim(connection: Connection, kind: str, digest: str, reached: Progress) -> None:
    """Keep others from this import until the transaction ends; DataError if one was faster."""
    if find(connection, kind, digest) != reached:
        raise DataError("another process is importing this file")


def advance(connection: Connection, kind: str, digest: str, reached: Progress) -> None:
    """Store how far it is."""
    same = (imports.c.kind == kind) & (imports.c.digest == digest)
    connection.execute(update(imports).where(same).values(**asdict(reached)))
