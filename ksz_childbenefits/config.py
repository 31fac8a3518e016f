"""The configuration: read once from TOML, validated, frozen.

Paths are relative to the folder of the configuration file. Every limit of SECURITY.md is a setting
with that document's default; none can be switched off, so each has bounds.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import ConfigurationError


class _Section(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceSettings(_Section):
    """Where the service listens. ``public_url`` stands in the WSDL; absent: the request's host.

    ``metrics_port``: a second listener, for metrics and health alone; 0: any free port, absent:
    none. ``drain_seconds``: how long the service says that it is not ready before it stops.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    public_url: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 0

    @model_validator(mode="after")
    def _two_ports(self) -> ServiceSettings:
        if self.port and self.port == self.metrics_port:
            raise ValueError("metrics_port must be another port than port")
        return self

    @model_validator(mode="after")
    def _tls_in_pairs(self) -> ServiceSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self


class DatabaseSettings(_Section):
    """The registers: a SQLAlchemy URL; a relative SQLite path is relative to this file."""

    url: str = "sqlite:///registers.sqlite"


class AuthoritySettings(_Section):
    """A certificate authority with its revocation list; ``crl = false`` says: no CRL for it."""

    certificate: Path
    crl: Path | Literal[False]


class SecuritySettings(_Section):
    """Our own key, and whom we trust (SECURITY 3)."""

    service_key: Path
    service_certificate: Path
    pseudonym_key: Path
    anchors: Annotated[tuple[AuthoritySettings, ...], Field(min_length=1)]
    intermediates: tuple[AuthoritySettings, ...] = ()
    max_age_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    max_ahead_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    max_references: Annotated[int, Field(ge=2, le=64)] = 8


class LimitSettings(_Section):
    """Bounds of one request (SECURITY 1 and 2) and, in each worker, of all requests together."""

    request_bytes: Annotated[int, Field(ge=1, le=16777216)] = 256 * 1024
    read_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    idle_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    xml_depth: Annotated[int, Field(ge=1, le=200)] = 64
    xml_elements: Annotated[int, Field(ge=1, le=100000)] = 5000
    xml_attributes: Annotated[int, Field(ge=1, le=1000)] = 64
    xml_namespaces: Annotated[int, Field(ge=1, le=1000)] = 128
    parallel_requests: Annotated[int, Field(ge=1, le=10000)] = 64
    threads: Annotated[int, Field(ge=1, le=256)] = 8


class LogSettings(_Section):
    """What is logged: one line for each exchange at INFO, only refusals at WARNING."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class OperatorSettings(_Section):
    """An operator's cadastre elsewhere; ``certificates``: what its replies may be signed with.

    More than one while its key is renewed.
    """

    url: Annotated[str, Field(pattern="^https?://[!-~]+$")]
    certificates: Annotated[tuple[Path, ...], Field(min_length=1)]


class RemoteSettings(_Section):
    """Bounds of the calls to operators elsewhere, in each worker (cadastres.line.LineLimits)."""

    deadline_seconds: Annotated[float, Field(ge=0.1, le=60)] = 2
    parallel_calls: Annotated[int, Field(ge=1, le=1000)] = 32
    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    pause_seconds: Annotated[float, Field(ge=0.1, le=300)] = 2
    reply_bytes: Annotated[int, Field(ge=1024, le=67108864)] = 8 * 1024 * 1024
    reply_elements: Annotated[int, Field(ge=100, le=10000000)] = 200000


class CadastreSettings(_Section):
    """For ``cadastre serve``: which operator this is, and the certificates that KSZ asks with."""

    operator: Operator
    cbe_number: Annotated[str, Field(pattern="^[0-9]{10}$")]
    ksz_certificates: Annotated[tuple[Path, ...], Field(min_length=1)]


class DemoSettings(_Section):
    """Only for demonstrations; refused where the environment is production."""

    failing_cadastres: frozenset[Operator] = frozenset()
    authority_key: Path | None = None


class Settings(_Section):
    """The whole configuration."""

    environment: Literal["demo", "production"]
    service: ServiceSettings = ServiceSettings()
    database: DatabaseSettings = DatabaseSettings()
    security: SecuritySettings
    limits: LimitSettings = LimitSettings()
    logs: LogSettings = LogSettings()
    demo: DemoSettings = DemoSettings()
    operators: dict[Operator, OperatorSettings] = {}
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
    def _no_demo_in_production(self) -> Settings:
        if self.environment == "production" and self.demo != DemoSettings():
            raise ValueError("the section [demo] is refused in production")
        return self


def load_settings(path: Path) -> Settings:
    """Read and check the configuration; ConfigurationError says which key is wrong and why."""
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
    return _resolved(settings, path.resolve().parent)


def explain(error: ValidationError) -> str:
    """What is wrong with values read from a file: each key's place, and the reason."""
    return "; ".join(
        f"{'.'.join(str(part) for part in entry['loc']) or 'file'}: {entry['msg']}"
        for entry in error.errors(include_url=False, include_input=False)
    )


def _resolved(settings: Settings, folder: Path) -> Settings:
    """The same settings with every path absolute."""

    def absolute(section: _Section) -> dict[str, object]:
        return {name: _absolute(value, folder) for name, value in section}

    sqlite = "sqlite:///"
    url = settings.database.url
    if url.startswith(sqlite) and not url.startswith("sqlite:////"):
        url = f"{sqlite}{folder / url.removeprefix(sqlite)}"
    return settings.model_copy(
        update={
            "service": settings.service.model_copy(update=absolute(settings.service)),
            "security": settings.security.model_copy(update=absolute(settings.security)),
            "demo": settings.demo.model_copy(update=absolute(settings.demo)),
            "operators": _absolute(settings.operators, folder),
            "cadastre": _absolute(settings.cadastre, folder),
            "database": DatabaseSettings(url=url),
        }
    )


def _absolute(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, dict):
        return {key: _absolute(item, folder) for key, item in value.items()}
    if isinstance(value, _Section):
        return value.model_copy(update={n: _absolute(v, folder) for n, v in value})
    if isinstance(value, tuple):
        return tuple(_absolute(item, folder) for item in value)
    return value
