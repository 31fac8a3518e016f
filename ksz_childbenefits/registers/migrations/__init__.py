"""Alembic migrations of the database, run by ``registers.migrating.migrate``."""
