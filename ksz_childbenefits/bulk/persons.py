"""Persons and their connecting factors, from CSV (DOMAIN 1, 5).

Rows of two kinds: ``person``, and ``factor`` for one that stands earlier in the file or in the
register. Each row is taken or refused by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection

from ksz_childbenefits.bulk.cells import cells_of, first_day, last_day
from ksz_childbenefits.bulk.rejections import Rejection
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, SsinStatus
from ksz_childbenefits.registers.bulk import copy_rows, lock_tables
from ksz_childbenefits.registers.checks import check_factor, check_person, check_ssin, require
from ksz_childbenefits.registers.persons import factor_values, find_persons, person_values
from ksz_childbenefits.registers.rules import BrokenRule, Rule, rule_of
from ksz_childbenefits.registers.schema import connecting_factors, persons

COLUMNS = (
    "kind",
    "ssin",
    "birth_date",
    "status",
    "replaced_by",
    "factor",
    "nis",
    "begin",
    "end",
)
"""The columns of the file; those of the other kind stay empty."""

PERSON, FACTOR = "person", "factor"

SHORTEST_ABSENCE = timedelta(days=31)
"""Who moves is without domicile on no day, who leaves the country is for longer than this (D)."""

Row = Person | tuple[str, ConnectingFactor]
"""A person without factors, or one factor of a number."""


class PersonsIntake:
    """Rows of CSV into ``persons`` and ``connecting_factors``."""

    kind = "persons"
    header = ",".join(COLUMNS).encode()

    def judge(
        self, lines: Sequence[bytes], first: int
    ) -> tuple[list[tuple[int, bytes, Row]], list[Rejection]]:
        """Check what a row says by itself."""
        rows: list[tuple[int, bytes, Row]] = []
        rejected: list[Rejection] = []
        for number, line in enumerate(lines, first):
            try:
                rows.append((number, line, _row(cells_of(line, COLUMNS))))
            except (BrokenRule, ValueError) as error:
                rejected.append(Rejection(number, rule_of(error), str(error), line))
        return rows, rejected

    def store(
        self, connection: Connection, judged: list[tuple[int, bytes, Row]]
    ) -> tuple[int, list[Rejection]]:
        """Store the rows that fit what the register holds and what came before them."""
        lock_tables(connection, persons, connecting_factors)
        register = _Register(connection, [row for _, _, row in judged])
        rejected: list[Rejection] = []
        for number, line, row in judged:
            try:
                register.add(row)
            except BrokenRule as error:
                rejected.append(Rejection(number, error.rule, str(error), line))
        register.store()
        return len(judged) - len(rejected), rejected


def _row(cells: Sequence[str]) -> Row:
    named = dict(zip(COLUMNS, cells, strict=True))
    kind = named["kind"]
    require(kind in (PERSON, FACTOR), "the kind is neither person nor factor", Rule.UNKNOWN_CODE)
    foreign = COLUMNS[5:] if kind == PERSON else COLUMNS[2:5]
    require(
        not any(named[column] for column in foreign),
        f"a {kind} has no {', '.join(foreign)}",
        Rule.WRONG_FIELDS,
    )
    return _person(named) if kind == PERSON else (named["ssin"], _factor(named))


def _person(cells: dict[str, str]) -> Person:
    status = cells["status"]
    require(status in set(SsinStatus), "the status is unknown", Rule.UNKNOWN_CODE)
    person = Person(
        ssin=cells["ssin"],
        birth_date=first_day(cells["birth_date"]),
        status=SsinStatus(status),
        replaced_by=cells["replaced_by"] or None,
    )
    check_person(person)
    return person


def _factor(cells: dict[str, str]) -> ConnectingFactor:
    check_ssin(cells["ssin"])
    factor = cells["factor"]
    require(
        len(factor) == 1 and factor.isascii() and factor.isdigit(),
        "a connecting factor is 1 to 6",
        Rule.UNKNOWN_CODE,
    )
    made = ConnectingFactor(
        int(factor), cells["nis"], first_day(cells["begin"]), last_day(cells["end"])
    )
    check_factor(made)
    return made


class _Register:
    """What the register holds of the numbers in a batch, and what the batch adds."""

    def __init__(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Read all that the rows could refer to."""
        self._connection = connection
        named: set[str] = set()
        for row in rows:
            named |= {row.ssin, row.replaced_by or ""} if isinstance(row, Person) else {row[0]}
        self._known = find_persons(connection, sorted(named - {""}))
        self._persons: list[Person] = []
        self._factors: list[tuple[str, ConnectingFactor]] = []

    def add(self, row: Row) -> None:
        """Add a row; BrokenRule where it does not fit what is there."""
        if isinstance(row, Person):
            require(row.ssin not in self._known, "the number is there already", Rule.DUPLICATE)
            require(
                row.replaced_by is None or row.replaced_by in self._known,
                "the replacing SSIN is neither in the register nor earlier in the file",
                Rule.WRONG_REPLACEMENT,
            )
            self._known[row.ssin] = row
            self._persons.append(row)
            return
        ssin, factor = row
        person = self._known.get(ssin)
        if person is None:
            text = "the person is neither in the register nor earlier in the file"
            raise BrokenRule(text, Rule.UNKNOWN_PERSON)
        check_beside(factor, person.factors)
        self._known[ssin] = replace(person, factors=(*person.factors, factor))
        self._factors.append(row)

    def store(self) -> None:
        """Write what was added."""
        copy_rows(self._connection, persons, map(person_values, self._persons))
        factors = (factor_values(ssin, factor) for ssin, factor in self._factors)
        copy_rows(self._connection, connecting_factors, factors)


def check_beside(factor: ConnectingFactor, held: Iterable[ConnectingFactor]) -> None:
    """BrokenRule where a row does not fit beside those that the register holds of the person.

    OVERLAP (or DUPLICATE) with one of the same factor; GAP where the next one before it or after
    it is apart by some days, but by fewer than any real absence.
    """
    same = [other for other in held if other.factor == factor.factor]
    require(factor not in same, "the same row is there already", Rule.DUPLICATE)
    for other in same:
        require(
            _last(other) < factor.begin or _last(factor) < other.begin,
            f"overlaps another row of connecting factor {factor.factor}",
            Rule.OVERLAP,
        )
    before = [_last(other) for other in same if _last(other) < factor.begin]
    after = [other.begin for other in same if other.begin > _last(factor)]
    pairs = [(max(before), factor.begin)] if before else []
    pairs += [(_last(factor), min(after))] if after else []
    for last, first in pairs:
        days = first - last - timedelta(days=1)
        require(
            not timedelta(0) < days < SHORTEST_ABSENCE,
            f"{days.days} days are missing between {last} and {first}",
            Rule.GAP,
        )


def _last(factor: ConnectingFactor) -> date:
    return factor.end or date.max
