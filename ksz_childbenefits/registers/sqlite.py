"""SQLite: what each connection is told, and how its transactions begin."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection, Engine, event


def prepare(engine: Engine, seconds: int) -> None:
    """Write-ahead log, foreign keys, commits that are on the disk; locks are waited for so long."""

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        # Without this Python's driver begins transactions by itself, after the first reads.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {seconds * 1000}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading from a read would fail instead of waiting.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
