"""FEDERAL lines of the person repertory get the archives of the files that they stand for.

One line for each archive (DOMAIN 1). A line of the time before the split names none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from ksz_childbenefits.cadastres.carrying import Step, next_rows, step, without_id
from ksz_childbenefits.cadastres.store import BENEFICIARY_QUALITY
from ksz_childbenefits.domain.archives import archive_of_file
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.sources import WINDOWS, AuthenticSource, Operator
from ksz_childbenefits.domain.ssin import birth_date
from ksz_childbenefits.registers.bulk import lock_tables
from ksz_childbenefits.registers.persons import find_persons
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    repertory_lines,
)

_ROLE_IN_FILE = {103: BENEFICIARY_QUALITY}
"""A file does not tell beneficiaries of type 2 from those of type 1."""

_LAST_DAY = WINDOWS[AuthenticSource.FEDERAL].end.last_day
"""No call for FEDERAL reaches beyond it: what is known later leads nowhere."""

_FEDERAL_LINES = select(repertory_lines).where(
    repertory_lines.c.source == AuthenticSource.FEDERAL.value
)


class Stake(NamedTuple):
    """That a person is in a federal file, and the archive that the file went to."""

    ssin: str
    quality: int
    fund: str
    file_type: str
    begin: date
    end: date | None
    archive: Operator


def stakes(connection: Connection, numbers: Iterable[str]) -> dict[str, list[Stake]]:
    """The federal files, carried over, that each of these persons is in."""
    wanted = sorted(set(numbers))
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
            cadastre_file_members.c.ssin.in_(wanted),
            files.source == AuthenticSource.FEDERAL.value,
            files.carried_from.is_not(None),
        )
    )
    found: dict[str, list[Stake]] = {ssin: [] for ssin in wanted}
    for row in connection.execute(query):
        found[row.ssin].append(Stake(*row[:-1], Operator(row.operator)))
    return found


def name_archives(connection: Connection, after: int) -> Step:
    """Name the archives of the next FEDERAL lines, and add those that lack one.

    A line that names an archive keeps it. Of a person that the register does not hold, whom no
    request reaches either, the number alone is known: no domicile.
    """
    lock_tables(connection, repertory_lines)
    rows = next_rows(connection, _FEDERAL_LINES, repertory_lines, after)
    numbers = sorted({row.ssin for row in rows})
    naming = _Naming(connection, numbers)
    for row in rows:
        naming.add(row)
    return step(rows, naming.store())


class _Naming:
    """The FEDERAL lines of some persons, and what is to be changed in them."""

    def __init__(self, connection: Connection, numbers: Sequence[str]) -> None:
        """Read all lines of the persons, their files, and where they live."""
        self._connection = connection
        self._stakes = stakes(connection, numbers)
        self._persons = find_persons(connection, numbers)
        self._lines: dict[str, list[dict[str, Any]]] = {ssin: [] for ssin in numbers}
        for row in connection.execute(_FEDERAL_LINES.where(repertory_lines.c.ssin.in_(numbers))):
            if row.archive:
                self._lines[row.ssin].append(without_id(row))
        self._named: list[dict[str, Any]] = []
        self._added: list[dict[str, Any]] = []
        self._doubled: list[dict[str, Any]] = []

    def add(self, row: Row[Any]) -> None:
        """Find what a line lacks."""
        files = _stood_for(row, self._stakes[row.ssin])
        if row.archive:
            for archive in sorted({file.archive for file in files} - {row.archive}):
                if not self._known_in(archive, row, files):
                    self._add(without_id(row) | {"archive": archive.value})
        else:
            self._name(row, {file.archive for file in files} or {self._by_domicile(row.ssin)})

    def _name(self, row: Row[Any], archives: Iterable[Operator]) -> None:
        """Give a line one archive and others a line each, but none that is there already."""
        lines = (without_id(row) | {"archive": archive.value} for archive in sorted(archives))
        lacking = [line for line in lines if line not in self._lines[row.ssin]]
        if not lacking:
            self._doubled.append({"line": row.id})
            return
        one, *rest = lacking
        self._lines[row.ssin].append(one)
        self._named.append({"line": row.id, "its_archive": one["archive"]})
        for line in rest:
            self._add(line)

    def _add(self, line: dict[str, Any]) -> None:
        self._lines[line["ssin"]].append(line)
        self._added.append(line)

    def _known_in(self, archive: Operator, row: Row[Any], files: Iterable[Stake]) -> bool:
        """Whether lines of the same role name this archive on all days that the line gives it."""
        own = [
            line
            for line in self._lines[row.ssin]
            if line["archive"] == archive.value and _role(line) == _role(row._mapping)
        ]
        return all(
            any(
                line["begin_date"] <= first and last <= (line["end_date"] or date.max)
                for line in own
            )
            for first, last in _common_days(row, (f for f in files if f.archive is archive))
        )

    def _by_domicile(self, ssin: str) -> Operator:
        return archive_of_file([self._persons.get(ssin) or Person(ssin, birth_date(ssin))])

    def store(self) -> int:
        """Write it; how many lines are changed."""
        line = repertory_lines.c.id == bindparam("line")
        named = update(repertory_lines).where(line).values(archive=bindparam("its_archive"))
        for statement, values in (
            (named, self._named),
            (insert(repertory_lines), self._added),
            (delete(repertory_lines).where(line), self._doubled),
        ):
            if values:
                self._connection.execute(statement, values)
        return len(self._named) + len(self._added) + len(self._doubled)


def _role(line: Any) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("sector", "quality", "phase", "file_type"))


def _common_days(line: Row[Any], files: Iterable[Stake]) -> Iterator[tuple[date, date]]:
    """The days that a line shares with each file, as far as FEDERAL is asked for them."""
    for file in files:
        first = max(line.begin_date, file.begin)
        last = min(line.end_date or date.max, file.end or date.max, _LAST_DAY)
        if first <= last:
            yield first, last


def _stood_for(line: Row[Any], stakes_of_person: Iterable[Stake]) -> list[Stake]:
    """The files that a line stands for: same role and days, else that role then, else any then."""
    meeting = [
        stake
        for stake in stakes_of_person
        if stake.file_type == line.file_type
        and stake.begin <= (line.end_date or date.max)
        and line.begin_date <= (stake.end or date.max)
    ]
    role = _ROLE_IN_FILE.get(line.quality, line.quality)
    in_role = [stake for stake in meeting if stake.quality == role]
    days = (line.begin_date, line.end_date)
    return [stake for stake in in_role if (stake.begin, stake.end) == days] or in_role or meeting
