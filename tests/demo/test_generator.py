"""The big world: what is generated keeps the rules that real data would (DOMAIN 1, 2, 4, 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice
from random import Random

import pytest
from sqlalchemy import Engine, func, insert, select

from ksz_childbenefits.cadastres.store import HELD_COLUMNS, file_of
from ksz_childbenefits.demo import generator
from ksz_childbenefits.demo.generator import generate_world
from ksz_childbenefits.demo.holdings import Holding, holdings
from ksz_childbenefits.demo.population import MUNICIPALITIES, Family, Numbers, families
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.archives import archive_of_file
from ksz_childbenefits.domain.competence import competent_months
from ksz_childbenefits.domain.facets import check_file
from ksz_childbenefits.domain.months import FIRST_MONTH, LAST_MONTH, MonthRange
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.regions import region_of
from ksz_childbenefits.domain.routing import plan
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.ssin import birth_date
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.checks import check_person
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    connecting_factors,
    funds,
    persons,
    regional_repertory,
    repertory_lines,
)
from tests.registers.databases import migrated, sqlite

pytestmark = pytest.mark.once

__all__ = ["migrated", "sqlite"]

ALL_MONTHS = MonthRange(FIRST_MONTH, LAST_MONTH)
FAMILIES = list(islice(families(seed=7), 400))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.getfixturevalue(request.param)
    return made


def held() -> Iterator[tuple[Family, Holding]]:
    chance = Random(7)
    for family in FAMILIES:
        for holding in holdings(family, chance):
            yield family, holding


def person(family: Family, ssin: str) -> Person:
    born = next(member.birth_date for member in family.members if member.ssin == ssin)
    return Person(ssin, born, factors=family.home.factors(born))


def test_every_number_is_valid_unique_and_of_its_day() -> None:
    members = [member for family in FAMILIES for member in family.members]
    assert all(birth_date(member.ssin) == member.birth_date for member in members)
    assert len({member.ssin for member in members}) == len(members)
    assert all(int(member.ssin[6:9]) < 900 for member in members)


def test_mothers_have_even_serials_and_fathers_odd_ones() -> None:
    assert {int(family.mother.ssin[8]) % 2 for family in FAMILIES} == {0}
    assert {int(family.father.ssin[8]) % 2 for family in FAMILIES} == {1}


def test_a_day_that_is_full_goes_on_with_the_next() -> None:
    numbers, day = Numbers(), date(2000, 2, 28)
    # Odd serials 1 to 899: 450 boys a day.
    boys = [numbers.born(day.toordinal(), male=True) for _ in range(451)]
    assert boys[449].ssin[:9] == "000228899"
    assert boys[450].birth_date == date(2000, 2, 29)
    assert boys[450].ssin[:9] == "000229001"


def test_the_same_seed_gives_the_same_world_and_another_one_another() -> None:
    assert list(islice(families(seed=7), 400)) == FAMILIES
    assert list(islice(families(seed=8), 400)) != FAMILIES


def test_persons_and_domiciles_keep_the_rules_of_the_register() -> None:
    for family in FAMILIES:
        for member in family.members:
            check_person(person(family, member.ssin))
    for region, codes in MUNICIPALITIES.items():
        assert {region_of(nis, date(1950, 1, 1)) for nis in codes} == {region}


def test_children_are_in_files_exactly_where_a_source_is_competent() -> None:
    files: dict[tuple[str, AuthenticSource], list[Holding]] = {}
    for _, holding in held():
        for child in holding.children:
            files.setdefault((child.ssin, holding.source), []).append(holding)
    for family in FAMILIES:
        for child in family.children:
            for source in AuthenticSource:
                competent = competent_months(person(family, child.ssin), source)
                found = files.get((child.ssin, source), [])
                assert bool(found) == bool(competent)
                for months in (holding.months for holding in found):
                    assert any(months.overlaps(part) for part in competent)


def test_files_are_held_by_the_operators_of_today() -> None:
    operators = {
        AuthenticSource.FLANDERS: Operator.OPGROEIEN,
        AuthenticSource.WALLONIA: Operator.AVIQ,
        AuthenticSource.EASTBELGIUM: Operator.AVIQ,
        AuthenticSource.BRUSSELS: Operator.IRISCARE,
    }
    archives = Counter[Operator]()
    for family, holding in held():
        if holding.source is AuthenticSource.FEDERAL:
            children = [person(family, child.ssin) for child in holding.children]
            assert holding.operator is archive_of_file(children)
            archives[holding.operator] += 1
        else:
            assert holding.operator is operators[holding.source]
    assert min(archives[Operator.AVIQ], archives[Operator.IRISCARE]) > 20


def test_both_databases_hold_the_same_world(sqlite: Engine, postgresql: Engine) -> None:
    for one in (sqlite, postgresql):
        list(generate_world(one, 100))
    for table in (persons, connecting_factors, repertory_lines, regional_repertory, cadastre_files):
        rows = []
        for one in (sqlite, postgresql):
            with reading(one) as connection:
                query = select(table).order_by(*table.primary_key)
                rows.append([tuple(row) for row in connection.execute(query)])
        assert rows[0] == rows[1]
        assert rows[0]


def test_files_can_be_left_out(sqlite: Engine) -> None:
    list(generate_world(sqlite, 100, files=0))
    with reading(sqlite) as connection:
        assert connection.execute(select(cadastre_files)).all() == []
        assert connection.execute(select(repertory_lines)).all() != []


@pytest.fixture
def world(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Some 300 persons in batches of 20 families, on top of the demo's stories."""
    monkeypatch.setattr(generator, "BATCH", 20)
    load_world(engine)
    counts = list(generate_world(engine, 300, seed=7))
    assert 300 <= counts[-1] <= 304
    assert len(counts) > 2
    assert counts == sorted(counts)
    return engine


