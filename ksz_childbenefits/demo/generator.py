"""A big invented world into the database: as many persons as wanted, always the same by its seed.

For trying what the service does at the size of Belgium: 12 million persons, 60 million lines of the
person repertory. Families are made, turned into rows and stored a batch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, text

from ksz_childbenefits.cadastres.content import encode_members
from ksz_childbenefits.cadastres.store import insert_funds
from ksz_childbenefits.demo.derivation import fund_of
from ksz_childbenefits.demo.holdings import Holding, holdings
from ksz_childbenefits.demo.population import Family, Relative, families
from ksz_childbenefits.demo.world_format import read_world
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.persons import FAMILY_BENEFITS_SECTOR, SsinStatus
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.bulk import copy_rows
from ksz_childbenefits.registers.database import without_deadline, writing
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    connecting_factors,
    customers,
    deliberations,
    funds,
    persons,
    regional_repertory,
    repertory_lines,
)

BATCH = 2500
"""How many families are made and stored together, in one transaction."""

Row = dict[str, Any]


def generate_world(engine: Engine, size: int, seed: int = 1, files: int = 100) -> Iterator[int]:
    """Store ``size`` persons or a family more; after each batch gives how many there are so far.

    ``files``: of how many families in a hundred the cadastres have the files; the person repertory
    knows them all. Whoever stops here leaves whole batches. UsageError when the database holds
    these persons already.
    """
    with writing(engine) as connection:
        _check_new(connection, seed)
        _add_funds(connection)
        plan = _Plan(Random(seed), files, _demanding(connection))  # noqa: S311 - no secrets
    stored = 0
    for batch in _batches(size, seed):
        stored += _store(engine, batch, plan)
        yield stored
    _analyse(engine)


_Batch = list[tuple[Family, list[Holding]]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What all batches have in common."""

    chance: Random
    files: int
    inscribing: list[Any]


def _batches(size: int, seed: int) -> Iterator[_Batch]:
    chance, people, made = Random(seed), families(seed), 0  # noqa: S311 - no secrets
    while made < size:
        batch: _Batch = []
        while len(batch) < BATCH and made < size:
            family = next(people)
            batch.append((family, list(holdings(family, chance))))
            made += len(family.members)
        yield batch


def _check_new(connection: Connection, seed: int) -> None:
    first = next(families(seed)).mother.ssin
    if connection.execute(select(persons.c.ssin).where(persons.c.ssin == first)).first():
        raise UsageError("the database holds such a world already")


def _add_funds(connection: Connection) -> None:
    known = set(connection.execute(select(funds.c.number)).scalars())
    world = read_world(resources.files("ksz_childbenefits.demo") / "world")
    insert_funds(connection, [fund_of(row) for row in world.funds if row.number not in known])


def _demanding(connection: Connection) -> list[Any]:
    """The customers that must have inscribed whom they ask for (DOMAIN 7)."""
    demands = select(deliberations.c.customer).where(deliberations.c.inscription_required)
    query = select(customers).where(customers.c.name.in_(demands)).order_by(customers.c.name)
    return list(connection.execute(query))


def _store(engine: Engine, batch: _Batch, plan: _Plan) -> int:
    """Store a batch in one transaction; gives the number of persons."""
    people = [family for family, _ in batch]
    with writing(engine) as connection:
        count = copy_rows(connection, persons, (_person(m) for f in people for m in f.members))
        copy_rows(connection, connecting_factors, (row for f in people for row in _factors(f)))
        copy_rows(connection, repertory_lines, _lines(batch, plan))
        with_files = [held for _, held in batch if plan.chance.random() * 100 < plan.files]
        _store_files(connection, [holding for held in with_files for holding in held])
    return count


def _person(member: Relative) -> Row:
    return {
        "ssin": member.ssin,
        "birth_date": member.birth_date,
        "status": SsinStatus.EXISTING.value,
    }


def _factors(family: Family) -> Iterator[Row]:
    for member in family.members:
        for factor in family.home.factors(member.birth_date):
            yield {
                "ssin": member.ssin,
                "factor": factor.factor,
                "begin_date": factor.begin,
                "end_date": factor.end,
                "nis": factor.nis,
            }


def _lines(batch: _Batch, plan: _Plan) -> Iterator[Row]:
    for family, held in batch:
        for holding in held:
            for ssin, quality in holding.roles():
                yield _line(holding, ssin, quality)
        if plan.inscribing:
            for member in family.members:
                yield _inscription(member, plan.chance.choice(plan.inscribing))


def _line(holding: Holding, ssin: str, quality: int) -> Row:
    federal = holding.source is AuthenticSource.FEDERAL
    return {
        "ssin": ssin,
        "source": holding.source.value,
        "customer": None,
        "sector": FAMILY_BENEFITS_SECTOR,
        "quality": quality,
        "phase": 0,
        "file_type": FileType.CHILD_BENEFIT.value,
        "archive": holding.operator.value if federal else None,
        "begin_date": holding.begin,
        "end_date": holding.end,
    }


def _inscription(member: Relative, customer: Any) -> Row:
    return {
        "ssin": member.ssin,
        "source": None,
        "customer": customer.name,
        "sector": customer.sector or 0,
        "quality": 0,
        "phase": 0,
        "file_type": None,
        "archive": None,
        "begin_date": member.birth_date,
        "end_date": None,
    }


def _store_files(connection: Connection, held: list[Holding]) -> None:
    begin = connection.execute(select(func.max(cadastre_files.c.id))).scalar() or 0
    numbered = list(enumerate(held, start=begin + 1))
    copy_rows(connection, cadastre_files, (_file(number, h) for number, h in numbered))
    copy_rows(
        connection,
        cadastre_file_members,
        (
            {"ssin": ssin, "file_id": number, "quality": quality}
            for number, holding in numbered
            for ssin, quality in holding.roles()
        ),
    )
    copy_rows(
        connection,
        regional_repertory,
        (_entry(h, ssin, quality) for h in held for ssin, quality in h.roles()),
    )
    _follow(connection, cadastre_files)


def _follow(connection: Connection, table: Table) -> None:
    """Make PostgreSQL number the next row after ours; SQLite does so by itself."""
    if connection.dialect.name == "postgresql":
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table.name}"))  # noqa: S608 - our table


def _place(holding: Holding) -> Row:
    return {
        "operator": holding.operator.value,
        "source": holding.source.value,
        "file_type": FileType.CHILD_BENEFIT.value,
        "begin_date": holding.begin,
        "end_date": holding.end,
        "fund": holding.fund,
    }


def _file(number: int, holding: Holding) -> Row:
    children, beneficiaries = holding.members()
    return _place(holding) | {
        "id": number,
        "file_number": holding.number,
        "entitled_person": holding.father.ssin if holding.father else None,
        "content": {
            "children": encode_members(tuple(children)),
            "beneficiaries": encode_members(tuple(beneficiaries)),
        },
    }


def _entry(holding: Holding, ssin: str, quality: int) -> Row:
    return _place(holding) | {"ssin": ssin, "quality": quality}


def _analyse(engine: Engine) -> None:
    """Tell the database's planner what it now holds."""
    with writing(engine) as connection:
        without_deadline(connection)
        connection.execute(text("ANALYZE"))
