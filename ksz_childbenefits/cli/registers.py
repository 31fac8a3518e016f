"""The registers' database, opened for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url

from ksz_childbenefits.config import Settings
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.migrating import is_current


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """The configured database; ConfigurationError where it is missing or of another version."""
    url = make_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # Opening it would create an empty one.
        raise ConfigurationError(f"there is no database at {url.database}")
    engine = open_database(settings.database.url)
    try:
        if not is_current(engine):
            raise ConfigurationError("the database has not the schema of this version")
        yield engine
    finally:
        engine.dispose()
