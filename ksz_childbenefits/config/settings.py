"""The whole configuration, and how it is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from ksz_childbenefits.config.audit import AuditSettings
from ksz_childbenefits.config.operators import CadastreSettings, OperatorSettings, RemoteSettings
from ksz_childbenefits.config.sections import Section
from ksz_childbenefits.config.security import RevocationSettings, SecuritySettings
from ksz_childbenefits.config.service import LimitSettings, LogSettings, ServiceSettings
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import refuse_open_to_others


class DatabaseSettings(Section):
    """The registers: a SQLAlchemy URL; a relative SQLite path is relative to this file.

    ``embedded_cadastres``: the operators whose cadastres are in it too. Production wants them
    named; elsewhere they are all that have no section of their own.
    """

    url: str = "sqlite:///registers.sqlite"
    embedded_cadastres: frozenset[Operator] = frozenset()


class DemoSettings(Section):
    """Only for demonstrations; refused where the environment is production."""

    failing_cadastres: frozenset[Operator] = frozenset()
    authority_key: Path | None = None


class Settings(Section):
    """The whole configuration."""

    environment: Literal["demo", "production"]
    service: ServiceSettings = ServiceSettings()
    database: DatabaseSettings = DatabaseSettings()
    security: SecuritySettings
    revocation: RevocationSettings = RevocationSettings()
    limits: LimitSettings = LimitSettings()
    logs: LogSettings = LogSettings()
    audit: AuditSettings = AuditSettings()
    demo: DemoSettings = DemoSettings()
    operators: dict[Operator, OperatorSettings] = Field(default_factory=dict)
    remote: RemoteSettings = RemoteSettings()
    cadastre: CadastreSettings | None = None

    @model_validator(mode="after")
    def _threads_beside_one_slow_operator(self) -> Settings:
        if self.operators and self.limits.threads <= self.remote.parallel_calls:
            raise ValueError(
                "with [operators], limits.threads must be more than remote.parallel_calls, "
                "or one slow operator could keep all threads waiting"
            )
        return self

    @model_validator(mode="after")
    def _each_operator_in_one_place(self) -> Settings:
        twice = sorted(self.database.embedded_cadastres & self.operators.keys())
        if twice:
            named = ", ".join(twice)
            raise ValueError(f"{named} cannot be in [operators] and in database.embedded_cadastres")
        return self

    @model_validator(mode="after")
    def _fetched_lists_are_kept(self) -> Settings:
        authorities = (*self.security.anchors, *self.security.intermediates)
        if self.revocation.cache is None and any(isinstance(a.crl, str) for a in authorities):
            raise ValueError("revocation.cache must name a folder for the lists that are fetched")
        return self

    @model_validator(mode="after")
    def _no_demo_in_production(self) -> Settings:
        if self.environment == "production" and self.demo != DemoSettings():
            raise ValueError("the section [demo] is refused in production")
        return self


def load_settings(path: Path) -> Settings:
    """Read and check the configuration; ConfigurationError says which key is wrong and why.

    With the database's password in it the file is a secret, which others must not be able to read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error)}") from None
    if _holds_password(settings.database.url):
        refuse_open_to_others(path)
    return _resolved(settings, path.resolve().parent)


def explain(error: ValidationError) -> str:
    """What is wrong with values read from a file: each key's place, and the reason."""
    return "; ".join(
        f"{'.'.join(str(part) for part in entry['loc']) or 'file'}: {entry['msg']}"
        for entry in error.errors(include_url=False, include_input=False)
    )


def _resolved(settings: Settings, folder: Path) -> Settings:
    """The same settings with every path absolute."""
    sqlite = "sqlite:///"
    url = settings.database.url
    if url.startswith(sqlite) and not url.startswith("sqlite:////"):
        url = f"{sqlite}{folder / url.removeprefix(sqlite)}"
    update = {name: _absolute(value, folder) for name, value in settings}
    database = settings.database.model_copy(update={"url": url})
    return settings.model_copy(update={**update, "database": database})


def _holds_password(url: str) -> bool:
    parts = urlsplit(url)
    return parts.password is not None or "password=" in parts.query


def _absolute(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, dict):
        return {key: _absolute(item, folder) for key, item in value.items()}
    if isinstance(value, Section):
        return value.model_copy(update={n: _absolute(v, folder) for n, v in value})
    if isinstance(value, tuple):
        return tuple(_absolute(item, folder) for item in value)
    return value
