"""The split of 1 January 2024: what ORINT held goes to Iriscare and AVIQ (DOMAIN 1).

A file goes whole to one operator: to the one that holds its source since the split or, where two
federal archives do, to the archive of its youngest child. The entries of the regional repertory
follow the files in which the person is at that fund, so an entry can go to both archives. FEDERAL
lines of the person repertory get the archive of the files that they stand for, one line for each.
ORINT's own rows stay: the consultation day can be moved to before the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, Table, bindparam, insert, select, update

from ksz_childbenefits.cadastres.proof import SplitCount, prove
from ksz_childbenefits.cadastres.store import BENEFICIARY_QUALITY
from ksz_childbenefits.domain.archives import archive_of_file
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator, holders
from ksz_childbenefits.domain.ssin import birth_date
from ksz_childbenefits.registers.database import snapshot, storing, without_deadline
from ksz_childbenefits.registers.persons import find_persons
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    regional_repertory,
    repertory_lines,
)

_CHUNK = 500
"""How many rows are carried over at a time."""

_ROLE_IN_FILE = {103: BENEFICIARY_QUALITY}
"""A file does not tell beneficiaries of type 2 from those of type 1."""


_Step = tuple[int | None, int]
"""The number of the last row that was carried over, None for none, and how many were."""

Watch = Callable[[str, int], None]
"""Told what is carried over, and how many rows of it are."""


def _ignore(_what: str, _rows: int) -> None:
    """Watch nothing."""


class _Stake(NamedTuple):
    """That a person is in a federal file, and the archive that the file went to."""

    ssin: str
    quality: int
    fund: str
    file_type: str
    begin: date
    end: date | None
    archive: Operator


def split(engine: Engine, watch: Watch = _ignore) -> SplitCount:
    """Carry over what ORINT holds and is not carried over yet, and prove it; say how much.

    A few hundred rows at a time, each time in one transaction: killed, it goes on where it was.
    Raises DataError if the proof fails, Unavailable when the database does not answer.
    """
    for what, carry in _STAGES:
        last: int | None = 0
        carried = 0
        while last is not None:
            with storing(engine) as connection:
                without_deadline(connection)
                last, rows = carry(connection, last)
            carried += rows
            watch(what, carried)
    with snapshot(engine) as connection:
        return prove(connection)


def split_holdings(connection: Connection) -> SplitCount:
    """The same within a transaction; the persons in the files must be in their register."""
    without_deadline(connection)
    for _, carry in _STAGES:
        last: int | None = 0
        while last is not None:
            last, _ = carry(connection, last)
    return prove(connection)


def _carry_files(connection: Connection, after: int) -> _Step:
    rows = _next(connection, _not_carried(cadastre_files), cadastre_files, after)
    children = {row.id: [child["ssin"] for child in row.content["children"]] for row in rows}
    persons = _persons(connection, [ssin for ssins in children.values() for ssin in ssins])
    targets = {
        row.id: _since_the_split(row.source)
        or {archive_of_file(persons[ssin] for ssin in children[row.id])}
        for row in rows
    }
    _copy(connection, cadastre_files, rows, targets)
    _copy_members(connection, list(children))
    return _step(rows)


def _copy_members(connection: Connection, origins: Sequence[int]) -> None:
    members = cadastre_file_members.c
    copied = (
        select(members.ssin, cadastre_files.c.id, members.quality)
        .join(cadastre_files, cadastre_files.c.carried_from == members.file_id)
        .where(members.file_id.in_(origins))
    )
    columns = ["ssin", "file_id", "quality"]
    connection.execute(insert(cadastre_file_members).from_select(columns, copied))


def _carry_entries(connection: Connection, after: int) -> _Step:
    rows = _next(connection, _not_carried(regional_repertory), regional_repertory, after)
    persons = _persons(connection, [row.ssin for row in rows])
    stakes = _stakes(connection, persons)
    targets = {
        row.id: _since_the_split(row.source)
        # All files that the entry could lead to, whatever their days: so what is found over
        # any range is what was found at ORINT.
        or {
            stake.archive
            for stake in stakes[row.ssin]
            if (stake.fund, stake.file_type) == (row.fund, row.file_type)
        }
        or {archive_of_file([persons[row.ssin]])}
        for row in rows
    }
    _copy(connection, regional_repertory, rows, targets)
    return _step(rows)


def _name_archives(connection: Connection, after: int) -> _Step:
    """Give FEDERAL lines that name no archive theirs; a second archive gets a line of its own."""
    lines = repertory_lines.c
    unnamed = select(repertory_lines).where(
        lines.source == AuthenticSource.FEDERAL.value, lines.archive.is_(None)
    )
    rows = _next(connection, unnamed, repertory_lines, after)
    persons = _persons(connection, [row.ssin for row in rows])
    stakes = _stakes(connection, persons)
    first: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for row in rows:
        files = _stood_for(row, stakes[row.ssin])
        archives = {s.archive for s in files} or {archive_of_file([persons[row.ssin]])}
        one, *rest = sorted(archives)
        first.append({"line": row.id, "its_archive": one.value})
        others += [_without_id(row) | {"archive": archive.value} for archive in rest]
    if first:
        named = update(repertory_lines).where(lines.id == bindparam("line"))
        connection.execute(named.values(archive=bindparam("its_archive")), first)
    if others:
        connection.execute(insert(repertory_lines), others)
    return _step(rows)


_STAGES: tuple[tuple[str, Callable[[Connection, int], _Step]], ...] = (
    ("Files", _carry_files),
    ("Entries", _carry_entries),
    ("FEDERAL lines", _name_archives),
)
"""What is done one after the other: entries and lines follow the files."""


def _stood_for(line: Row[Any], stakes: Iterable[_Stake]) -> list[_Stake]:
    """The files that a line stands for: same role and days, else that role then, else any then."""
    meeting = [
        stake
        for stake in stakes
        if stake.file_type == line.file_type
        and stake.begin <= (line.end_date or date.max)
        and line.begin_date <= (stake.end or date.max)
    ]
    role = _ROLE_IN_FILE.get(line.quality, line.quality)
    in_role = [stake for stake in meeting if stake.quality == role]
    days = (line.begin_date, line.end_date)
    return [stake for stake in in_role if (stake.begin, stake.end) == days] or in_role or meeting


def _since_the_split(source: str) -> set[Operator]:
    """The one operator that holds the source since the split; none where archives share it."""
    operators = holders(AuthenticSource(source), CUTOVER)
    return set(operators) if len(operators) == 1 else set()


def _not_carried(table: Table) -> Select[Any]:
    carried = table.alias()
    return select(table).where(
        table.c.operator == Operator.ORINT.value,
        ~select(carried.c.id).where(carried.c.carried_from == table.c.id).exists(),
    )


def _next(
    connection: Connection, wanted: Select[Any], table: Table, after: int
) -> Sequence[Row[Any]]:
    """The next of the wanted rows, by their numbers."""
    query = wanted.where(table.c.id > after).order_by(table.c.id).limit(_CHUNK)
    return connection.execute(query).all()


def _step(rows: Sequence[Row[Any]]) -> _Step:
    return (rows[-1].id if rows else None), len(rows)


def _copy(
    connection: Connection,
    table: Table,
    rows: Iterable[Row[Any]],
    targets: Mapping[int, set[Operator]],
) -> None:
    copies = [
        _without_id(row) | {"operator": operator.value, "carried_from": row.id}
        for row in rows
        for operator in sorted(targets[row.id])
    ]
    if copies:
        connection.execute(insert(table), copies)


def _without_id(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "id"}


def _persons(connection: Connection, numbers: Iterable[str]) -> dict[str, Person]:
    """The persons; of one that is not in the register, what its number tells."""
    wanted = sorted(set(numbers))
    found = find_persons(connection, wanted)
    return {ssin: found.get(ssin) or Person(ssin, birth_date(ssin)) for ssin in wanted}


def _stakes(connection: Connection, numbers: Iterable[str]) -> dict[str, list[_Stake]]:
    """The federal files, carried over, that each of these persons is in."""
    files = cadastre_files.c
    query = (
        select(
            cadastre_file_members.c.ssin,
            cadastre_file_members.c.quality,
            files.fund,
            files.file_type,
            files.begin_date,
            files.end_date,
            files.operator,
        )
        .join(cadastre_files)
        .where(
            cadastre_file_members.c.ssin.in_(numbers),
            files.source == AuthenticSource.FEDERAL.value,
            files.carried_from.is_not(None),
        )
    )
    found: dict[str, list[_Stake]] = {ssin: [] for ssin in numbers}
    for row in connection.execute(query):
        found[row.ssin].append(_Stake(*row[:-1], Operator(row.operator)))
    return found
