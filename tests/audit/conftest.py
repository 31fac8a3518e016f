from tests.postgres import cluster, postgresql, shared_postgresql
from tests.registers.databases import engine, migrated, sqlite

__all__ = ["cluster", "engine", "migrated", "postgresql", "shared_postgresql", "sqlite"]
