"""The statements of every request, compiled once and given straight to the driver.

SQLAlchemy's way from a statement to its rows, connection and transaction included, costs ten times
what SQLite takes to answer (docs/decisions/0019). What is asked once in a while goes that way all
the same: ``database.asking``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, Dialect, Engine, Executable, Select, event, exc

from ksz_childbenefits.registers.database import POOLED, connected, refuse_unanswered

Row = tuple[Any, ...]
_Processor = Callable[[Any], Any] | None

_KEPT: Final = POOLED
"""How many connections lie ready at most: to make one anew costs PostgreSQL milliseconds."""


class Compiled(NamedTuple):
    """A statement in a driver's words.

    ``lists``: the parameters of which there is one for each value. ``own``: those to which the
    statement itself gives values. ``order``: the names of all, where the driver takes them by
    position. ``into`` and ``out_of``: how values become what the driver takes, and back; empty
    where it takes and gives all of them as they are.
    """

    text: str
    lists: tuple[str, ...]
    own: Mapping[str, Any]
    order: tuple[str, ...] | None
    into: Mapping[str, Callable[[Any], Any]]
    out_of: tuple[_Processor, ...]

    def parameters(self, values: Mapping[str, Any]) -> list[Any] | dict[str, Any]:
        """The values as the driver takes them."""
        given = {**self.own, **values}
        for name in self.lists:
            # As SQLAlchemy names what is in a list.
            given |= {f"{name}_{place}": one for place, one in enumerate(given.pop(name), 1)}
        for name, processor in self.into.items():
            given[name] = processor(given[name])
        return given if self.order is None else [given[name] for name in self.order]

    def read(self, row: Row) -> Row:
        """A row that the driver gave, as the statement's types have it."""
        if not self.out_of:
            return row
        return tuple([v if p is None else p(v) for p, v in zip(self.out_of, row, strict=True)])


class Prepared:
    """A statement, compiled when a database is first asked it."""

    def __init__(self, build: Callable[[str], Executable]) -> None:
        """``build`` makes it for a dialect, by its name."""
        self._build = build
        self._compiled: dict[tuple[str | int, ...], Compiled] = {}

    def compiled(self, dialect: Dialect, values: Mapping[str, Any]) -> Compiled:
        """In the driver's words, for so many values in each list."""
        key: tuple[str | int, ...] = (
            dialect.name,
            *[len(v) for v in values.values() if isinstance(v, list)],
        )
        known = self._compiled.get(key)
        if known is None:
            known = self._compiled[key] = _compile(self._build(dialect.name), dialect, values)
        return known


def _compile(statement: Executable, dialect: Dialect, values: Mapping[str, Any]) -> Compiled:
    out_of: tuple[_Processor, ...] = ()
    if isinstance(statement, Select):
        kinds = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        out_of = tuple(kind.result_processor(dialect, None) for kind in kinds)
        statement = statement.params(**values)
    made: Any = statement.compile(  # type: ignore[attr-defined]  # what is executed here has it
        dialect=dialect, compile_kwargs={"render_postcompile": True}
    )
    bound = {name: parameter.type for parameter, name in made.bind_names.items()}
    processors = {n: t.dialect_impl(dialect).bind_processor(dialect) for n, t in bound.items()}
    return Compiled(
        made.string,
        tuple(name for name, value in values.items() if isinstance(value, list)),
        {n: p.value for p, n in made.bind_names.items() if p.value is not None and n not in values},
        tuple(made.positiontup) if made.positional else None,
        {name: processor for name, processor in processors.items() if processor is not None},
        out_of if any(out_of) else (),
    )


class Direct:
    """A database that is asked through its driver, on connections that lie ready."""

    def __init__(self, engine: Engine) -> None:
        """Connections come from the engine's pool, each when it is first needed."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._dialect = engine.dialect
        self._driver = engine.dialect.loaded_dbapi
        self._refuse_closed: Callable[[Any], None] | None = None
        if engine.dialect.name == "postgresql":
            from ksz_childbenefits.registers import postgresql  # noqa: PLC0415 - as in database

            self._refuse_closed = postgresql.refuse_closed
        self._ready: list[tuple[Connection, Any]] = []

    def rows(self, statement: Prepared, **values: Any) -> list[Row]:
        """The rows that a statement gives; Unavailable when the database does not answer."""
        compiled = statement.compiled(self._dialect, values)
        with _Lent(self) as driver:
            rows: list[Row] = run(driver, compiled, values).fetchall()
        return [compiled.read(row) for row in rows]

    def each(self, statement: Prepared, **values: Any) -> Iterator[Row]:
        """The same one by one, each made when it is wanted: what is too much need not be read."""
        compiled = statement.compiled(self._dialect, values)
        with _Lent(self) as driver:
            for row in run(driver, compiled, values):
                yield compiled.read(row)

    def change(self, statement: Prepared, **values: Any) -> int:
        """How many rows a statement changed; all who ask from now on see it.

        On SQLite it is on the disk with the next transaction that is (``database.writing``).
        Raises Unavailable when the database does not answer.
        """
        compiled = statement.compiled(self._dialect, values)
        with _Lent(self) as driver:
            return int(run(driver, compiled, values).rowcount)

    def close(self) -> None:
        """Close the connections that lie ready."""
        while self._ready:
            _end(self._ready.pop()[0])

    def take(self) -> tuple[Connection, Any]:
        """A connection that lies ready, or a new one."""
        while True:
            try:
                connection, driver = self._ready.pop()
            except IndexError:
                return self._new()
            if self._refuse_closed is None:
                return connection, driver
            try:
                self._refuse_closed(driver)
            except exc.DisconnectionError:
                _end(connection)
            else:
                return connection, driver

    def leave(self, connection: Connection, driver: Any, error: BaseException | None) -> None:
        """Let it lie ready; after any error, and when not all was read, give it up.

        Raises Unavailable where the error is that the database does not answer.
        """
        if error is None and len(self._ready) < _KEPT:
            self._ready.append((connection, driver))
            return
        _end(connection)
        if isinstance(error, self._driver.Error):
            refuse_unanswered(error, self._driver)

    def _new(self) -> tuple[Connection, Any]:
        connection = connected(self._engine)
        driver = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("a connection without a driver's")
        if self._dialect.name == "sqlite":
            driver.execute("PRAGMA synchronous = NORMAL")
        return connection, driver


class _Lent:
    """A connection for one statement; a class, since all statements of each request pass here."""

    __slots__ = ("_connection", "_driver", "_lender")

    def __init__(self, lender: Direct) -> None:
        self._lender = lender

    def __enter__(self) -> Any:
        self._connection, self._driver = self._lender.take()
        return self._driver

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: object
    ) -> Literal[False]:
        self._lender.leave(self._connection, self._driver, error)
        return False


def run(driver: Any, compiled: Compiled, values: Mapping[str, Any]) -> Any:
    """Execute a statement: whatever is asked in this way passes here."""
    return driver.execute(compiled.text, compiled.parameters(values))


def _end(connection: Connection) -> None:
    """Close it for good: the pool would give it to somebody who wants every commit on the disk."""
    connection.invalidate()
    connection.close()


_NAME: Final = "ksz_direct"


def direct(engine: Engine) -> Direct:
    """The one for an engine; what lies ready is closed with the engine (``dispose``)."""
    held = vars(engine)
    if _NAME not in held:
        made = held.setdefault(_NAME, Direct(engine))
        event.listen(engine, "engine_disposed", lambda _: made.close())
    found: Direct = held[_NAME]
    return found
