"""The demo world into the database: invented persons, their files, who may ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable

from sqlalchemy import Connection, Engine

from ksz_childbenefits.cadastres.split import split_holdings
from ksz_childbenefits.cadastres.store import HeldFile, insert_entries, insert_files, insert_funds
from ksz_childbenefits.demo.derivation import (
    fund_of,
    held_file,
    inscriptions,
    known_by,
    line_of,
    person_of,
)
from ksz_childbenefits.demo.world_format import CUSTOMERS, FUNDS, PersonRow, World, read_world
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import Fund
from ksz_childbenefits.domain.persons import Person, RepertoryLine
from ksz_childbenefits.registers.checks import named, require
from ksz_childbenefits.registers.database import writing
from ksz_childbenefits.registers.deliberation_rows import Origin, insert_deliberations
from ksz_childbenefits.registers.enrolment import insert_customer
from ksz_childbenefits.registers.persons import insert_persons
from ksz_childbenefits.registers.repertory import insert_lines


def load_world(engine: Engine, folder: Traversable | None = None) -> None:
    """Load a world (None: the one in this package) into a migrated database, all or nothing.

    From the files follow the lines of the person repertory and the entries of the regional ones;
    ORINT's holdings are split (DOMAIN 1). DataError names the file and the row that is wrong.
    """
    world = read_world(folder or resources.files("ksz_childbenefits.demo") / "world")
    with writing(engine) as connection:
        _load_customers(connection, world)
        funds = _load_funds(connection, world)
        persons = _load_persons(connection, world)
        files = _load_files(connection, world, funds, persons)
        _load_lines(connection, world, persons, files)
        split_holdings(connection)


def _load_customers(connection: Connection, world: World) -> None:
    for number, row in enumerate(world.customers, start=1):
        customer = Customer(row.name, row.cbe, row.sector, row.institution)
        with named(f"{CUSTOMERS}, customer {number}"):
            insert_customer(connection, customer, row.title)
    now = datetime.now(UTC)
    for number, given in enumerate(world.deliberations, start=1):
        with named(f"{CUSTOMERS}, deliberation {number}"):
            insert_deliberations(connection, [given.as_value()], Origin.DEMO_WORLD, now)


def _load_funds(connection: Connection, world: World) -> dict[str, Fund]:
    funds: dict[str, Fund] = {}
    for number, row in enumerate(world.funds, start=1):
        with named(f"{FUNDS}, fund {number}"):
            require(row.number not in funds, f"fund {row.number} is there twice")
            funds[row.number] = fund_of(row)
    insert_funds(connection, list(funds.values()))
    return funds


def _persons(world: World) -> Iterator[tuple[str, PersonRow]]:
    for name, story in world.stories.items():
        for number, row in enumerate(story.persons, start=1):
            yield f"{name}, person {number}", row


def _load_persons(connection: Connection, world: World) -> dict[str, Person]:
    persons: list[Person] = []
    places: list[str] = []
    for place, row in _persons(world):
        with named(place):
            persons.append(person_of(row))
            places.append(place)
    insert_persons(connection, persons, places)
    return {person.ssin: person for person in persons}


def _load_files(
    connection: Connection, world: World, funds: Mapping[str, Fund], persons: Mapping[str, Person]
) -> list[HeldFile]:
    """Store all files and the regional entries of those by which persons are known; give these."""
    files: list[HeldFile] = []
    known: list[HeldFile] = []
    for name, story in world.stories.items():
        for number, row in enumerate(story.files, start=1):
            with named(f"{name}, file {number}"):
                files.append(held_file(row, funds, persons))
            if row.known:
                known.append(files[-1])
    insert_files(connection, files)
    entries = (entry for held in known for entry in known_by(held)[1])
    # Two files can make the same person known at the same fund by the same words.
    insert_entries(connection, list(dict.fromkeys(entries)))
    return known


def _load_lines(
    connection: Connection, world: World, persons: Mapping[str, Person], known: list[HeldFile]
) -> None:
    lines: dict[RepertoryLine, str] = {}
    for held in known:
        lines.update(dict.fromkeys(known_by(held)[0], "a line that follows from a file"))
    demanding = _demanding_customers(world)
    for place, row in _persons(world):
        with named(place):
            require(
                {c.name for c in world.customers} >= set(row.not_inscribed_for),
                "not_inscribed_for names a customer that is not there",
            )
        customers = [c for c in demanding if c.name not in row.not_inscribed_for]
        lines.update(dict.fromkeys(inscriptions(persons[row.ssin], customers), place))
    for name, story in world.stories.items():
        for number, extra in enumerate(story.lines, start=1):
            place = f"{name}, line {number}"
            with named(place):
                lines.setdefault(line_of(extra), place)
    insert_lines(connection, list(lines), list(lines.values()))


def _demanding_customers(world: World) -> list[Customer]:
    """The customers with a deliberation that demands inscription (DOMAIN 7)."""
    names = {given.customer for given in world.deliberations if given.inscription_required}
    return [
        Customer(row.name, row.cbe, row.sector, row.institution)
        for row in world.customers
        if row.name in names
    ]
