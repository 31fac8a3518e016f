"""Many rows into a table at once: COPY on PostgreSQL, batched inserts on SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, cast

import psycopg
from sqlalchemy import JSON, Connection, Table, exc, insert, text

from ksz_childbenefits.registers.database import without_deadline

BATCH = 2000
"""How many rows one insert into SQLite takes; what is held in memory at a time."""


def lock_tables(connection: Connection, *tables: Table) -> None:
    """Let nobody else write these tables until the transaction ends; reading goes on.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def copy_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store all rows within the connection's transaction, in constant memory; gives their number.

    All rows have the columns of the first. Values are those that an insert takes: dates, texts,
    numbers, None, JSON as Python values. Nothing is checked but what the table itself demands: a
    broken constraint is SQLAlchemy's IntegrityError, and the transaction cannot go on.
    """
    stream = iter(rows)
    first = next(stream, None)
    if first is None:
        return 0
    without_deadline(connection)
    if connection.dialect.name == "postgresql":
        return _copy(connection, table, list(first), chain([first], stream))
    return _insert(connection, table, chain([first], stream))


def _insert(connection: Connection, table: Table, rows: Iterator[Mapping[str, Any]]) -> int:
    count = 0
    while batch := list(islice(rows, BATCH)):
        connection.execute(insert(table), batch)
        count += len(batch)
    return count


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> int:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    statement = f"COPY {quote(table.name)} ({names}) FROM STDIN"
    json_columns = [name for name in columns if isinstance(table.c[name].type, JSON)]
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    # One column: itemgetter would give its value, not a row of one.
    values_of = itemgetter(*columns) if len(columns) > 1 else lambda row: list(row.values())
    count = 0
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(values_of(_as_text(row, json_columns) if json_columns else row))
                count += 1
    except psycopg.Error as error:
        # As SQLAlchemy raises what happens in a statement of its own; the text may hold a row.
        raise exc.DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True
        ) from error
    return count


def _as_text(row: Mapping[str, Any], json_columns: Iterable[str]) -> dict[str, Any]:
    return {**row, **{name: json.dumps(row[name]) for name in json_columns}}
