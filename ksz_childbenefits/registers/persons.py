"""The register of persons: numbers, their replacement, connecting factors (DOMAIN 1, 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, exists, insert, select

from ksz_childbenefits.domain.persons import ConnectingFactor, Person, SsinStatus
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.checks import check_person, named, places_of, require
from ksz_childbenefits.registers.database import asking, storing
from ksz_childbenefits.registers.direct import Prepared, direct
from ksz_childbenefits.registers.schema import connecting_factors, persons

_CHUNK = 500
"""How many numbers one statement asks for; SQLite takes at most 999 parameters in old builds."""

_FACTORS = (
    connecting_factors.c.factor,
    connecting_factors.c.nis,
    connecting_factors.c.begin_date,
    connecting_factors.c.end_date,
)

_PERSONS = (
    select(persons, *_FACTORS)
    .outerjoin_from(persons, connecting_factors)
    .where(persons.c.ssin.in_(bindparam("numbers", expanding=True)))
    .order_by(persons.c.ssin, connecting_factors.c.factor, connecting_factors.c.begin_date)
)

_newer = select(bindparam("ssin", type_=persons.c.ssin.type).label("ssin")).cte(
    "newer", recursive=True
)
# A join says no more than which number: with another condition on the joined table SQLite reads the
# whole of it into a Bloom filter first, once ANALYZE has told it that the table is large. So the
# end of a chain, which nothing replaces, is left out only afterwards.
_newer = _newer.union(select(persons.c.replaced_by).join(_newer, persons.c.ssin == _newer.c.ssin))
_family = select(_newer.c.ssin).where(_newer.c.ssin.is_not(None)).cte("family", recursive=True)
_family = _family.union(
    select(persons.c.ssin).join(_family, persons.c.replaced_by == _family.c.ssin)
)
_CHAIN = select(_family.c.ssin, persons.c.replaced_by).outerjoin_from(
    _family, persons, persons.c.ssin == _family.c.ssin
)

_LOOK_UP = Prepared(
    lambda _: (
        select(_family.c.ssin.label("number"), *persons.c, *_FACTORS)
        .outerjoin_from(_family, persons, persons.c.ssin == _family.c.ssin)
        .outerjoin(connecting_factors, connecting_factors.c.ssin == _family.c.ssin)
        .order_by(connecting_factors.c.factor, connecting_factors.c.begin_date)
    )
)

_older = persons.alias()
_LOOK_UP_ALONE = Prepared(
    lambda _: (
        select(persons.c.ssin.label("number"), *persons.c, *_FACTORS)
        .outerjoin_from(persons, connecting_factors)
        .where(
            persons.c.ssin == bindparam("ssin"),
            persons.c.replaced_by.is_(None),
            ~exists().where(_older.c.replaced_by == bindparam("ssin")),
        )
        .order_by(connecting_factors.c.factor, connecting_factors.c.begin_date)
    )
)
"""A number that nothing replaces and that replaces none, as nearly all are: without recursion, for
which PostgreSQL, having no statistics of it, reads the whole of a register of ten thousand persons.
"""


class PersonRegister:
    """Persons in the database. Reading raises Unavailable when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        self._engine = engine
        self._direct = direct(engine)

    def find(self, ssin: str) -> Person | None:
        """The number as the register holds it, or None (DOMAIN 5: MSG00005)."""
        with asking(self._engine) as connection:
            return find_persons(connection, [ssin]).get(ssin)

    def look_up(self, ssin: str) -> tuple[Person | None, tuple[str, ...]]:
        """What ``find`` and ``chain`` tell of the number; nearly always in one round trip."""
        rows = self._direct.rows(_LOOK_UP_ALONE, ssin=ssin)
        rows = rows or self._direct.rows(_LOOK_UP, ssin=ssin)
        replaced_by = {number: later for number, _, _, _, later, *_ in rows}
        if len(replaced_by) == 1:
            chain: tuple[str, ...] = tuple(replaced_by)
        else:
            chain = _in_order(replaced_by)
            rows = [row for row in rows if row[0] == ssin]
        if not rows or rows[0][1] is None:
            return None, chain
        _, _, birth_date, status, later, *_ = rows[0]
        factors = tuple([ConnectingFactor(*row[5:]) for row in rows if row[5] is not None])
        return Person(ssin, birth_date, SsinStatus(status), later, factors), chain

    def chain(self, ssin: str) -> tuple[str, ...]:
        """All numbers of the replacement chain that this one belongs to, the oldest first.

        The last one is the number that replaces all others (DOMAIN 5: newSSIN). A number that the
        register does not know gives itself alone.
        """
        with asking(self._engine) as connection:
            rows = connection.execute(_CHAIN, {"ssin": ssin}).all()
        return _in_order({row.ssin: row.replaced_by for row in rows})

    def add(self, rows: Sequence[Person], places: Sequence[str] | None = None) -> None:
        """Add persons, all or none; DataError names the row (or its place) and the rule."""
        with storing(self._engine) as connection:
            insert_persons(connection, rows, places)


