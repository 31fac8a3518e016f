"""The database: its schema by migration, its settings, and what happens when it fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from ksz_childbenefits.errors import ConfigurationError, Unavailable
from ksz_childbenefits.registers import database
from ksz_childbenefits.registers.database import (
    answers,
    is_current,
    migrate,
    open_database,
    reading,
    writing,
)
from ksz_childbenefits.registers.schema import connecting_factors, metadata, persons
from tests.registers.numbers import NOOR

PERSON = {"ssin": NOOR, "birth_date": date(2012, 3, 15), "status": "EXISTING"}


DEFINITIONS = {
    "sqlite": """
        SELECT sql FROM sqlite_master
        WHERE sql IS NOT NULL AND name <> 'alembic_version'
    """,
    "postgresql": """
        SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
            AND conrelid::regclass::text <> 'alembic_version'
        UNION SELECT indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        UNION SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable,
            character_maximum_length, column_default) FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
}


def definitions(engine: Engine) -> set[tuple[str, ...]]:
    """What a database keeps of every table and index: its columns, and its constraints sorted."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(DEFINITIONS[engine.dialect.name]).scalars()
        texts = [" ".join(text.split()) for text in found]
    parts = [text.removesuffix(" )").split(", CONSTRAINT ") for text in texts]
    return {(columns, *sorted(constraints)) for columns, *constraints in parts}


def test_the_migrations_make_exactly_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_constraints_too_are_those_of_the_schema(engine: Engine, unmigrated: Engine) -> None:
    if engine.dialect.name == unmigrated.dialect.name:
        metadata.create_all(unmigrated)
        assert definitions(engine) == definitions(unmigrated)


def test_a_migration_can_be_taken_back(unmigrated: Engine) -> None:
    migrate(unmigrated)
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with writing(unmigrated) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(unmigrated).get_table_names() == ["alembic_version"]
    assert not is_current(unmigrated)


def test_a_new_database_is_not_current_until_migrated(unmigrated: Engine) -> None:
    assert not is_current(unmigrated)
    migrate(unmigrated)
    assert is_current(unmigrated)
    migrate(unmigrated)
    assert is_current(unmigrated)


def test_of_two_that_migrate_at_the_same_time_one_waits(unmigrated: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [unmigrated] * 4))
    assert is_current(unmigrated)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_every_connection_to_sqlite_has_the_settings(
    sqlite: Engine, setting: str, value: object
) -> None:
    with reading(sqlite) as one, reading(sqlite) as two:
        for connection in (one, two):
            assert connection.exec_driver_sql(f"PRAGMA {setting}").scalar() == value


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
def test_every_connection_to_postgresql_has_the_settings(postgresql: Engine, setting: str) -> None:
    with reading(postgresql) as one, reading(postgresql) as two:
        for connection in (one, two):
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == "5s"


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "nosuchdatabase://host/name", "mysql://host/name"]
)
def test_an_unusable_address_is_an_error_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_database(url)


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'nowhere' / 'registers.sqlite'}")
    with pytest.raises(Unavailable) as caught, reading(engine):
        pass
    assert "SQLITE_CANTOPEN" in caught.value.reason
    assert str(tmp_path) not in caught.value.reason
    assert not answers(engine)


def test_a_broken_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "registers.sqlite").write_bytes(b"this is no database" * 100)
    engine = open_database(f"sqlite:///{tmp_path / 'registers.sqlite'}")
    with pytest.raises(Unavailable), reading(engine):
        pass


def test_the_reason_tells_no_value_of_the_statement(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(Unavailable) as caught, writing(engine) as connection:
        connection.execute(insert(persons), PERSON)
    assert NOOR not in caught.value.reason
    assert NOOR not in str(caught.value.__cause__)


def test_a_lock_held_too_long_is_unavailable(
    tmp_path: Path, sqlite: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    hurried = open_database(f"sqlite:///{tmp_path / 'registers.sqlite'}")
    with writing(sqlite) as connection:
        connection.execute(insert(persons), PERSON)
        with pytest.raises(Unavailable), writing(hurried):
            pass
        with reading(hurried) as reader:
            assert reader.execute(select(persons)).all() == []
    assert answers(hurried)


def test_a_pool_without_a_free_connection_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    engine = open_database(f"sqlite:///{tmp_path / 'registers.sqlite'}")
    taken = [engine.connect() for _ in range(40)]
    with pytest.raises(Unavailable), reading(engine):
        pass
    for connection in taken:
        connection.close()


def test_a_broken_rule_of_the_data_is_no_outage(engine: Engine) -> None:
    factor = {"ssin": NOOR, "factor": 1, "nis": "21004", "begin_date": date(2012, 3, 15)}
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(connecting_factors), factor)


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(persons), [PERSON, PERSON])
    with reading(engine) as connection:
        assert connection.execute(select(persons)).all() == []


def test_writers_wait_for_each_other(sqlite: Engine) -> None:
    def add(number: int) -> None:
        with writing(sqlite) as connection:
            held = connection.execute(select(persons.c.ssin)).all()
            row = PERSON | {"ssin": f"{number:011d}", "birth_date": date(2000, 1, 1 + len(held))}
            connection.execute(insert(persons), row)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(24)))
    with reading(sqlite) as connection:
        days = connection.execute(select(persons.c.birth_date)).scalars().all()
    assert sorted(days) == [date(2000, 1, day) for day in range(1, 25)]
