"""Proof that the split lost nothing and doubled nothing, by the content of every row (DOMAIN 1)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, select

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


@dataclass(frozen=True, slots=True)
class SplitCount:
    """How many rows ORINT holds, and how many of them each operator since the split.

    ``lines``: FEDERAL lines of the person repertory, by the archive that they name.
    """

    files: Mapping[Operator, int]
    entries: Mapping[Operator, int]
    lines: Mapping[Operator, int]


def prove(connection: Connection) -> SplitCount:
    """Count what was carried over; DataError unless it is exactly what ORINT holds.

    Every file has one copy, every entry of the regional repertory at least one and at most one at
    each operator, each with the same content, at an operator that holds the source since then;
    every FEDERAL line names an archive.
    """
    members: dict[int, list[tuple[str, int]]] = {}
    for member in connection.execute(select(cadastre_file_members)):
        members.setdefault(member.file_id, []).append((member.ssin, member.quality))
    files = connection.execute(select(cadastre_files)).all()
    origins = [row.carried_from for row in files if row.carried_from is not None]
    require(len(origins) == len(set(origins)), "a file was carried over twice")
    return SplitCount(
        files=_prove_rows(cadastre_files, files, members),
        entries=_prove_rows(
            regional_repertory, connection.execute(select(regional_repertory)).all(), {}
        ),
        lines=_prove_lines(connection),
    )


def _prove_rows(
    table: Table, rows: Sequence[Row[Any]], members: Mapping[int, list[tuple[str, int]]]
) -> Counter[Operator]:
    held = [row for row in rows if row.operator == Operator.ORINT]
    copies = [row for row in rows if row.carried_from is not None]
    places = {(row.carried_from, row.operator) for row in copies}
    content = {row.id: _hash(row, members.get(row.id, [])) for row in (*held, *copies)}
    name = table.name
    require({row.carried_from for row in copies} == {row.id for row in held}, f"{name}: lost")
    require(len(places) == len(copies), f"{name}: doubled at one operator")
    for row in copies:
        require(content[row.id] == content[row.carried_from], f"{name}: altered on the way")
        at_home = Operator(row.operator) in holders(AuthenticSource(row.source), CUTOVER)
        require(at_home, f"{name}: at an operator that does not hold {row.source}")
    return Counter(Operator(row.operator) for row in (*held, *copies))


def _prove_lines(connection: Connection) -> Counter[Operator]:
    query = select(repertory_lines.c.archive).where(
        repertory_lines.c.source == AuthenticSource.FEDERAL.value
    )
    archives = connection.execute(query).scalars().all()
    require(None not in archives, "a FEDERAL line names no archive")
    return Counter(Operator(archive) for archive in archives)


def _hash(row: Row[Any], members: Sequence[tuple[str, int]]) -> bytes:
    content = {name: value for name, value in row._mapping.items() if name not in _PLACE}
    text = json.dumps([content, sorted(members)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()
