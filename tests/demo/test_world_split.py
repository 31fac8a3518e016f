"""The split of ORINT's holdings in the demo world of this package (DOMAIN 1)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.routing import plan
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_files,
    persons,
)
from tests.demo.small_world import ALL_MONTHS
from tests.registers.databases import migrated

__all__ = ["migrated"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Engine:
    """The demo world of this package."""
    path = tmp_path_factory.mktemp("demo") / "registers.sqlite"
    path.write_bytes(migrated.read_bytes())
    made = open_database(f"sqlite:///{path}")
    load_world(made)
    return made


def everyone(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(persons.c.ssin)).scalars())


def held_before_the_split(engine: Engine, ssin: str, months: MonthRange, day: date) -> Counter[str]:
    """What is found on a day by route and cadastres, of what began before the split."""
    person = PersonRegister(engine).find(ssin)
    assert person is not None
    routes = plan(person, PersonRepertory(engine).lines(ssin), AuthenticSource, months, day)
    return Counter(
        f"{route.source} {found}"
        for route in routes
        if route.months
        for operator in route.operators
        for found in EmbeddedCadastre(engine, operator)
        .files(CadastreCall(route.source, ssin, route.months))
        .files
        if found.begin < CUTOVER
    )


@pytest.mark.parametrize(
    "months",
    [
        ALL_MONTHS,
        MonthRange(YearMonth(2018, 6), YearMonth(2019, 2)),
        MonthRange(YearMonth(2019, 6), YearMonth(2020, 6)),
    ],
    ids=str,
)
def test_in_the_demo_world_the_split_changes_no_answer(demo: Engine, months: MonthRange) -> None:
    last_day = date(2023, 12, 31)
    found = 0
    for ssin in everyone(demo):
        before = held_before_the_split(demo, ssin, months, last_day)
        assert held_before_the_split(demo, ssin, months, CUTOVER) == before
        found += before.total()
    assert found > 0


def test_in_the_demo_world_the_split_loses_and_doubles_nothing(demo: Engine) -> None:
    columns = [c for c in cadastre_files.c if c.name not in ("id", "operator", "carried_from")]
    at_orint = cadastre_files.c.operator == "ORINT"
    with reading(demo) as connection:
        held = Counter(str(row) for row in connection.execute(select(*columns).where(at_orint)))
        copied = select(*columns).where(cadastre_files.c.carried_from.is_not(None))
        assert Counter(str(row) for row in connection.execute(copied)) == held
    count = split(demo)
    assert count.files[Operator.ORINT] == held.total()
    assert count.files[Operator.IRISCARE] + count.files[Operator.AVIQ] == held.total()
    assert count.files[Operator.IRISCARE] > 0
