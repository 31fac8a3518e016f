"""Keys, and whom we trust (SECURITY 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, field_validator

from ksz_childbenefits.config.sections import PassphraseSettings, Section, Url

_FETCHED = ("http://", "https://")


class AuthoritySettings(Section):
    """A certificate authority with its revocation list; ``crl = false`` says: no CRL for it.

    The list is in a file that somebody else renews, or at an address that we fetch it from.
    """

    certificate: Path
    crl: Url | Path | Literal[False]

    @field_validator("crl", mode="before")
    @classmethod
    def _no_other_address(cls, given: object) -> object:
        if isinstance(given, str) and "://" in given and not given.startswith(_FETCHED):
            raise ValueError("an address of a list begins with http:// or https://")
        return given


class NextKeySettings(Section):
    """A key that signs from an instant on, in place of the one before it."""

    key: Path
    certificate: Path | None = None
    passphrase: PassphraseSettings | None = None
    sign_from: AwareDatetime


class SecuritySettings(Section):
    """Our own keys, and whom we trust (SECURITY 3).

    ``service_certificate`` is left out where ``service_key`` is a PKCS#12.
    """

    service_key: Path
    service_certificate: Path | None = None
    service_passphrase: PassphraseSettings | None = None
    next_service_keys: tuple[NextKeySettings, ...] = ()
    pseudonym_key: Path
    anchors: Annotated[tuple[AuthoritySettings, ...], Field(min_length=1)]
    intermediates: tuple[AuthoritySettings, ...] = ()
    max_age_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    max_ahead_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    max_references: Annotated[int, Field(ge=2, le=64)] = 8


class RevocationSettings(Section):
    """How revocation lists are fetched: where they are kept, how often, and the bounds of a fetch.

    ``cache``: a folder of this machine; needed where an authority's list is at an address.
    ``warn_seconds``: how long before a list is stale the log warns (at most a quarter of its time).
    """

    cache: Path | None = None
    fetch_seconds: Annotated[int, Field(ge=1, le=604800)] = 3600
    deadline_seconds: Annotated[float, Field(ge=0.1, le=300)] = 30
    list_bytes: Annotated[int, Field(ge=1024, le=268435456)] = 16 * 1024 * 1024
    warn_seconds: Annotated[int, Field(ge=1, le=31622400)] = 86400