def _in_order(replaced_by: Mapping[str, str | None]) -> tuple[str, ...]:
    """The numbers of a chain, the oldest first."""
    return tuple(sorted(replaced_by, key=lambda n: (-_steps_to_the_end(n, replaced_by), n)))


def _steps_to_the_end(number: str, replaced_by: Mapping[str, str | None]) -> int:
    steps = 0
    following = replaced_by.get(number)
    while following is not None and steps < len(replaced_by):
        steps, following = steps + 1, replaced_by.get(following)
    return steps


def find_persons(connection: Connection, numbers: Sequence[str]) -> dict[str, Person]:
    """Those of the numbers that the register holds, with their connecting factors."""
    found: dict[str, list[Row[Any]]] = {}
    for start in range(0, len(numbers), _CHUNK):
        chunk = {"numbers": numbers[start : start + _CHUNK]}
        for row in connection.execute(_PERSONS, chunk):
            found.setdefault(row.ssin, []).append(row)
    return {number: _person(rows) for number, rows in found.items()}


def _person(rows: Sequence[Row[Any]]) -> Person:
    first = rows[0]
    return Person(
        ssin=first.ssin,
        birth_date=first.birth_date,
        status=SsinStatus(first.status),
        replaced_by=first.replaced_by,
        factors=tuple(
            ConnectingFactor(row.factor, row.nis, row.begin_date, row.end_date)
            for row in rows
            if row.factor is not None
        ),
    )


def insert_persons(
    connection: Connection, rows: Sequence[Person], places: Sequence[str] | None = None
) -> None:
    """Add persons within a transaction; DataError names the row and the rule that it breaks."""
    places = places_of(rows, places)
    numbers = set(find_persons(connection, [person.ssin for person in rows]))
    for person, place in zip(rows, places, strict=True):
        with named(place):
            check_person(person)
            require(person.ssin not in numbers, "the number is in the register already")
            numbers.add(person.ssin)
    _check_replacements(connection, rows, places)
    _insert(connection, rows)


def _check_replacements(
    connection: Connection, rows: Sequence[Person], places: Sequence[str]
) -> None:
    """Each replacing number is known, and no chain of numbers leads back to itself."""
    replaced_by = {person.ssin: person.replaced_by for person in rows}
    replacing = [p.replaced_by for p in rows if p.replaced_by and p.replaced_by not in replaced_by]
    known = find_persons(connection, replacing)
    for person, place in zip(rows, places, strict=True):
        following, seen = person.replaced_by, {person.ssin}
        while following is not None and following in replaced_by:
            if following in seen:
                raise DataError(f"{place}: the replacement leads back to itself")
            seen.add(following)
            following = replaced_by[following]
        # What was in the register before cannot lead back to a row that is new.
        if following is not None and following not in known:
            raise DataError(f"{place}: the replacing SSIN is not in the register")


def _insert(connection: Connection, rows: Sequence[Person]) -> None:
    if rows:
        connection.execute(insert(persons), [person_values(person) for person in rows])
    factors = [factor_values(person.ssin, factor) for person in rows for factor in person.factors]
    if factors:
        connection.execute(insert(connecting_factors), factors)


def person_values(person: Person) -> dict[str, Any]:
    """The columns of a number."""
    return {
        "ssin": person.ssin,
        "birth_date": person.birth_date,
        "status": person.status.value,
        "replaced_by": person.replaced_by,
    }


def factor_values(ssin: str, factor: ConnectingFactor) -> dict[str, Any]:
    """The columns of a connecting factor of this number."""
    return {
        "ssin": ssin,
        "factor": factor.factor,
        "begin_date": factor.begin,
        "end_date": factor.end,
        "nis": factor.nis,
    }
