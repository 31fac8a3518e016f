"""Revocation lists: signed by their issuer, fresh, and read again when their files change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

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
class CheckedList:
    """What a list that its issuer signed says: who is revoked, when it is fresh, whom it tells of.

    ``begin`` is its thisUpdate, ``end`` its nextUpdate, ``number`` its CRLNumber, where it has one.
    ``names`` are those of its distribution point, where it is one part of a list; else None.
    """

    serials: frozenset[int]
    begin: datetime
    end: datetime
    number: int | None
    for_users: bool
    for_authorities: bool
    names: frozenset[x509.GeneralName] | None

    def is_fresh(self, now: datetime) -> bool:
        """Whether it holds at ``now`` (aware)."""
        return self.begin <= now <= self.end

    def is_older_than(self, other: CheckedList) -> bool:
        """Whether the issuer made the other one later."""
        return (self.begin, self.number or 0) < (other.begin, other.number or 0)

    def covers(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate of its issuer would stand in it (RFC 5280, 6.3.3 (b)(2)(i))."""
        return self.names is None or not self.names.isdisjoint(_points(certificate))


def check_list(data: bytes, issuer: x509.Certificate) -> CheckedList:
    """Read a list, PEM or DER; FailedAuthentication for one that is not this issuer's, or unfit.

    Whether it is fresh is not judged; a list that does not say until when is unfit (SECURITY 3).
    """
    try:
        crl = _load(data)
        _refuse_forged(crl, issuer)
        point = _extension(crl, x509.IssuingDistributionPoint)
        if point is not None and _leaves_out(point):
            raise ValueError("a list of other issuers, or of some reasons only")
        number = _extension(crl, x509.CRLNumber)
    except _UNREADABLE:
        raise _failure(issuer, "cannot be read") from None
    if crl.next_update_utc is None:
        raise _failure(issuer, "does not say until when it is fresh")
    return CheckedList(
        frozenset(entry.serial_number for entry in crl),
        crl.last_update_utc,
        crl.next_update_utc,
        None if number is None else number.crl_number,
        for_users=point is None or not point.only_contains_ca_certs,
        for_authorities=point is None or not point.only_contains_user_certs,
        names=None if point is None else _names(point, issuer.subject),
    )


class RevocationList:
    """The revocation list of one authority, in one file."""

    def __init__(self, path: Path, issuer: x509.Certificate) -> None:
        """Remember where it is; it is read at the first check."""
        self._path = path
        self._issuer = issuer
        self._read: tuple[_State, CheckedList] | None = None

    @property
    def authority(self) -> str:
        """Whose list it is, for logs and metrics."""
        return self._issuer.subject.rfc4514_string()

    def refuse_revoked(
        self, certificate: x509.Certificate, now: datetime, *, authority: bool
    ) -> None:
        """Refuse a revoked certificate, and every one while the list is missing, stale or forged.

        FailedAuthentication; also for one that the list does not cover. ``now`` aware;
        ``authority``: whether it is an authority's, for lists of users or of authorities only.
        """
        content = self.current()
        if not content.is_fresh(now):
            raise _failure(self._issuer, "is not fresh")
        if not (content.for_authorities if authority else content.for_users):
            raise _failure(self._issuer, "does not speak of such certificates")
        if not content.covers(certificate):
            raise _failure(self._issuer, "is a part that does not cover the certificate")
        serial = certificate.serial_number
        if serial in content.serials:
            raise FailedAuthentication(f"certificate {serial:x} is revoked")

    def current(self) -> CheckedList:
        """The list as it is on disk now; one stat where it did not change.

        FailedAuthentication when it is missing or unfit.
        """
        try:
            # Asked before reading: a file that changes while it is read is read again next time.
            status = self._path.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            read = self._read
            if read is None or read[0] != state:
                read = self._read = (state, check_list(self._path.read_bytes(), self._issuer))
        except OSError:
            raise _failure(self._issuer, "is missing") from None
        return read[1]


def _refuse_forged(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    """Refuse a list that its issuer did not sign, or that says less than the whole."""
    hash_ = crl.signature_hash_algorithm
    key = issuer.public_key()
    if crl.issuer != issuer.subject:
        raise _failure(issuer, "is of another issuer")
    if hash_ is None or hash_.name not in _HASHES:
        raise _failure(issuer, "is signed with an algorithm that is not accepted")
    if not _may_sign_lists(issuer):
        raise _failure(issuer, "is signed by an authority without cRLSign")
    if not is_accepted(key) or not crl.is_signature_valid(key):
        raise _failure(issuer, "is not signed by its issuer")
    if any(entry.critical and entry.oid not in _UNDERSTOOD for entry in crl.extensions):
        raise _failure(issuer, "holds a critical extension that is not known")


def _failure(issuer: x509.Certificate, what: str) -> FailedAuthentication:
    return FailedAuthentication(f"the revocation list of {issuer.subject.rfc4514_string()} {what}")


def _load(data: bytes) -> x509.CertificateRevocationList:
    if data.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(data)
    return x509.load_der_x509_crl(data)


_Extension = TypeVar("_Extension", x509.IssuingDistributionPoint, x509.CRLNumber)


def _extension(crl: x509.CertificateRevocationList, kind: type[_Extension]) -> _Extension | None:
    try:
        return crl.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _leaves_out(point: x509.IssuingDistributionPoint) -> bool:
    """Whether the list is of other issuers, of some reasons only, or of no certificates of ours."""
    return bool(
        point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs
    )


def _names(
    point: x509.IssuingDistributionPoint | x509.DistributionPoint, issuer: x509.Name
) -> frozenset[x509.GeneralName] | None:
    """The names of a distribution point, all in full; None where it has none."""
    if point.relative_name is not None:
        return frozenset({x509.DirectoryName(x509.Name([*issuer.rdns, point.relative_name]))})
    return None if point.full_name is None else frozenset(point.full_name)


def _points(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    """Where its issuer's own lists for all reasons lie, says the certificate.

    Nowhere where that cannot be read: then no part of a list covers it.
    """
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (*_UNREADABLE, x509.ExtensionNotFound):
        return frozenset()
    own = [point for point in points if point.crl_issuer is point.reasons is None]
    return frozenset().union(*(_names(point, certificate.issuer) or () for point in own))


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
