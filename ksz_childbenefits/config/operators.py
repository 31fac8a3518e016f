"""Operators elsewhere, whom the gateway asks; and an operator's own cadastre."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ksz_childbenefits.config.sections import PassphraseSettings, Section, Url
from ksz_childbenefits.domain.sources import Operator


class OperatorSettings(Section):
    """An operator's cadastre elsewhere; ``certificates``: what its replies may be signed with.

    More than one while its key is renewed. ``tls_authority``: the certificates of the authorities
    that alone are believed about its TLS certificate; absent: those of the system.
    """

    url: Url
    certificates: Annotated[tuple[Path, ...], Field(min_length=1)]
    tls_authority: Path | None = None

    @model_validator(mode="after")
    def _authority_of_tls(self) -> OperatorSettings:
        if self.tls_authority is not None and not self.url.startswith("https:"):
            raise ValueError("tls_authority needs an url of https")
        return self


class RemoteSettings(Section):
    """The calls to operators elsewhere: their bounds, in each worker (cadastres.line.LineLimits).

    ``tls_certificate`` and ``tls_key`` are what we present to operators that demand mutual TLS.
    """

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_passphrase: PassphraseSettings | None = None
    deadline_seconds: Annotated[float, Field(ge=0.1, le=60)] = 2
    parallel_calls: Annotated[int, Field(ge=1, le=1000)] = 32
    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    pause_seconds: Annotated[float, Field(ge=0.1, le=300)] = 2
    reply_bytes: Annotated[int, Field(ge=1024, le=67108864)] = 4 * 1024 * 1024
    reply_elements: Annotated[int, Field(ge=100, le=10000000)] = 60000

    @model_validator(mode="after")
    def _tls_in_pairs(self) -> RemoteSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_key is None and self.tls_passphrase:
            raise ValueError("tls_passphrase needs tls_key")
        return self


class CadastreSettings(Section):
    """For ``cadastre serve``: which operator this is, and the certificates that KSZ asks with."""

    operator: Operator
    cbe_number: Annotated[str, Field(pattern="^[0-9]{10}$")]
    ksz_certificates: Annotated[tuple[Path, ...], Field(min_length=1)]
