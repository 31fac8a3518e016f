"""Revocation lists in files: fresh, signed by their issuer, read again when they change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ksz_childbenefits.errors import FailedAuthentication
from ksz_childbenefits.security.algorithms import is_accepted

_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
_UNDERSTOOD: Final = frozenset(
    {x509.IssuingDistributionPoint.oid, x509.AuthorityKeyIdentifier.oid, x509.CRLNumber.oid}
)
"""Any other extension that is critical (a delta, say) makes a list unfit (RFC 5280, 5.2)."""

_UNREADABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

_State = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a list says: who is revoked, from when to when it is fresh, whom it speaks of."""

    state: _State
    serials: frozenset[int]
    begin: datetime
    end: datetime
    for_users: bool
    for_authorities: bool


class RevocationList:
    """The revocation list of one authority, in one file."""

    def __init__(self, path: Path, issuer: x509.Certificate) -> None:
        """Remember where it is; it is read at the first check."""
        self._path = path
        self._issuer = issuer
        self._content: _Content | None = None

    def refuse_revoked(self, serial: int, now: datetime, *, authority: bool) -> None:
        """Refuse a revoked serial number, and every one while the list is missing, stale or forged.

        FailedAuthentication. ``now`` aware; ``authority``: whether the number is an authority's,
        for lists that speak of users or of authorities only. A list without nextUpdate counts as
        stale (SECURITY 3).
        """
        content = self._current()
        if not content.begin <= now <= content.end:
            raise self._failure("is not fresh")
        if not (content.for_authorities if authority else content.for_users):
            raise self._failure("does not speak of such certificates")
        if serial in content.serials:
            raise FailedAuthentication(f"certificate {serial:x} is revoked")

    def _current(self) -> _Content:
        """The list as it is on disk now; one stat where it did not change."""
        try:
            # Asked before reading: a file that changes while it is read is read again next time.
            status = self._path.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            content = self._content
            if content is None or content.state != state:
                content = self._content = self._read(self._path.read_bytes(), state)
        except OSError:
            raise self._failure("is missing") from None
        return content

    def _read(self, data: bytes, state: _State) -> _Content:
        try:
            crl = _load(data)
            self._refuse_forged(crl)
            point = _distribution_point(crl)
        except _UNREADABLE:
            raise self._failure("cannot be read") from None
        if crl.next_update_utc is None:
            raise self._failure("does not say until when it is fresh")
        return _Content(
            state,
            frozenset(entry.serial_number for entry in crl),
            crl.last_update_utc,
            crl.next_update_utc,
            for_users=point is None or not point.only_contains_ca_certs,
            for_authorities=point is None or not point.only_contains_user_certs,
        )

    def _refuse_forged(self, crl: x509.CertificateRevocationList) -> None:
        """Refuse a list that its issuer did not sign, or that says less than the whole."""
        hash_ = crl.signature_hash_algorithm
        key = self._issuer.public_key()
        if crl.issuer != self._issuer.subject:
            raise self._failure("is of another issuer")
        if hash_ is None or hash_.name not in _HASHES:
            raise self._failure("is signed with an algorithm that is not accepted")
        if not _may_sign_lists(self._issuer):
            raise self._failure("is signed by an authority without cRLSign")
        if not is_accepted(key) or not crl.is_signature_valid(key):
            raise self._failure("is not signed by its issuer")
        if any(entry.critical and entry.oid not in _UNDERSTOOD for entry in crl.extensions):
            raise self._failure("holds a critical extension that is not known")

    def _failure(self, what: str) -> FailedAuthentication:
        issuer = self._issuer.subject.rfc4514_string()
        return FailedAuthentication(f"the revocation list of {issuer} {what}")


def _load(data: bytes) -> x509.CertificateRevocationList:
    if data.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(data)
    return x509.load_der_x509_crl(data)


def _distribution_point(
    crl: x509.CertificateRevocationList,
) -> x509.IssuingDistributionPoint | None:
    """What the list is limited to; ValueError when that leaves out reasons or other issuers."""
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None
    if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
        raise ValueError("a list of other issuers, or of some reasons only")
    return point


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
