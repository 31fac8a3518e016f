"""Rows of ORINT carried over to other operators, a few hundred at a time, each pair once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from ksz_childbenefits.cadastres.proof import content_hash
from ksz_childbenefits.domain.sources import Operator

CHUNK = 500
"""How many rows one step takes."""


class Step(NamedTuple):
    """What one step did.

    ``last``: the number of the last row that it looked at, None if none was left; ``rows``: how
    many it looked at; ``changed``: how many rows it wrote.
    """

    last: int | None
    rows: int
    changed: int


def step(rows: Sequence[Row[Any]], changed: int) -> Step:
    """The step that looked at these rows."""
    return Step(rows[-1].id if rows else None, len(rows), changed)


def next_rows(
    connection: Connection, wanted: Select[Any], table: Table, after: int
) -> Sequence[Row[Any]]:
    """The next of the wanted rows of the table, by their numbers."""
    query = wanted.where(table.c.id > after).order_by(table.c.id).limit(CHUNK)
    return connection.execute(query).all()


def not_carried(table: Table) -> ColumnElement[bool]:
    """That a row is carried over to nobody."""
    copy = table.alias()
    return ~select(copy.c.id).where(copy.c.carried_from == table.c.id).exists()


def held_by(
    connection: Connection, table: Table, rows: Sequence[Row[Any]]
) -> dict[int, set[Operator]]:
    """The operators that each of these rows is carried over to."""
    held: dict[int, set[Operator]] = {row.id: set() for row in rows}
    columns = table.c.carried_from, table.c.operator
    for origin, operator in connection.execute(
        select(*columns).where(table.c.carried_from.in_(list(held)))
    ):
        held[origin].add(Operator(operator))
    return held


def carry(
    connection: Connection,
    table: Table,
    missing: Sequence[tuple[Row[Any], Operator]],
    of_same_persons: ColumnElement[bool],
) -> int:
    """Carry each row over to its operator; gives how many were.

    An equal row that the operator holds already becomes the copy: it came by an import of what was
    carried over elsewhere, and a second one would double it. ``of_same_persons``: where to look.
    """
    own = _own_rows(connection, table, of_same_persons) if missing else {}
    adopted, copies = [], []
    for row, operator in missing:
        equal = own and own.get((operator.value, content_hash(row)))
        if equal:
            adopted.append({"own": equal.pop(), "origin": row.id})
        else:
            copies.append(without_id(row) | {"operator": operator.value, "carried_from": row.id})
    if adopted:
        same = update(table).where(table.c.id == bindparam("own"))
        connection.execute(same.values(carried_from=bindparam("origin")), adopted)
    if copies:
        connection.execute(insert(table), copies)
    return len(missing)


def _own_rows(
    connection: Connection, table: Table, of_same_persons: ColumnElement[bool]
) -> Mapping[tuple[str, bytes], list[int]]:
    """The numbers of the rows that others than ORINT hold by themselves, by their content."""
    own = select(table).where(
        table.c.operator != Operator.ORINT.value, table.c.carried_from.is_(None), of_same_persons
    )
    found: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    for row in connection.execute(own.order_by(table.c.id.desc())):
        found[row.operator, content_hash(row)].append(row.id)
    return found


def without_id(row: Row[Any]) -> dict[str, Any]:
    """The columns of a row but for its number."""
    return {name: value for name, value in row._mapping.items() if name != "id"}
