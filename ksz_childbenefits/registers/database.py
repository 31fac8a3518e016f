"""Opening the database, its transactions, its migrations.

SQLite for one machine, PostgreSQL for many. Every register asks inside ``asking`` or ``reading``
and writes inside ``writing``, ``storing`` or ``asking``: there, and only there, a database that
does not answer becomes ``errors.Unavailable`` (SECURITY 4: MSG00001).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    QueuePool,
    create_engine,
    event,
    exc,
    func,
    make_url,
    select,
)

from ksz_childbenefits.errors import ConfigurationError, DataError, Unavailable
from ksz_childbenefits.metrics import connections_used
from ksz_childbenefits.registers import sqlite

BUSY_SECONDS = 5
"""How long to wait for another's lock, a connection, or an answer of PostgreSQL."""

POOLED = 10
"""How many connections a process keeps open."""

OVERFLOW = {"sqlite": 30, "postgresql": 10}
"""How many more it opens under load; PostgreSQL takes 100 from all processes by default."""

MISTAKES = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)
"""Errors of a statement or its data: the database answered, so it is not unavailable."""


def open_database(url: str) -> Engine:
    """An engine with a thread-safe pool for an SQLAlchemy URL; ConfigurationError if unusable.

    SQLite must be a file: write-ahead log, foreign keys, a commit is on the disk when it returns.
    PostgreSQL (``postgresql://…``): no connecting, statement or lock takes more than
    ``BUSY_SECONDS``, and a restart of the server is not noticed beyond the requests in hand.
    Open it after forking: a connection must not cross into another process.
    """
    try:
        engine = _engine(make_url(url))
    except (exc.ArgumentError, TypeError, ImportError) as error:
        # TypeError: the pool of an SQLite database in memory has no time-out.
        raise ConfigurationError("the database's URL cannot be used") from error
    _watch(engine)
    return engine


def _watch(engine: Engine) -> None:
    """Tell the metrics how many connections are in use.

    Read from the pool and not counted: checkouts that fail do not come in pairs.
    """
    pool = engine.pool
    if isinstance(pool, QueuePool):
        tell = connections_used(POOLED + OVERFLOW[engine.dialect.name])
        event.listen(engine, "checkout", lambda *_: tell(pool.checkedout()))
        # The connection that comes back is still counted as out.
        event.listen(engine, "checkin", lambda *_: tell(pool.checkedout() - 1))


def _engine(address: URL) -> Engine:
    backend = address.get_backend_name()
    if backend not in OVERFLOW:
        raise ConfigurationError(f"{backend} is neither of {', '.join(OVERFLOW)}")
    if backend == "postgresql":
        # Only here: who is on SQLite does without the driver, which is 0.06 s of each start.
        from ksz_childbenefits.registers import postgresql  # noqa: PLC0415

        address = postgresql.with_driver(address)
        engine = _pooled(address, **postgresql.connection_arguments(address, BUSY_SECONDS))
        postgresql.prepare(engine, BUSY_SECONDS)
        return engine
    engine = _pooled(address)
    sqlite.prepare(engine, BUSY_SECONDS)
    return engine


def _pooled(address: URL, **arguments: Any) -> Engine:
    backend = address.get_backend_name()
    return create_engine(
        address,
        hide_parameters=True,
        pool_size=POOLED,
        max_overflow=OVERFLOW[backend],
        pool_timeout=BUSY_SECONDS,
        connect_args=arguments,
    )


@contextmanager
def asking(engine: Engine, *, writes: bool = False) -> Iterator[Connection]:
    """A connection for one statement that is a transaction by itself, in one round trip.

    Raises Unavailable when the database does not answer.
    """
    if engine.dialect.name == "sqlite":
        with writing(engine) if writes else reading(engine) as connection:
            yield connection
    else:
        with _answering(), _autonomous(engine).connect() as connection:
            yield connection


