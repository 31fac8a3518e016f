"""What the registers hold, into files that can be imported again: streaming, in a fixed order."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, func, literal, select

from ksz_childbenefits.audit.raw import Row, leniently, raw
from ksz_childbenefits.bulk import persons as persons_format
from ksz_childbenefits.bulk import repertory as repertory_format
from ksz_childbenefits.bulk.audit_lines import cut_line, item_line
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.audit_schema import audit_chains, audit_records
from ksz_childbenefits.registers.database import snapshot
from ksz_childbenefits.registers.schema import (
    cadastre_files,
    connecting_factors,
    funds,
    persons,
    regional_repertory,
    repertory_lines,
)

_FETCHED = 2000
"""How many rows are held in memory at a time."""

Watch = Callable[[int, int], None]
"""Told how many rows are written, of how many."""


def export_repertory(engine: Engine, path: Path, watch: Watch) -> int:
    """All lines of the person repertory as CSV, in the order in which they came; how many."""
    columns = repertory_lines.c
    names = (*repertory_format.COLUMNS[:-2], "begin_date", "end_date")
    query = select(*(columns[name] for name in names)).order_by(columns.id)
    with snapshot(engine) as connection, _target(path) as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(repertory_format.COLUMNS)
        total = _count(connection, repertory_lines)
        return _written(writer.writerow, _streamed(connection, query), total, watch)


def export_persons(engine: Engine, path: Path, watch: Watch) -> int:
    """All persons with their connecting factors as CSV, replaced ones after those that replace."""
    with snapshot(engine) as connection, _target(path) as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(persons_format.COLUMNS)
        total = _count(connection, persons) + _count(connection, connecting_factors)
        rows = _person_rows(_streamed(connection, _persons_in_order()))
        return _written(writer.writerow, rows, total, watch)


def export_holdings(engine: Engine, operator: Operator, path: Path, watch: Watch) -> int:
    """What an operator holds as JSON Lines: its funds, files and entries; how many in all."""
    with snapshot(engine) as connection, _target(path) as target:
        total = sum(
            _count(connection, table, operator) for table in (cadastre_files, regional_repertory)
        )

        def write(line: Mapping[str, Any]) -> None:
            text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            target.write(f"{text}\n")

        return _written(write, _holdings(connection, operator), total, watch)


def export_audit(engine: Engine, path: Path, watch: Watch) -> int:
    """The audit trail as JSON Lines, chain by chain: every item as it is signed; how many."""
    items, chains = audit_records.c, audit_chains.c
    every = select(*(raw(items[name]) for name in Row._fields)).order_by(items.writer, items.number)
    cuts = (
        select(raw(chains.writer), raw(chains.cut_text), raw(chains.cut_signature))
        .where(chains.cut_text.is_not(None))
        .order_by(chains.writer)
    )
    with (
        snapshot(engine) as connection,
        leniently(connection, "surrogateescape"),
        _target(path) as target,
    ):
        for row in connection.execute(cuts):
            target.write(cut_line(*row))
        total = _count(connection, audit_records)
        lines = map(item_line, _streamed(connection, every))
        return _written(target.write, lines, total, watch)


def _written(write: Callable[[Any], Any], rows: Iterator[Any], total: int, watch: Watch) -> int:
    count = 0
    for row in rows:
        write(row)
        count += 1
        if count % _FETCHED == 0:
            watch(count, total)
    watch(count, count)
    return count


@contextmanager
def _target(path: Path) -> Iterator[io.TextIOWrapper]:
    """The new file, packed if its name ends in .gz; under its name only once it is whole.

    DataError if it cannot be written, from its beginning to its end.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        # For its owner only: who is paid what, and where families live.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as raw:
                if path.suffix == ".gz":
                    # No time in it: the same rows give the same file.
                    with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed, _text(packed) as text:
                        yield text
                else:
                    with _text(raw) as text:
                        yield text
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def _text(raw: Any) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    return iter(connection.execute(query, execution_options={"yield_per": _FETCHED}))


def _count(connection: Connection, table: Table, operator: Operator | None = None) -> int:
    query = select(func.count()).select_from(table)
    if operator is not None:
        query = query.where(table.c.operator == operator.value)
    return int(connection.execute(query).scalar_one())


def _persons_in_order() -> Select[Any]:
    """Persons with their factors; whom nobody replaces first, then each after its replacement."""
    replacing = persons.alias()
    depth = (
        select(persons.c.ssin, literal(1).label("steps"))
        .join(replacing, persons.c.replaced_by == replacing.c.ssin)
        .where(replacing.c.replaced_by.is_(None))
        .cte("depth", recursive=True)
    )
    further = select(persons.c.ssin, depth.c.steps + 1).join(
        depth, persons.c.replaced_by == depth.c.ssin
    )
    depth = depth.union_all(further)
    factors = connecting_factors.c
    return (
        select(persons, factors.factor, factors.nis, factors.begin_date, factors.end_date)
        .outerjoin_from(persons, connecting_factors)
        .outerjoin(depth, depth.c.ssin == persons.c.ssin)
        .order_by(
            func.coalesce(depth.c.steps, 0), persons.c.ssin, factors.factor, factors.begin_date
        )
    )


def _person_rows(rows: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    last = None
    for row in rows:
        if row.ssin != last:
            last = row.ssin
            told = (row.ssin, row.birth_date, row.status, row.replaced_by)
            yield (persons_format.PERSON, *told, None, None, None, None)
        if row.factor is not None:
            told = (row.factor, row.nis, row.begin_date, row.end_date)
            yield (persons_format.FACTOR, row.ssin, None, None, None, *told)


def _holdings(connection: Connection, operator: Operator) -> Iterator[dict[str, Any]]:
    files, entries = cadastre_files.c, regional_repertory.c
    used = select(files.fund).where(files.operator == operator.value)
    used_by_entries = select(entries.fund).where(entries.operator == operator.value)
    of_operator = funds.c.number.in_(used) | funds.c.number.in_(used_by_entries)
    query = select(funds).where(of_operator).order_by(funds.c.number)
    for row in connection.execute(query):
        yield {"fund": _filled(**row._mapping)}
    query = select(cadastre_files).where(files.operator == operator.value).order_by(files.id)
    for row in _streamed(connection, query):
        yield {
            "file": _filled(
                **_common(row),
                number=row.file_number,
                entitled=row.entitled_person,
                **row.content,
            )
        }
    query = select(regional_repertory).where(entries.operator == operator.value)
    for row in _streamed(connection, query.order_by(entries.id)):
        yield {"entry": _filled(**_common(row), ssin=row.ssin, quality=row.quality)}


def _common(row: Any) -> dict[str, Any]:
    return {
        "source": row.source,
        "type": row.file_type,
        "fund": row.fund,
        "begin": row.begin_date.isoformat(),
        "end": row.end_date and row.end_date.isoformat(),
    }


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
