from tests.postgres import cluster

__all__ = ["cluster"]
