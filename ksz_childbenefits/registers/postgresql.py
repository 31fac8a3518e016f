"""PostgreSQL through psycopg: connections that never wait for ever (SECURITY 4: MSG00001)."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Dialect, Engine, event, exc, text

_DRIVER = "postgresql+psycopg"

SPARE_SECONDS = 1
"""How much longer we wait than the server, whose own time-out leaves the connection usable."""

_PENDING_READS = 8
"""How many pieces of unasked input an idle connection may have before it is given up."""


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that is given up when the server is silent for ``patience`` seconds.

    The server's own time-outs end a slow statement; this ends waiting for a server that is frozen
    or gone without closing its socket.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as psycopg does, but no longer than ``patience``: then OperationalError."""
        limit = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if limit is not None and self.pgconn.transaction_status == _ACTIVE:
                # Nothing was answered: what comes later would be taken for another's answer.
                self.pgconn.finish()
            raise


_ACTIVE = psycopg.pq.TransactionStatus.ACTIVE


def with_driver(url: URL) -> URL:
    """The address with our driver, where it names PostgreSQL without one."""
    return url.set(drivername=_DRIVER) if url.drivername == "postgresql" else url


def connection_arguments(url: URL, seconds: int) -> dict[str, Any]:
    """What the driver is told, unless the address says otherwise: all waiting ends after this."""
    milliseconds = seconds * 1000
    defaults: dict[str, Any] = {
        "application_name": "ksz-childbenefits",
        "connect_timeout": seconds,
        "keepalives_idle": max(seconds, 1),
        "tcp_user_timeout": milliseconds,
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
    }
    return {name: value for name, value in defaults.items() if name not in url.query}


def prepare(engine: Engine, seconds: int) -> None:
    """Make the engine's pool give connections with patience, and none that the server closed."""

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]
    ) -> DeadlineConnection:
        made = DeadlineConnection.connect(*arguments, **named)
        made.patience = seconds + SPARE_SECONDS
        return made

    @event.listens_for(engine, "checkin")
    def restore(connection: DeadlineConnection | None, _record: object) -> None:
        if connection is not None:
            connection.patience = seconds + SPARE_SECONDS

    event.listen(engine, "checkout", lambda driver, *_: refuse_closed(driver))


def refuse_closed(connection: DeadlineConnection) -> None:
    """See a restart of the server without a round trip: it leaves an end of file to be read.

    Raises DisconnectionError where the connection is of no use any more.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    try:
        for _ in range(_PENDING_READS):
            if not poll.poll(0):
                return
            connection.pgconn.consume_input()
    except psycopg.OperationalError as error:
        raise exc.DisconnectionError("the server closed the connection") from error
    raise exc.DisconnectionError("the server says what nobody asked")


def lift_deadline(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need, from now on."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    driver = connection.connection.driver_connection
    if isinstance(driver, DeadlineConnection):
        driver.patience = None
