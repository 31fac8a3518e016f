"""Who we are and whom we trust, made from settings: keys, authorities with their lists, TLS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from ksz_childbenefits.config import AuthoritySettings, PassphraseSettings, Settings
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.list_keeper import KeptList, Schedule
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.metrics import before_exposition
from ksz_childbenefits.secret_files import Passphrase, read_secret
from ksz_childbenefits.security.credentials import (
    ServiceKeys,
    load_certificate,
    load_credentials,
)
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.list_fetching import FetchLimits
from ksz_childbenefits.security.trust import (
    Anchor,
    Intermediate,
    Trust,
    TrustPolicy,
    fingerprint,
)
from ksz_childbenefits.tls import TlsIdentity

_PSEUDONYM_KEY_BYTES = 16
"""Fewer could be tried out."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are and whom we trust: one for all endpoints of a process."""

    keys: ServiceKeys
    trust: Trust


def identity_of(settings: Settings) -> Identity:
    """Our keys and our trust; ConfigurationError says which file is wrong."""
    identity = Identity(_service_keys(settings), Trust(_trust_policy(settings)))
    before_exposition(identity.trust.tell_lists)
    return identity


def pseudonymiser_of(settings: Settings) -> Pseudonymiser:
    """What names persons in logs; ConfigurationError for a key that could be guessed."""
    path = settings.security.pseudonym_key
    key = read_secret(path)
    if len(key) < _PSEUDONYM_KEY_BYTES:
        raise ConfigurationError(f"{path} holds less than {_PSEUDONYM_KEY_BYTES} bytes")
    return Pseudonymiser(key)


def tls_identity(
    certificate: Path | None, key: Path | None, secret: PassphraseSettings | None
) -> TlsIdentity | None:
    """What we present in TLS, where the settings name it."""
    if certificate is None or key is None:
        return None
    return TlsIdentity(certificate, key, _passphrase(secret))


def kept_lists(settings: Settings) -> list[KeptList]:
    """The revocation lists that are looked after; ConfigurationError if they cannot be kept."""
    security, given = settings.security, settings.revocation
    schedule = Schedule(
        given.fetch_seconds,
        timedelta(seconds=given.warn_seconds),
        FetchLimits(given.deadline_seconds, given.list_bytes),
    )
    if given.cache is not None:
        try:
            given.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot make {given.cache}: {error.strerror}") from None
    lists = []
    for authority in (*security.anchors, *security.intermediates):
        certificate, path = _authority(authority, given.cache)
        if path is not None:
            url = authority.crl if isinstance(authority.crl, str) else None
            lists.append(KeptList(certificate, path, url, schedule))
    return lists


def _service_keys(settings: Settings) -> ServiceKeys:
    """Our own keys and certificates, and from when on each signs."""
    security = settings.security
    first = load_credentials(
        security.service_key, security.service_certificate, _passphrase(security.service_passphrase)
    )
    successors = [
        (one.sign_from, load_credentials(one.key, one.certificate, _passphrase(one.passphrase)))
        for one in security.next_service_keys
    ]
    return ServiceKeys(first, tuple(successors))


def _trust_policy(settings: Settings) -> TrustPolicy:
    """Whom we trust, and how strictly (SECURITY 3)."""
    security, cache = settings.security, settings.revocation.cache
    return TrustPolicy(
        anchors=tuple(Anchor(*_authority(a, cache)) for a in security.anchors),
        intermediates=tuple(Intermediate(*_authority(a, cache)) for a in security.intermediates),
        max_age=timedelta(seconds=security.max_age_seconds),
        max_ahead=timedelta(seconds=security.max_ahead_seconds),
        max_references=security.max_references,
    )


def _authority(
    settings: AuthoritySettings, cache: Path | None
) -> tuple[x509.Certificate, Path | None]:
    """The authority's certificate, and the file of its list: in ``cache`` if we fetch it."""
    certificate, crl = load_certificate(settings.certificate), settings.crl
    if isinstance(crl, str):
        # The configuration refuses an address without a cache. Named by the authority: a list that
        # is kept stays its authority's when the address changes.
        return certificate, (cache or Path()) / f"{fingerprint(certificate)}.crl"
    return certificate, crl or None


def _passphrase(settings: PassphraseSettings | None) -> Passphrase | None:
    """Where the settings say that a passphrase is to be had."""
    return None if settings is None else Passphrase(settings.file, settings.env)


def known_certificates(paths: tuple[Path, ...]) -> KnownCertificates:
    """The certificates in these files; ConfigurationError for one that is none."""
    return KnownCertificates([load_certificate(path) for path in paths])
