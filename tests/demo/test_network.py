"""The demo as a network: the gateway keeps its registers alone, each operator holds its part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from ksz_childbenefits.assembly import build_cadastre
from ksz_childbenefits.bulk.export import export_holdings, export_persons
from ksz_childbenefits.bulk.intake import run_import
from ksz_childbenefits.bulk.persons import PersonsIntake
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo.network import DemoNetwork, create_network
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.schema import cadastre_files, persons, regional_repertory


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> DemoNetwork:
    return create_network(tmp_path_factory.mktemp("network") / "demo")


@contextmanager
def database(config: Path) -> Iterator[Engine]:
    engine = open_database(load_settings(config).database.url)
    try:
        yield engine
    finally:
        engine.dispose()


def held(config: Path) -> dict[str, int]:
    """How many files each operator has in a database."""
    query = select(cadastre_files.c.operator, func.count()).group_by(cadastre_files.c.operator)
    with database(config) as engine, reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def test_each_operator_holds_its_files_and_the_gateway_none(
    network: DemoNetwork, demo: Path
) -> None:
    everything = held(demo)
    assert set(everything) == set(Operator)
    assert held(network.gateway) == {}
    for operator, config in network.operators.items():
        assert held(config) == {operator: everything[operator]}


def test_the_gateway_keeps_its_registers(network: DemoNetwork, demo: Path) -> None:
    counts = []
    for config in (demo, network.gateway):
        with database(config) as engine, reading(engine) as connection:
            counts.append(connection.execute(select(func.count()).select_from(persons)).scalar())
    assert counts[0] == counts[1] != 0


def test_no_entry_of_a_regional_repertory_is_lost(network: DemoNetwork, demo: Path) -> None:
    count = select(func.count()).select_from(regional_repertory)
    with database(demo) as engine, reading(engine) as connection:
        everything = connection.execute(count).scalar_one()
    handed = 0
    for config in network.operators.values():
        with database(config) as engine, reading(engine) as connection:
            handed += connection.execute(count).scalar_one()
    assert handed == everything


def test_every_configuration_can_be_used(network: DemoNetwork) -> None:
    gateway = load_settings(network.gateway)
    assert set(gateway.operators) == set(Operator)
    for operator, config in network.operators.items():
        settings = load_settings(config)
        assert settings.cadastre is not None
        assert settings.cadastre.operator is operator
        assert f":{settings.service.port}/" in gateway.operators[operator].url
        assert build_cadastre(settings).ready()


def test_orint_can_split_its_own_database_once_it_has_the_persons(
    network: DemoNetwork, tmp_path: Path
) -> None:
    shutil.copy(network.operators[Operator.ORINT].parent / "cadastre.sqlite", tmp_path)
    orint = open_database(f"sqlite:///{tmp_path / 'cadastre.sqlite'}")
    with pytest.raises(DataError, match="`persons import` comes first"):
        split(orint)
    with database(network.gateway) as gateway:
        export_persons(gateway, tmp_path / "persons.csv", lambda *_: None)
    assert not run_import(orint, PersonsIntake(), tmp_path / "persons.csv").rejected
    count = split(orint)
    for operator in (Operator.IRISCARE, Operator.AVIQ):
        part = lines(orint, operator, tmp_path / f"{operator}.jsonl")
        with database(network.operators[operator]) as own:
            # What began there after the split never was ORINT's.
            assert part < lines(own, operator, tmp_path / "own.jsonl")
        assert count.files[operator] > 0
    orint.dispose()


def lines(engine: Engine, operator: Operator, path: Path) -> set[str]:
    """The funds, files and entries that an operator has in a database, as it exports them."""
    export_holdings(engine, operator, path, lambda *_: None)
    return set(path.read_text().splitlines())
