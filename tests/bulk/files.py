"""Files to import, and what the database holds after."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from ksz_childbenefits.bulk.rejections import rejections_path
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.schema import customers, imports, repertory_lines

REPERTORY = "ssin,source,customer,sector,quality,phase,file_type,archive,begin,end"


def written(path: Path, *lines: str, header: str | None = REPERTORY) -> Path:
    """A file of these lines, packed if its name ends in .gz."""
    text = "".join(f"{line}\n" for line in ([header] if header else []) + list(lines))
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def rejections_of(path: Path) -> Path:
    """Where the rejected lines go of the file that is at ``path`` now."""
    return rejections_path(path, hashlib.sha256(path.read_bytes()).hexdigest())


def rejected(path: Path) -> list[tuple[int, str]]:
    """The rejected lines of the import of ``path``: number and rule."""
    with rejections_of(path).open(newline="") as file:
        return [(int(row["line"]), row["error"]) for row in csv.DictReader(file)]


def stored(engine: Engine) -> list[tuple[Any, ...]]:
    """All repertory lines in the order in which they came, without their numbers."""
    columns = [column for column in repertory_lines.c if column.name != "id"]
    with reading(engine) as connection:
        query = select(*columns).order_by(repertory_lines.c.id)
        return [tuple(row) for row in connection.execute(query)]


def recorded(engine: Engine) -> list[tuple[Any, ...]]:
    """How far the imports are."""
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(imports))]


def add_customers(engine: Engine, names: Sequence[str]) -> None:
    """Register customers by their names alone."""
    values = [
        {"name": name, "title": name, "cbe_number": f"{number:010d}"}
        for number, name in enumerate(names, 1)
    ]
    with writing(engine) as connection:
        connection.execute(insert(customers), values)
