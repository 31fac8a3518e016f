"""Bringing a database to the schema that this code needs (``registers/migrations``)."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, func, select

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.registers.database import (
    MISTAKES,
    reading,
    symptom,
    without_deadline,
    writing,
)

_MIGRATION_LOCK = 5274011
"""An arbitrary number: whoever migrates a PostgreSQL database holds the advisory lock of it."""


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema, in one transaction; nothing if it is there.

    Of several processes that do so at the same time, one does it and the others wait. Raises
    Unavailable when the database does not answer, ConfigurationError when it is not ours to
    migrate: a newer version has done so, or the role may not.
    """
    try:
        _migrate(engine)
    except CommandError as error:
        text = f"the schema is unknown here, as where a newer version made it: {error}"
        raise ConfigurationError(text) from error
    except MISTAKES as error:
        text = f"the database refuses the migration: {symptom(error.orig)}"
        raise ConfigurationError(text) from error
    except OSError as error:
        raise ConfigurationError(f"cannot read the migrations: {error.strerror}") from error


def _migrate(engine: Engine) -> None:
    config = _alembic()
    with writing(engine) as connection:
        without_deadline(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this code needs."""
    newest = ScriptDirectory.from_config(_alembic()).get_heads()
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    return set(found) == set(newest)


def _alembic() -> Config:
    config = Config()
    folder = resources.files("ksz_childbenefits.registers") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
