"""The split of 1 January 2024: what ORINT held goes to Iriscare and AVIQ (DOMAIN 1).

A file goes whole to one operator: to the one that holds its source since the split or, where two
federal archives do, to the archive of its youngest child. The entries of the regional repertory
follow the files in which the person is at that fund, so an entry can go to both archives. FEDERAL
lines of the person repertory follow the files too (``federal``). ORINT's own rows stay: the
consultation day can be moved to before the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    func,
    insert,
    or_,
    select,
    union,
)

from ksz_childbenefits.cadastres.carrying import (
    Step,
    carry,
    held_by,
    next_rows,
    not_carried,
    step,
)
from ksz_childbenefits.cadastres.federal import Stake, name_archives, stakes
from ksz_childbenefits.cadastres.proof import ProofFailed, SplitCount, prove
from ksz_childbenefits.domain.archives import archive_of_file
from ksz_childbenefits.domain.persons import CHILD_QUALITY, Person
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator, holders
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.bulk import lock_tables
from ksz_childbenefits.registers.database import snapshot, storing, without_deadline
from ksz_childbenefits.registers.persons import find_persons
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    persons,
    regional_repertory,
    repertory_lines,
)

Watch = Callable[[str, int], None]
"""Told what is looked through, and how many rows of it are."""


def _ignore(_what: str, _rows: int) -> None:
    """Watch nothing."""


def split(engine: Engine, watch: Watch = _ignore) -> SplitCount:
    """Carry over what ORINT holds and is not carried over yet, and prove it; say how much.

    A few hundred rows at a time, each time in one transaction: killed, it goes on where it was.
    What is imported meanwhile is carried over too. Raises DataError where the database lacks what
    the archives follow from, ProofFailed if the proof fails, Unavailable when the database does
    not answer.
    """
    while True:
        changed = _carry_all(engine, watch)
        try:
            with snapshot(engine) as connection:
                return prove(connection)
        except ProofFailed:
            # An import or another split may have come between: only what is still wrong when
            # nothing was left to carry is a loss.
            if not changed:
                raise


def _carry_all(engine: Engine, watch: Watch) -> int:
    """All stages once; how many rows were written."""
    with snapshot(engine) as connection:
        _check_grounds(connection)
    changed = 0
    for what, take in _STAGES:
        last: int | None = 0
        rows = 0
        while last is not None:
            with storing(engine) as connection:
                without_deadline(connection)
                done = take(connection, last)
            last, rows, changed = done.last, rows + done.rows, changed + done.changed
            watch(what, rows)
    return changed


def split_holdings(connection: Connection) -> SplitCount:
    """The same within a transaction, in which nobody else writes."""
    without_deadline(connection)
    _check_grounds(connection)
    for _, take in _STAGES:
        last: int | None = 0
        while last is not None:
            last = take(connection, last).last
    return prove(connection)


def _check_grounds(connection: Connection) -> None:
    """DataError where an archive would be guessed: without a domicile or a file, all is AVIQ's."""
    concerned = _whose_domicile_counts().subquery()
    registered = select(persons.c.ssin).where(persons.c.ssin == concerned.c.ssin).exists()
    missing = select(func.count()).select_from(concerned).where(~registered)
    if count := connection.execute(missing).scalar_one():
        raise _unregistered(count)
    lines, files = repertory_lines.c, cadastre_files.c
    unnamed = select(lines.id).where(
        lines.source == AuthenticSource.FEDERAL.value, lines.archive.is_(None)
    )
    federal = select(files.id).where(
        files.source == AuthenticSource.FEDERAL.value, files.operator == Operator.ORINT.value
    )
    if (
        connection.execute(unnamed.limit(1)).first()
        and not connection.execute(federal.limit(1)).first()
    ):
        raise DataError(
            "FEDERAL lines get the archives of the files that they stand for, and this database "
            "has none of ORINT's federal files"
        )


def _unregistered(count: int) -> DataError:
    return DataError(
        f"children of ORINT's federal files, or holders of its federal entries, that are not in "
        f"the register of persons: {count}; their domiciles decide the archive, so "
        "`persons import` comes first"
    )


