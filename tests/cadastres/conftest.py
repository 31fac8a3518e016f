from tests.postgres import cluster, postgresql, shared_postgresql, unmigrated_postgresql
from tests.registers.databases import engine, migrated, sqlite, unmigrated, unmigrated_sqlite

__all__ = [
    "cluster",
    "engine",
    "migrated",
    "postgresql",
    "shared_postgresql",
    "sqlite",
    "unmigrated",
    "unmigrated_postgresql",
    "unmigrated_sqlite",
]
