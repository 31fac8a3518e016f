"""Proof that the split lost nothing and doubled nothing, by the content of every row (DOMAIN 1)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator, holders
from ksz_childbenefits.registers.checks import require
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    regional_repertory,
    repertory_lines,
)

_PLACE = frozenset(("id", "operator", "carried_from"))
"""The columns that say where a row is held; all others are its content."""

_PAGE = 500
"""How many of ORINT's rows are compared with their copies at a time."""

_HASHES = 2**256
"""SHA-256 hashes are added up modulo this: the sum of a set does not depend on its order."""


@dataclass(frozen=True, slots=True)
class SplitCount:
    """How many rows ORINT holds, and how many of them each operator since the split.

    ``lines``: FEDERAL lines of the person repertory, by the archive that they name. ``digests``:
    the sum (hex) of the SHA-256 of all files at each operator; ORINT's is that of all others.
    """

    files: Mapping[Operator, int]
    entries: Mapping[Operator, int]
    lines: Mapping[Operator, int]
    digests: Mapping[Operator, str]


def prove(connection: Connection) -> SplitCount:
    """Count what was carried over; DataError unless it is exactly what ORINT holds.

    By content, in bounded memory: every file has one copy, every entry of the regional repertory
    one at one operator or at each, none is altered or invented, all are at an operator that holds
    the source since the split; every FEDERAL line names an archive.
    """
    files = _compared(connection, cadastre_files)
    entries = _compared(connection, regional_repertory)
    # An entry with files in both archives is at both; a file is at exactly one.
    others = sum(value for operator, value in files.sums.items() if operator is not Operator.ORINT)
    require(
        (files.sums[Operator.ORINT] - others) % _HASHES == 0,
        "the hashes of the files carried over are not those of the files that ORINT holds",
    )
    return SplitCount(
        dict(files.counts),
        dict(entries.counts),
        _prove_lines(connection),
        {operator: f"{value % _HASHES:064x}" for operator, value in files.sums.items()},
    )


class _Tally:
    """Rows at each operator, and the sums of their hashes."""

    def __init__(self) -> None:
        self.counts: Counter[Operator] = Counter({Operator.ORINT: 0})
        self.sums: dict[Operator, int] = {Operator.ORINT: 0}

    def add(self, operator: Operator, digest: bytes) -> None:
        self.counts[operator] += 1
        self.sums[operator] = self.sums.get(operator, 0) + int.from_bytes(digest, "big")


def _compared(connection: Connection, table: Table) -> _Tally:
    """ORINT's rows with their copies, which have the same content."""
    _check_places(connection, table)
    tally, lost, added = _Tally(), 0, 0
    for page in _pages(connection, table):
        copies: dict[int, list[Row[Any]]] = {row.id: [] for row in page}
        for copy in connection.execute(select(table).where(table.c.carried_from.in_(list(copies)))):
            copies[copy.carried_from].append(copy)
        members = _members(connection, table, [*page, *(c for of in copies.values() for c in of)])
        for row in page:
            content = _hash(row, members.get(row.id, []))
            tally.add(Operator.ORINT, content)
            same = 0
            for copy in copies[row.id]:
                digest = _hash(copy, members.get(copy.id, []))
                tally.add(Operator(copy.operator), digest)
                same += digest == content
            lost += not same
            added += len(copies[row.id]) - same
    held, what = tally.counts[Operator.ORINT], _NAMES[table.name]
    require(not lost, f"the split lost {lost} of {held} {what}")
    added += _without_origin(connection, table)
    require(not added, f"the split added {added} {what} that ORINT does not hold")
    return tally


_NAMES = {cadastre_files.name: "files", regional_repertory.name: "entries"}


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    last = 0
    of_orint = select(table).where(table.c.operator == Operator.ORINT.value)
    while page := connection.execute(
        of_orint.where(table.c.id > last).order_by(table.c.id).limit(_PAGE)
    ).all():
        yield page
        last = page[-1].id


def _members(
    connection: Connection, table: Table, rows: Sequence[Row[Any]]
) -> dict[int, list[tuple[str, int]]]:
    """Who is in each of these files; entries have no members."""
    found: dict[int, list[tuple[str, int]]] = {}
    if table is cadastre_files:
        ids = [row.id for row in rows]
        query = select(cadastre_file_members).where(cadastre_file_members.c.file_id.in_(ids))
        for member in connection.execute(query):
            found.setdefault(member.file_id, []).append((member.ssin, member.quality))
    return found


def _check_places(connection: Connection, table: Table) -> None:
    """Every copy is at an operator that holds its source since the split."""
    places = select(table.c.operator, table.c.source).where(table.c.carried_from.is_not(None))
    for operator, source in connection.execute(places.distinct()):
        require(
            Operator(operator) in holders(AuthenticSource(source), CUTOVER),
            f"{table.name}: {operator} does not hold {source} since the split",
        )


def _without_origin(connection: Connection, table: Table) -> int:
    """How many rows say that they are copies of what ORINT does not hold."""
    origin = table.alias()
    held = select(origin.c.id).where(
        origin.c.id == table.c.carried_from, origin.c.operator == Operator.ORINT.value
    )
    query = select(func.count()).where(table.c.carried_from.is_not(None), ~held.exists())
    return int(connection.execute(query).scalar_one())


def _prove_lines(connection: Connection) -> dict[Operator, int]:
    lines = repertory_lines.c
    query = select(lines.archive, func.count()).where(lines.source == AuthenticSource.FEDERAL.value)
    rows = connection.execute(query.group_by(lines.archive)).all()
    require(all(archive for archive, _ in rows), "a FEDERAL line names no archive")
    return {Operator(archive): count for archive, count in rows}


def _hash(row: Row[Any], members: Sequence[tuple[str, int]]) -> bytes:
    content = {name: value for name, value in row._mapping.items() if name not in _PLACE}
    text = json.dumps([content, sorted(members)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()
