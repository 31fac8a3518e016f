from tests.registers.databases import engine

__all__ = ["engine"]
