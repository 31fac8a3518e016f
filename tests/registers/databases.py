"""Databases for tests: real SQLite files, and what is asked of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from ksz_childbenefits.registers.database import migrate, open_database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database that tests copy."""
    path = tmp_path_factory.mktemp("migrated") / "registers.sqlite"
    made = open_database(f"sqlite:///{path}")
    migrate(made)
    made.dispose()
    return path


@pytest.fixture
def engine(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    """A migrated, empty database in a file of its own."""
    shutil.copy(migrated, tmp_path)
    made = open_database(f"sqlite:///{tmp_path / migrated.name}")
    yield made
    made.dispose()


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, object]]]:
    """The statements sent to the database meanwhile, with their parameters; not BEGIN."""
    sent: list[tuple[str, object]] = []

    def keep(*args: object) -> None:
        if not str(args[2]).startswith("BEGIN"):
            sent.append((str(args[2]), args[3]))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def scans(engine: Engine, sent: list[tuple[str, object]]) -> list[str]:
    """The tables that these statements would read from end to end."""
    with engine.connect() as connection:
        steps = [
            str(row[3])
            for statement, parameters in sent
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]
    return [step for step in steps if step.startswith("SCAN")]
