"""Alembic migrations of the database, run by ``registers.database.migrate``."""
