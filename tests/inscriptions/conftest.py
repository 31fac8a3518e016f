from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.postgres import cluster, postgresql, shared_postgresql
from tests.registers.databases import engine, migrated, sqlite

__all__ = ["cluster", "engine", "migrated", "postgresql", "shared_postgresql", "sqlite"]


@pytest.fixture
def own_demo(demo: Path, tmp_path: Path) -> Path:
    """The demo with a database of this test's own."""
    folder = tmp_path / "demo"
    folder.mkdir()
    for name in ("credentials", "keys"):
        (folder / name).symlink_to(demo.parent / name)
    shutil.copy(demo, folder)
    source, copy = (sqlite3.connect(at / "registers.sqlite") for at in (demo.parent, folder))
    with closing(source), closing(copy):
        source.backup(copy)
        # What other tests of the session have asked stands in the shared one.
        for table in ("audit_evidence", "audit_persons", "audit_records", "audit_chains"):
            copy.execute(f"DELETE FROM {table}")
        copy.commit()
    return folder / demo.name