def test_what_is_stored_is_found_again_by_a_consultation(world: Engine) -> None:
    family = FAMILIES[0]
    for member in family.members:
        found = PersonRegister(world).find(member.ssin)
        assert found == person(family, member.ssin)
        lines = PersonRepertory(world).lines(member.ssin)
        routes = plan(found, lines, tuple(AuthenticSource), ALL_MONTHS, date(2026, 1, 1))
        assert any(route.operators for route in routes)
    with reading(world) as connection:
        query = select(cadastre_files.c.source, *HELD_COLUMNS).join_from(cadastre_files, funds)
        for source, *held in connection.execute(query):
            check_file(file_of(*held), AuthenticSource(source))


def test_lines_inscriptions_and_entries_follow_from_files(world: Engine) -> None:
    counts = {}
    with reading(world) as connection:
        numbers = [m.ssin for family in FAMILIES for m in family.members]
        for table in (repertory_lines, regional_repertory, cadastre_file_members):
            query = select(func.count()).where(table.c.ssin.in_(numbers))
            counts[table.name] = connection.execute(query).scalar_one()
        query = select(func.count()).where(
            repertory_lines.c.ssin.in_(numbers), repertory_lines.c.customer.is_not(None)
        )
        inscriptions = connection.execute(query).scalar_one()
        people = select(func.count()).where(persons.c.ssin.in_(numbers))
        assert inscriptions == connection.execute(people).scalar_one()
    assert counts["repertory_lines"] - inscriptions == counts["regional_repertory"]
    assert counts["regional_repertory"] == counts["cadastre_file_members"]


def test_a_second_time_is_refused(world: Engine) -> None:
    with pytest.raises(UsageError, match="holds such a world already"):
        next(generate_world(world, 100, seed=7))


def test_rows_can_be_added_afterwards(world: Engine) -> None:
    # PostgreSQL numbers files by a sequence that knows nothing of numbers given by others.
    with writing(world) as connection:
        row = connection.execute(select(cadastre_files).limit(1)).one()._mapping
        values = {name: value for name, value in row.items() if name not in ("id", "carried_from")}
        connection.execute(insert(cadastre_files).values(values))
