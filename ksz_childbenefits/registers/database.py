"""Opening the database, its transactions, its migrations.

Every register reads inside ``reading`` and writes inside ``writing``: there, and only there, a
database that does not answer becomes ``errors.Unavailable`` (SECURITY 4: MSG00001).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, exc, select

from ksz_childbenefits.errors import ConfigurationError, Unavailable

BUSY_SECONDS = 5
"""How long to wait for another's lock, or for a connection of the pool."""

_MISTAKES = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)
"""Errors of a statement or its data: the database answered, so it is not unavailable."""


def open_database(url: str) -> Engine:
    """An engine with a thread-safe pool for an SQLAlchemy URL; ConfigurationError if unusable.

    SQLite must be a file: write-ahead log, foreign keys, a commit is on the disk when it returns.
    Open it after forking: a connection must not cross into another process.
    """
    try:
        engine = create_engine(
            url, hide_parameters=True, pool_size=10, max_overflow=30, pool_timeout=BUSY_SECONDS
        )
    except (exc.ArgumentError, TypeError, ImportError) as error:
        # TypeError: the pool of an SQLite database in memory has no time-out.
        raise ConfigurationError("the database's URL cannot be used") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Without this Python's driver begins transactions by itself, after the first reads.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading from a read would fail instead of waiting.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with; raises Unavailable when the database does not answer."""
    with _answering(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end; raises Unavailable when the database does not answer."""
    with _answering(), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except _MISTAKES:
        raise
    except exc.DBAPIError as error:
        raise Unavailable(f"the database does not answer: {_symptom(error.orig)}") from error
    except exc.TimeoutError as error:
        raise Unavailable("the database does not answer: no free connection") from error


def _symptom(error: object) -> str:
    """The error's class and the driver's code for it; its text could hold personal data."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    return f"{type(error).__name__} {code}".rstrip()


def answers(engine: Engine) -> bool:
    """Whether the database answers now."""
    try:
        with reading(engine) as connection:
            connection.execute(select(1))
    except Unavailable:
        return False
    return True


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema, in one transaction; nothing if it is there."""
    config = _alembic()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this code needs."""
    newest = ScriptDirectory.from_config(_alembic()).get_heads()
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    return set(found) == set(newest)


def _alembic() -> Config:
    config = Config()
    folder = resources.files("ksz_childbenefits.registers") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