def _carry_files(connection: Connection, after: int) -> Step:
    lock_tables(connection, cadastre_files, regional_repertory)
    wanted = _of_orint(cadastre_files).where(not_carried(cadastre_files))
    rows = next_rows(connection, wanted, cadastre_files, after)
    children = {row.id: [child["ssin"] for child in row.content["children"]] for row in rows}
    known = _registered(
        connection,
        {ssin for row in rows if not _since_the_split(row.source) for ssin in children[row.id]},
    )
    missing = [
        (
            row,
            _since_the_split(row.source)
            or archive_of_file(known[ssin] for ssin in children[row.id]),
        )
        for row in rows
    ]
    members = cadastre_file_members.c
    of_children = select(members.file_id).where(
        members.ssin.in_({ssin for ssins in children.values() for ssin in ssins[:1]})
    )
    changed = carry(connection, cadastre_files, missing, cadastre_files.c.id.in_(of_children))
    _copy_members(connection, list(children))
    return step(rows, changed)


def _copy_members(connection: Connection, origins: Sequence[int]) -> None:
    """Give new copies the members of their origins."""
    members, present = cadastre_file_members.c, cadastre_file_members.alias()
    copied = (
        select(members.ssin, cadastre_files.c.id, members.quality)
        .join(cadastre_files, cadastre_files.c.carried_from == members.file_id)
        .where(
            members.file_id.in_(origins),
            ~select(present.c.ssin).where(present.c.file_id == cadastre_files.c.id).exists(),
        )
    )
    columns = ["ssin", "file_id", "quality"]
    connection.execute(insert(cadastre_file_members).from_select(columns, copied))


def _carry_entries(connection: Connection, after: int) -> Step:
    """Look through all federal ones each time: a file carried since can be in another archive."""
    lock_tables(connection, cadastre_files, regional_repertory)
    federal = regional_repertory.c.source == AuthenticSource.FEDERAL.value
    wanted = _of_orint(regional_repertory).where(or_(federal, not_carried(regional_repertory)))
    rows = next_rows(connection, wanted, regional_repertory, after)
    held = held_by(connection, regional_repertory, rows)
    files = stakes(connection, (row.ssin for row in rows))
    targets = {row.id: _targets(row, files[row.ssin]) or held[row.id] for row in rows}
    known = _registered(connection, {row.ssin for row in rows if not targets[row.id]})
    missing = [
        (row, operator)
        for row in rows
        for operator in sorted(targets[row.id] or {archive_of_file([known[row.ssin]])})
        if operator not in held[row.id]
    ]
    of_persons = regional_repertory.c.ssin.in_({row.ssin for row, _ in missing})
    return step(rows, carry(connection, regional_repertory, missing, of_persons))


def _targets(entry: Row[Any], files: Iterable[Stake]) -> set[Operator]:
    """Who holds what an entry leads to; none if it leads to no file of either archive."""
    operator = _since_the_split(entry.source)
    if operator is not None:
        return {operator}
    # All files that the entry could lead to, whatever their days: so what is found over any range
    # is what was found at ORINT.
    there = (entry.fund, entry.file_type)
    return {file.archive for file in files if (file.fund, file.file_type) == there}


_STAGES: tuple[tuple[str, Callable[[Connection, int], Step]], ...] = (
    ("Files", _carry_files),
    ("Entries", _carry_entries),
    ("FEDERAL lines", name_archives),
)
"""What is done one after the other: entries and lines follow the files."""


def _since_the_split(source: str) -> Operator | None:
    """The one operator that holds the source since the split; None where archives share it."""
    operators = holders(AuthenticSource(source), CUTOVER)
    return operators[0] if len(operators) == 1 else None


def _of_orint(table: Table) -> Select[Any]:
    return select(table).where(table.c.operator == Operator.ORINT.value)


def _registered(connection: Connection, numbers: set[str]) -> dict[str, Person]:
    """The persons; DataError unless the register holds all of them."""
    found = find_persons(connection, sorted(numbers))
    if len(found) < len(numbers):
        raise _unregistered(len(numbers) - len(found))
    return found


def _whose_domicile_counts() -> CompoundSelect[Any]:
    """The children of federal files, and the holders of federal entries, that are to be carried."""
    members, entries = cadastre_file_members.c, regional_repertory.c
    files = (
        select(members.ssin)
        .join(cadastre_files)
        .where(
            cadastre_files.c.operator == Operator.ORINT.value,
            cadastre_files.c.source == AuthenticSource.FEDERAL.value,
            members.quality == CHILD_QUALITY,
            not_carried(cadastre_files),
        )
    )
    holders_of_entries = select(entries.ssin).where(
        entries.operator == Operator.ORINT.value,
        entries.source == AuthenticSource.FEDERAL.value,
        not_carried(regional_repertory),
    )
    return union(files, holders_of_entries)
