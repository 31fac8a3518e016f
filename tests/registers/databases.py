"""Databases for tests: real SQLite files, and what is asked of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import Connection, Engine, event

from ksz_childbenefits.registers import direct
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.direct import Compiled, run
from ksz_childbenefits.registers.migrating import migrate


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database that tests copy."""
    path = tmp_path_factory.mktemp("migrated") / "registers.sqlite"
    made = open_database(f"sqlite:///{path}")
    migrate(made)
    made.dispose()
    return path


@pytest.fixture
def sqlite(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    """A migrated, empty SQLite database in a file of its own, ``tmp_path/registers.sqlite``."""
    shutil.copy(migrated, tmp_path)
    made = open_database(f"sqlite:///{tmp_path / migrated.name}")
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A migrated, empty database: every test that takes it runs on both."""
    made: Engine = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def unmigrated_sqlite(tmp_path: Path) -> Iterator[Engine]:
    """An SQLite database without any table."""
    made = open_database(f"sqlite:///{tmp_path / 'unmigrated.sqlite'}")
    yield made
    made.dispose()


@pytest.fixture(params=["unmigrated_sqlite", "unmigrated_postgresql"])
def unmigrated(request: pytest.FixtureRequest) -> Engine:
    """A database without any table, of this test alone: runs on both."""
    made: Engine = request.getfixturevalue(request.param)
    return made


def address(engine: Engine) -> str:
    """The whole address, password included, for another engine."""
    return engine.url.render_as_string(hide_password=False)


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, object]]]:
    """The statements sent to the database meanwhile, with their parameters; not BEGIN."""
    sent: list[tuple[str, object]] = []

    def keep(*args: object) -> None:
        if not str(args[2]).startswith("BEGIN"):
            sent.append((str(args[2]), args[3]))

    def ask(driver: Any, compiled: Compiled, values: Mapping[str, Any]) -> Any:
        given = compiled.parameters(values)
        sent.append((compiled.text, tuple(given) if isinstance(given, list) else given))
        return run(driver, compiled, values)

    event.listen(engine, "before_cursor_execute", keep)
    try:
        with mock.patch.object(direct, "run", ask):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def scans(engine: Engine, sent: list[tuple[str, object]]) -> list[str]:
    """The tables that these statements would read from end to end."""
    steps = _steps_of_sqlite if engine.dialect.name == "sqlite" else _steps_of_postgresql
    with engine.connect() as connection:
        return [table for one in sent for table in steps(connection, *one)]


def _steps_of_sqlite(connection: Connection, statement: str, parameters: object) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
    # A Bloom filter is filled from the whole table, each time.
    found = (re.match(r"(?:SCAN|BLOOM FILTER ON) (\w+)", str(row[3])) for row in plan)
    return [step.group(1) for step in found if step]


def _steps_of_postgresql(connection: Connection, statement: str, parameters: object) -> list[str]:
    # It rightly reads small tables as a whole; told not to, it does so only where no index serves.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
    found = (re.search(r"Seq Scan on (\w+)", str(row[0])) for row in plan)
    return [step.group(1) for step in found if step]