def _autonomous(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction to read in; raises Unavailable when the database does not answer."""
    with _answering(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end; raises Unavailable when the database does not answer."""
    with _answering(), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def storing(engine: Engine) -> Iterator[Connection]:
    """A transaction in which a row that is there already, or misses another, is a DataError.

    What is to be added was checked: somebody else has changed the register since. Raises
    Unavailable when the database does not answer.
    """
    try:
        with writing(engine) as connection:
            yield connection
    except exc.IntegrityError as error:
        raise DataError("the register was changed at the same time: try again") from error


def connected(engine: Engine) -> Connection:
    """A connection of the pool, to be closed by the caller; Unavailable when there is none."""
    with _answering():
        return engine.connect()


class Held:
    """A connection that one thread keeps for many small transactions.

    To take one from the pool for each would cost more than what it is taken for.
    """

    def __init__(self, engine: Engine) -> None:
        """Connect when it is first used."""
        self._engine = engine.execution_options(writes=True)
        self._connection: Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As ``writing``; after any error the next transaction gets another connection."""
        with ExitStack() as broken, _answering():
            broken.callback(self.close)
            with self._connected().begin() as transaction:
                yield transaction.connection
            broken.pop_all()

    def store(self, statements: Sequence[tuple[str, Sequence[object]]]) -> None:
        """Execute statements with their values, in the driver's words, as one transaction.

        It is on the disk when this returns. Raises as ``writing`` does, IntegrityError too.
        """
        dialect = self._engine.dialect
        with ExitStack() as broken, _answering():
            broken.callback(self.close)
            driver: Any = self._connected().connection.driver_connection
            try:
                with _together(driver, dialect.name, len(statements)):
                    for statement, values in statements:
                        driver.execute(statement, values)
                    dialect.do_commit(driver)
            except dialect.loaded_dbapi.Error as error:
                raise exc.DBAPIError.instance(
                    None, None, error, dialect.loaded_dbapi.Error
                ) from error
            broken.pop_all()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def _together(driver: Any, dialect: str, statements: int) -> Iterator[None]:
    """The beginning of a transaction whose statements cost one round trip in all."""
    if dialect == "postgresql":
        with driver.pipeline():
            yield
    else:
        if statements > 1:  # A single one is a transaction by itself, and one call.
            driver.execute("BEGIN IMMEDIATE")
        yield


def one_at_a_time(connection: Connection, name: str) -> None:
    """Wait until no other transaction is past here under this name; then keep others waiting.

    Within ``writing``, until the transaction ends. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(name.encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees the database as it is now, whatever is written meanwhile.

    For exports and proofs: its statements take their time. Raises Unavailable as ``reading`` does.
    """
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with reading(engine) as connection:
        without_deadline(connection)
        yield connection


def without_deadline(connection: Connection) -> None:
    """Let the rest of the transaction take its time: imports, migrations; not requests."""
    if connection.dialect.name == "postgresql":
        from ksz_childbenefits.registers import postgresql  # noqa: PLC0415 - as in _engine

        postgresql.lift_deadline(connection)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except MISTAKES:
        raise
    except exc.DBAPIError as error:
        raise Unavailable(f"the database does not answer: {symptom(error.orig)}") from error
    except exc.TimeoutError as error:
        raise Unavailable("the database does not answer: no free connection") from error


def refuse_unanswered(error: BaseException, driver: Any) -> None:
    """Raise Unavailable for an error of the driver's own, unless the database answered with it."""
    mistakes = (
        driver.IntegrityError,
        driver.DataError,
        driver.ProgrammingError,
        driver.NotSupportedError,
    )
    if not isinstance(error, mistakes):
        raise Unavailable(f"the database does not answer: {symptom(error)}") from error


def symptom(error: object) -> str:
    """The error's class and the driver's code for it; its text could hold personal data."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    return f"{type(error).__name__} {code}".rstrip()


def answers(engine: Engine) -> bool:
    """Whether the database answers now."""
    try:
        with asking(engine) as connection:
            connection.execute(select(1))
    except Unavailable:
        return False
    return True
