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
from ksz_childbenefits.errors import DataError
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


class ProofFailed(DataError):
    """What the operators hold since the split is not what ORINT holds."""


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
    """Count what was carried over; ProofFailed unless it is exactly what ORINT holds.

    By content, in bounded memory: every file has one copy; every entry of the regional repertory
    has one, at each operator that a file went to which it leads to; none is altered or invented;
    all are at an operator that holds the source since the split; every FEDERAL line names an
    archive, and none is there twice.
    """
    files = _compared(connection, cadastre_files)
    entries = _compared(connection, regional_repertory)
    # An entry with files in both archives is at both; a file is at exactly one.
    others = sum(value for operator, value in files.sums.items() if operator is not Operator.ORINT)
    _require(
        (files.sums[Operator.ORINT] - others) % _HASHES == 0,
        "the hashes of the files carried over are not those of the files that ORINT holds",
    )
    return SplitCount(
        dict(files.counts),
        dict(entries.counts),
        _prove_lines(connection),
        {operator: f"{value % _HASHES:064x}" for operator, value in files.sums.items()},
    )


def _require(holds: bool, finding: str) -> None:
    if not holds:
        raise ProofFailed(finding)


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
    tally, lost, added, out_of_reach = _Tally(), 0, 0, 0
    for page in _pages(connection, table):
        copies: dict[int, list[Row[Any]]] = {row.id: [] for row in page}
        for copy in connection.execute(select(table).where(table.c.carried_from.in_(list(copies)))):
            copies[copy.carried_from].append(copy)
        members = _members(connection, table, [*page, *(c for of in copies.values() for c in of)])
        reached = _reached(connection, table, list(copies))
        for row in page:
            content = content_hash(row, members.get(row.id, []))
            tally.add(Operator.ORINT, content)
            same = set()
            for copy in copies[row.id]:
                digest = content_hash(copy, members.get(copy.id, []))
                tally.add(Operator(copy.operator), digest)
                if digest == content:
                    same.add(copy.operator)
            lost += not same
            added += len(copies[row.id]) - len(same)
            out_of_reach += not reached.get(row.id, set()) <= same
    held, what = tally.counts[Operator.ORINT], _NAMES[table.name]
    _require(not lost, f"the split lost {lost} of {held} {what}")
    _require(
        not out_of_reach,
        f"{out_of_reach} of {held} {what} have no copy where a file is that they lead to",
    )
    added += _without_origin(connection, table)
    _require(not added, f"the split added {added} {what} that ORINT does not hold")
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


def _reached(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, set[str]]:
    """Who holds, since the split, the files that each of these entries leads to at ORINT."""
    found: dict[int, set[str]] = {}
    if table is not regional_repertory:
        return found
    entries, members, files = table.c, cadastre_file_members.c, cadastre_files.c
    copy = cadastre_files.alias()
    query = (
        select(entries.id, copy.c.operator)
        .join(cadastre_file_members, members.ssin == entries.ssin)
        .join(
            cadastre_files,
            (files.id == members.file_id)
            & (files.operator == entries.operator)
            & (files.source == entries.source)
            & (files.fund == entries.fund)
            & (files.file_type == entries.file_type),
        )
        .join(copy, copy.c.carried_from == files.id)
        .where(entries.id.in_(ids))
        .distinct()
    )
    for entry, operator in connection.execute(query):
        found.setdefault(entry, set()).add(operator)
    return found


def _check_places(connection: Connection, table: Table) -> None:
    """Every copy is at an operator that holds its source since the split."""
    places = select(table.c.operator, table.c.source).where(table.c.carried_from.is_not(None))
    for operator, source in connection.execute(places.distinct()):
        _require(
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
    federal = lines.source == AuthenticSource.FEDERAL.value
    query = select(lines.archive, func.count()).where(federal)
    rows = connection.execute(query.group_by(lines.archive)).all()
    _require(all(archive for archive, _ in rows), "a FEDERAL line names no archive")
    content = [column for column in lines if column.name != "id"]
    twice = select(lines.ssin).where(federal).group_by(*content).having(func.count() > 1)
    doubled = connection.execute(select(func.count()).select_from(twice.subquery())).scalar_one()
    _require(not doubled, f"{doubled} FEDERAL lines are there more than once")
    return {Operator(archive): count for archive, count in rows}


def content_hash(row: Row[Any], members: Sequence[tuple[str, int]] = ()) -> bytes:
    """SHA-256 of what a file, with its members, or an entry says, whoever holds it."""
    content = {name: value for name, value in row._mapping.items() if name not in _PLACE}
    text = json.dumps([content, sorted(members)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()
