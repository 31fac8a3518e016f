from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import copy_of
from tests.postgres import cluster, postgresql, shared_postgresql
from tests.registers.databases import engine, migrated, sqlite

__all__ = ["cluster", "engine", "migrated", "postgresql", "shared_postgresql", "sqlite"]


@pytest.fixture
def own_demo(demo: Path, tmp_path: Path) -> Path:
    """The demo with a database of this test's own."""
    config = copy_of(demo, tmp_path / "demo")
    with closing(sqlite3.connect(config.parent / "registers.sqlite")) as copy:
        # What other tests of the session have asked stands in the shared one.
        for table in ("audit_evidence", "audit_persons", "audit_records", "audit_chains"):
            copy.execute(f"DELETE FROM {table}")
        copy.commit()
    return config
