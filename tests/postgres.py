"""PostgreSQL for tests: one server per session, started when the first test wants it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.demo.cluster import Cluster, find_binaries, running_cluster
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.migrating import migrate
from ksz_childbenefits.registers.schema import metadata

UNSAFE_BUT_FAST = {"full_page_writes": "off", "shared_buffers": "32MB"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server of this session's own."""
    if find_binaries() is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    with running_cluster(UNSAFE_BUT_FAST) as running:
        yield running


@pytest.fixture(scope="session")
def shared_postgresql(cluster: Cluster) -> Iterator[Engine]:
    """A migrated database that tests clean behind them: quicker than one for each."""
    engine = open_database(cluster.create("shared"))
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql(shared_postgresql: Engine) -> Iterator[Engine]:
    """A migrated, empty PostgreSQL database."""
    yield shared_postgresql
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with writing(shared_postgresql) as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")


@pytest.fixture
def unmigrated_postgresql(cluster: Cluster) -> Iterator[Engine]:
    """An empty PostgreSQL database without any table, of this test alone."""
    engine = open_database(cluster.create(f"own_{secrets.token_hex(8)}"))
    yield engine
    engine.dispose()
