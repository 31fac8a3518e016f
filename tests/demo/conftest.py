from tests.postgres import cluster, postgresql, shared_postgresql

__all__ = ["cluster", "postgresql", "shared_postgresql"]
