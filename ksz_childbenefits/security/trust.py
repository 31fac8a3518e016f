"""Who is trusted: one frozen policy, and the check of a certificate against it (SECURITY 3)."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm as CryptographyUnsupported
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification

from ksz_childbenefits.errors import ConfigurationError, FailedAuthentication, UnsupportedAlgorithm
from ksz_childbenefits.metrics import revocation_list_is
from ksz_childbenefits.security.algorithms import (
    DIGEST_ALGORITHMS,
    MIN_RSA_BITS,
    SIGNATURE_ALGORITHMS,
    PublicKey,
    is_accepted,
)
from ksz_childbenefits.security.certificate_rules import CA_EXTENSIONS, SIGNER_EXTENSIONS
from ksz_childbenefits.security.revocation import RevocationList

_MAX_CACHED_PATHS: Final = 1024
_QUOTED: Final = " (encountered processing "
"""What cryptography writes before it quotes a certificate in an error."""

_LONG_NUMBER: Final = re.compile("[0-9]{8,}")
"""What could be an SSIN, and is no part of an object identifier that one would look up."""

_SIGNED_PARTS: Final = 2
"""Body and Timestamp: fewer references than that cannot sign what must be signed."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority and the file of its revocation list (PEM or DER).

    ``crl`` None: the operator chose "no CRL" for this authority.
    """

    certificate: x509.Certificate
    crl: Path | None


class Anchor(Authority):
    """An authority that is trusted because the operator says so: where a path ends."""

    __slots__ = ()


class Intermediate(Authority):
    """An authority that is trusted only through a path to an anchor."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Everything that decides whether a signature is believed, with SECURITY 3's defaults.

    ``max_age`` and ``max_ahead`` bound a message's Created, before and after now. The sets of
    algorithm URIs can be narrowed, not widened. ConfigurationError for a policy that cannot work.
    """

    anchors: tuple[Anchor, ...]
    intermediates: tuple[Intermediate, ...] = ()
    max_age: timedelta = timedelta(seconds=300)
    max_ahead: timedelta = timedelta(seconds=60)
    max_references: int = 8
    min_rsa_bits: int = MIN_RSA_BITS
    signature_algorithms: frozenset[str] = frozenset(SIGNATURE_ALGORITHMS)
    digest_algorithms: frozenset[str] = frozenset(DIGEST_ALGORITHMS)

    def __post_init__(self) -> None:
        """Refuse what would trust nobody, or more than SECURITY 3 lets an operator trust."""
        fingerprints = [fingerprint(authority.certificate) for authority in self.authorities]
        for holds, complaint in (
            (self.anchors, "no trust anchor is configured"),
            (len(set(fingerprints)) == len(fingerprints), "an authority is configured twice"),
            (self.max_age > timedelta(0), "the age of a message must be allowed to be positive"),
            (self.max_ahead >= timedelta(0), "the tolerance ahead is negative"),
            (self.max_references >= _SIGNED_PARTS, "Body and Timestamp need two references"),
            (self.min_rsa_bits >= MIN_RSA_BITS, f"RSA keys have at least {MIN_RSA_BITS} bits"),
            (self.signature_algorithms, "no signature algorithm is allowed"),
            (self.digest_algorithms, "no digest algorithm is allowed"),
            (
                self.signature_algorithms <= SIGNATURE_ALGORITHMS.keys(),
                "a signature algorithm is allowed that the service does not know",
            ),
            (
                self.digest_algorithms <= DIGEST_ALGORITHMS.keys(),
                "a digest algorithm is allowed that the service does not know",
            ),
        ):
            if not holds:
                raise ConfigurationError(complaint)

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """The anchors and the intermediates."""
        return (*self.anchors, *self.intermediates)


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """A certificate with a valid path.

    ``key_info`` is its SubjectPublicKeyInfo (DER). ``fingerprint`` is the certificate's SHA-256 in
    hex; ``anchors`` are those of the anchor that its path ends at, and of others that have the same
    name and key: a renewed authority is the same anchor (RFC 5280, 6.1.1).
    """

    certificate: x509.Certificate
    key: PublicKey
    key_info: bytes
    fingerprint: str
    anchors: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Link:
    """A certificate of a path, and the list that could revoke it."""

    certificate: x509.Certificate
    authority: bool
    issuers_list: RevocationList


@dataclass(frozen=True, slots=True)
class _Path:
    """A path that validated: what it proves, while it holds, and what could revoke it."""

    proves: TrustedCertificate
    begin: datetime
    end: datetime
    revocable: tuple[_Link, ...]


class Trust:
    """Checks certificates against a policy; made once, used by all threads.

    Validated paths are remembered (the most recent 1024), since they are most of the cost. What
    changes with time is checked every time: validity, and the revocation lists.
    """

    def __init__(self, policy: TrustPolicy) -> None:
        """Prepare the validator; a revocation list is read when it is first needed."""
        self.policy = policy
        self._anchors = verification.Store([anchor.certificate for anchor in policy.anchors])
        self._intermediates = [authority.certificate for authority in policy.intermediates]
        self._lists = {
            fingerprint(authority.certificate): RevocationList(authority.crl, authority.certificate)
            for authority in policy.authorities
            if authority.crl is not None
        }
        self._paths: OrderedDict[x509.Certificate, _Path] = OrderedDict()
        self._lock = Lock()

    def check(self, certificate: x509.Certificate, now: datetime) -> TrustedCertificate:
        """The certificate as trusted at ``now`` (aware).

        FailedAuthentication: no valid path to an anchor, not valid now, keyUsage without
        digitalSignature and nonRepudiation, revoked, or a revocation list that is missing, stale,
        not its issuer's, or does not cover it. UnsupportedAlgorithm: a key that SECURITY 3 does not
        accept.
        """
        path = self._remembered(certificate, now) or self._validate(certificate, now)
        for link in path.revocable:
            link.issuers_list.refuse_revoked(link.certificate, now, authority=link.authority)
        return path.proves

    def tell_lists(self) -> None:
        """Tell the metrics how old the revocation lists are, as they are on disk now."""
        for certificate, held in self._lists.items():
            try:
                content = held.current()
                made, ends = content.begin.timestamp(), content.end.timestamp()
            except FailedAuthentication:
                made = ends = 0
            revocation_list_is(held.authority, certificate, made, ends)

    def _remembered(self, certificate: x509.Certificate, now: datetime) -> _Path | None:
        with self._lock:
            path = self._paths.get(certificate)
            if path is None or not path.begin <= now <= path.end:
                return None
            self._paths.move_to_end(certificate)
            return path

    def _validate(self, certificate: x509.Certificate, now: datetime) -> _Path:
        key = self._key(certificate)
        chain = self._chain(certificate, now)
        path = _Path(
            TrustedCertificate(
                certificate,
                key,
                key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
                fingerprint(certificate),
                self._same_anchors(chain[-1]),
            ),
            max(link.not_valid_before_utc for link in chain),
            min(link.not_valid_after_utc for link in chain),
            tuple(self._links(chain)),
        )
        with self._lock:
            self._paths[certificate] = path
            if len(self._paths) > _MAX_CACHED_PATHS:
                self._paths.popitem(last=False)
        return path

    def _same_anchors(self, anchor: x509.Certificate) -> frozenset[str]:
        def known_by(certificate: x509.Certificate) -> tuple[x509.Name, object]:
            return certificate.subject, certificate.public_key()

        known = [one.certificate for one in self.policy.anchors]
        return frozenset(fingerprint(one) for one in known if known_by(one) == known_by(anchor))

    def _links(self, chain: list[x509.Certificate]) -> Iterator[_Link]:
        """Every certificate whose issuer has a list; the first of a path is no authority."""
        for position, (issued, issuer) in enumerate(pairwise(chain)):
            revocation_list = self._lists.get(fingerprint(issuer))
            if revocation_list is not None:
                yield _Link(issued, position > 0, revocation_list)

    def _key(self, certificate: x509.Certificate) -> PublicKey:
        try:
            key = certificate.public_key()
        except (ValueError, CryptographyUnsupported):
            raise UnsupportedAlgorithm("the certificate holds a key that cannot be read") from None
        if not is_accepted(key, self.policy.min_rsa_bits):
            raise UnsupportedAlgorithm("the certificate's key is too short or of another kind")
        return key

    def _chain(self, certificate: x509.Certificate, now: datetime) -> list[x509.Certificate]:
        """The certificate, the intermediates, and the anchor last."""
        builder = verification.PolicyBuilder().store(self._anchors).time(now)
        verifier = builder.extension_policies(
            ca_policy=CA_EXTENSIONS, ee_policy=SIGNER_EXTENSIONS
        ).build_client_verifier()
        try:
            chain = verifier.verify(certificate, self._intermediates).chain
        except verification.VerificationError as error:
            raise FailedAuthentication(f"no valid path to an anchor: {_why(error)}") from None
        except ValueError:
            # Parts that are only read where the validator names the certificate in its error.
            raise FailedAuthentication("the certificate's names cannot be read") from None
        return chain


@lru_cache(_MAX_CACHED_PATHS)
def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's DER, in lower-case hex; remembered, so not for strangers'."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _why(error: verification.VerificationError) -> str:
    """The validator's reason for the log, without what it quotes of a stranger's certificate.

    The subject of an eID certificate, whose serialNumber is its holder's SSIN, for instance.
    """
    return _LONG_NUMBER.sub("…", str(error).partition(_QUOTED)[0])
