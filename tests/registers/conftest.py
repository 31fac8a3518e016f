from tests.registers.databases import engine, migrated

__all__ = ["engine", "migrated"]
