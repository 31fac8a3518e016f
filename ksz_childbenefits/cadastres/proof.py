"""Proof that the split lost nothing and doubled nothing, by the content of every row (DOMAIN 1)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
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

    By content: every file has one copy, every entry of the regional repertory one at one operator
    or at each, none is altered or invented, all are at an operator that holds the source since the
    split; every FEDERAL line names an archive.
    """
    members: dict[int, list[tuple[str, int]]] = {}
    for member in connection.execute(select(cadastre_file_members)):
        members.setdefault(member.file_id, []).append((member.ssin, member.quality))
    files = _contents(connection, cadastre_files, members)
    entries = _contents(connection, regional_repertory, {})
    copies = (of_one for operator, of_one in files.items() if operator is not Operator.ORINT)
    _compare("files", files[Operator.ORINT], sum(copies, Counter[bytes]()))
    # The greater of both numbers: an entry with files in both archives is at both.
    copies = (of_one for operator, of_one in entries.items() if operator is not Operator.ORINT)
    _compare("entries", entries[Operator.ORINT], reduce(or_, copies, Counter[bytes]()))
    return SplitCount(_totals(files), _totals(entries), _prove_lines(connection))


def _contents(
    connection: Connection, table: Table, members: Mapping[int, list[tuple[str, int]]]
) -> dict[Operator, Counter[bytes]]:
    """How often each content is held: at ORINT, and at each operator that it was carried to."""
    contents: dict[Operator, Counter[bytes]] = {Operator.ORINT: Counter()}
    at_orint = table.c.operator == Operator.ORINT.value
    for row in connection.execute(
        select(table).where(at_orint | table.c.carried_from.is_not(None))
    ):
        operator = Operator(row.operator)
        require(
            operator is Operator.ORINT or operator in holders(AuthenticSource(row.source), CUTOVER),
            f"{table.name}: {operator} does not hold {row.source} since the split",
        )
        content = _hash(row, members.get(row.id, []))
        contents.setdefault(operator, Counter())[content] += 1
    return contents


def _compare(what: str, held: Counter[bytes], carried: Counter[bytes]) -> None:
    lost, added = (held - carried).total(), (carried - held).total()
    require(not lost, f"the split lost {lost} of {held.total()} {what}")
    require(not added, f"the split added {added} {what} that ORINT does not hold")


def _totals(contents: Mapping[Operator, Counter[bytes]]) -> dict[Operator, int]:
    return {operator: count.total() for operator, count in contents.items()}


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
