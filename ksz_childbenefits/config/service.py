"""The service itself: where it listens, and the bounds of what it takes (SECURITY 1 and 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ksz_childbenefits.config.sections import PassphraseSettings, Section
from ksz_childbenefits.domain.volume import HELD_ENTRIES, REPLY_ENTRIES


class ServiceSettings(Section):
    """Where the service listens. ``public_url`` stands in the WSDL; absent: the request's host.

    ``metrics_port``: a second listener, for metrics and health alone; 0: any free port, absent:
    none. ``drain_seconds``: how long the service says that it is not ready before it stops.
    ``tls_client_authority``: certificates of authorities of which callers must present one.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    public_url: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_passphrase: PassphraseSettings | None = None
    tls_client_authority: Path | None = None
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
        if self.tls_key is None and (self.tls_passphrase or self.tls_client_authority):
            raise ValueError("tls_passphrase and tls_client_authority need tls_key")
        return self


class RateSettings(Section):
    """What one caller may ask at each service of one machine: for ever, and at once."""

    per_second: Annotated[float, Field(ge=0.1, le=100000)] = 100
    burst: Annotated[int, Field(ge=1, le=1000000)] = 1000


class LimitSettings(Section):
    """Bounds of one request (SECURITY 1 and 2), of all together in each worker, and of one caller.

    ``rates`` names the callers that have another than the usual ``rate``.
    """

    request_bytes: Annotated[int, Field(ge=1, le=16777216)] = 256 * 1024
    read_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    idle_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    xml_depth: Annotated[int, Field(ge=1, le=200)] = 64
    xml_elements: Annotated[int, Field(ge=1, le=100000)] = 5000
    xml_attributes: Annotated[int, Field(ge=1, le=1000)] = 64
    xml_namespaces: Annotated[int, Field(ge=1, le=1000)] = 128
    parallel_requests: Annotated[int, Field(ge=1, le=10000)] = 64
    threads: Annotated[int, Field(ge=1, le=256)] = 4
    connections: Annotated[int, Field(ge=10, le=100000)] = 500
    unsent_bytes: Annotated[int, Field(ge=1024, le=2147483647)] = 64 * 1024 * 1024
    reply_entries: Annotated[int, Field(ge=100, le=HELD_ENTRIES)] = REPLY_ENTRIES
    rate: RateSettings = RateSettings()
    rates: dict[str, RateSettings] = Field(default_factory=dict)


class LogSettings(Section):
    """What is logged: one line for each exchange at INFO, only refusals at WARNING."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
