"""The database: its schema by migration, its settings, and what happens when it fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import ConfigurationError, Unavailable
from ksz_childbenefits.registers import database
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import answers, open_database, reading, writing
from ksz_childbenefits.registers.deliberations import DeliberationRegister
from ksz_childbenefits.registers.migrating import is_current, migrate
from ksz_childbenefits.registers.schema import (
    connecting_factors,
    deliberations,
    metadata,
    persons,
)
from tests.registers.numbers import NOOR

PERSON = {"ssin": NOOR, "birth_date": date(2012, 3, 15), "status": "EXISTING"}


DEFINITIONS = {
    "sqlite": """
        SELECT sql FROM sqlite_master
        WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name <> 'alembic_version'
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


def migrate_to(engine: Engine, revision: str) -> None:
    """Up or down to an older schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    move = command.upgrade if not inspect(engine).get_table_names() else command.downgrade
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        move(config, revision)


def test_the_migrations_make_exactly_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_constraints_too_are_those_of_the_schema(engine: Engine, unmigrated: Engine) -> None:
    if engine.dialect.name == unmigrated.dialect.name:
        metadata.create_all(unmigrated)
        assert definitions(engine) == definitions(unmigrated)


def test_a_migration_can_be_taken_back(unmigrated: Engine) -> None:
    migrate(unmigrated)
    migrate_to(unmigrated, "base")
    assert inspect(unmigrated).get_table_names() == ["alembic_version"]
    assert not is_current(unmigrated)


def test_deliberations_of_before_0004_are_kept(unmigrated: Engine) -> None:
    """They withhold nothing, as they did, and nobody knows where they came from."""
    migrate_to(unmigrated, "0003")
    values = "'swl', 'SWL', '0231550084'"
    given = "7, '19/011', 'swl', '[\"A\"]', '[\"WALLONIA\"]', 84, true, '2019-01-01'"
    with writing(unmigrated) as connection:
        connection.exec_driver_sql(
            f"INSERT INTO customers (name, title, cbe_number) VALUES ({values})"
        )
        connection.exec_driver_sql(
            "INSERT INTO deliberations (id, number, customer, legal_contexts, sources,"
            f" months_back, inscription_required, begin_date) VALUES ({given})"
        )
    migrate(unmigrated)
    with reading(unmigrated) as connection:
        (row,) = connection.execute(select(deliberations)).mappings()
    assert dict(row) == {
        **dict.fromkeys(deliberations.c.keys()),
        "id": 7,
        "number": "19/011",
        "customer": "swl",
        "legal_contexts": ["A"],
        "sources": ["WALLONIA"],
        "months_back": 84,
        "inscription_required": True,
        "begin_date": date(2019, 1, 1),
        "withheld": [],
    }


def test_going_back_before_0004_leaves_no_row_that_would_give_more_than_now(
    unmigrated: Engine,
) -> None:
    """A revoked one would apply again, and what another withholds would be shown."""
    migrate(unmigrated)
    swl = Customer("swl", "0231550084", 47, 0)
    plain = Deliberation(
        "1", "swl", frozenset("A"), frozenset(AuthenticSource), None, True, date(2019, 1, 1), None
    )
    withholding = replace(plain, number="2", withheld=frozenset(("bonuses",)))
    CustomerRegister(unmigrated).add(
        swl, deliberations=[plain, withholding, replace(plain, number="3")]
    )
    DeliberationRegister(unmigrated).revoke("3", None, "withdrawn", datetime.now(UTC))
    migrate_to(unmigrated, "0003")
    with reading(unmigrated) as connection:
        numbers = connection.exec_driver_sql("SELECT number FROM deliberations").scalars().all()
    assert numbers == ["1"]


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


def test_a_schema_that_a_newer_version_made_is_left_alone_and_said(unmigrated: Engine) -> None:
    """A rolling upgrade: what has migrated is newer than this code, which can take nothing back."""
    migrate(unmigrated)
    with writing(unmigrated) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"newer version.*9999"):
        migrate(unmigrated)
    assert not is_current(unmigrated)
    assert answers(unmigrated)


def test_a_role_that_may_not_change_the_schema_is_an_error_of_the_configuration(
    unmigrated_postgresql: Engine,
) -> None:
    """PostgreSQL 15 and later let nobody but its owner create tables in ``public``."""
    with writing(unmigrated_postgresql) as connection:
        connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.exec_driver_sql("DROP ROLE IF EXISTS reader")
        connection.exec_driver_sql("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    url = unmigrated_postgresql.url.set(username="reader", password="reader")
    engine = open_database(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(ConfigurationError, match="InsufficientPrivilege 42501"):
            migrate(engine)
    finally:
        engine.dispose()


def test_migrations_that_cannot_be_read_are_an_error_of_the_configuration(
    unmigrated: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the package is replaced under a service that runs."""

    def unreadable(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/opt/versions/0001.py")

    monkeypatch.setattr("alembic.command.upgrade", unreadable)
    with pytest.raises(ConfigurationError, match="Permission denied") as caught:
        migrate(unmigrated)
    assert "/opt" not in str(caught.value)


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
