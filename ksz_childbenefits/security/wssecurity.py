"""WS-Security of a message: who signed it, and that what is served is what was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from lxml import etree

from ksz_childbenefits.contract.envelope import Envelope
from ksz_childbenefits.errors import (
    FailedAuthentication,
    FailedCheck,
    InvalidSecurity,
    UnsupportedAlgorithm,
)
from ksz_childbenefits.security.algorithms import verify_signature
from ksz_childbenefits.security.elements import canonical, exact_children
from ksz_childbenefits.security.freshness import read_timestamp, refuse_untimely
from ksz_childbenefits.security.security_header import (
    SecurityHeader,
    find_security,
    refuse_repeated_identifiers,
    signable_parts,
)
from ksz_childbenefits.security.signature_reading import Reference, Signature, read_signature
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.tokens import CertificateDirectory, find_certificates
from ksz_childbenefits.security.trust import Trust, TrustedCertificate

__all__ = ["Verified", "sign", "verify"]


@dataclass(frozen=True, slots=True)
class Verified:
    """A message that is authentic, whole and fresh; whether it is a replay is not yet asked.

    ``fingerprint`` and ``anchors`` are as in TrustedCertificate. ``payload`` is the child of the
    very Body that was digested. After ``expires_acceptance`` the message would be too old for any
    worker whose clock is right, so its ``replay_key`` must be kept until then.
    """

    certificate: x509.Certificate
    fingerprint: str
    anchors: frozenset[str]
    replay_key: bytes
    created: datetime
    expires_acceptance: datetime
    payload: etree._Element


def verify(
    envelope: Envelope, trust: Trust, directory: CertificateDirectory, now: datetime
) -> Verified:
    """Verify a message by the profile of SECURITY 3, at ``now`` (aware, the real time).

    Raises the SecurityFault of SECURITY 4 that fits: InvalidSecurity, UnsupportedToken,
    UnsupportedAlgorithm, FailedAuthentication, FailedCheck or MessageExpired. Nothing of the
    message is digested before its signature is found to be made by a trusted key.
    """
    refuse_repeated_identifiers(envelope.root)
    security = find_security(envelope)
    signature = read_signature(security.signature, trust.policy)
    timestamp = read_timestamp(security.timestamp)
    certificates = find_certificates(signature.key_info, security.token, directory)
    parts = _signed_parts(envelope, security, signature)
    signer = _trusted(certificates, trust, now)
    signed_info = canonical(signature.signed_info, signature.prefixes)
    verify_signature(signature.algorithm, signer.key, signature.value, signed_info)
    for reference, part in parts:
        if reference.digest(canonical(part, reference.prefixes)) != reference.digest_value:
            raise FailedCheck("the digest of a signed part does not match")
    refuse_untimely(timestamp, trust.policy, now)
    return Verified(
        signer.certificate,
        signer.fingerprint,
        signer.anchors,
        _replay_key(signed_info, signer),
        timestamp.created,
        timestamp.created + trust.policy.max_age + trust.policy.max_ahead,
        exact_children(envelope.body, str(envelope.payload.tag))[0],
    )


def _signed_parts(
    envelope: Envelope, security: SecurityHeader, signature: Signature
) -> list[tuple[Reference, etree._Element]]:
    """Each reference with its element; InvalidSecurity unless Body and Timestamp are among them."""
    signable = signable_parts(envelope, security)
    parts = []
    for reference in signature.references:
        part = signable.get(reference.identifier)
        if part is None:
            raise FailedCheck("a reference to nothing that can be signed")
        if reference.enveloped and part in security.signature.iterancestors():
            raise UnsupportedAlgorithm("an enveloped signature that is one")
        parts.append((reference, part))
    elements = [part for _, part in parts]
    if len(set(elements)) < len(elements):
        # No sender needs that, and each time costs another canonicalisation.
        raise InvalidSecurity("a part is referenced twice")
    if envelope.body not in elements or security.timestamp not in elements:
        raise InvalidSecurity("the signature does not cover Body and Timestamp")
    return parts


def _trusted(
    certificates: Sequence[x509.Certificate], trust: Trust, now: datetime
) -> TrustedCertificate:
    """The newest that is trusted: a renewed certificate can share its key identifier with the old.

    FailedAuthentication when there is none.
    """
    refusal = FailedAuthentication("the signature names no registered certificate")
    newest_first = sorted(certificates, key=lambda one: one.not_valid_before_utc, reverse=True)
    for certificate in newest_first:
        try:
            return trust.check(certificate, now)
        except FailedAuthentication as failure:
            refusal = failure
    raise refusal


def _replay_key(signed_info: bytes, signer: TrustedCertificate) -> bytes:
    """SHA-256 over what was signed and by which key (SECURITY 3).

    Of the certificate only its key: the token need not be signed, so it can be swapped for another
    of the same key: a renewed one, or the same with the authority's signature spelled otherwise.
    """
    return hashlib.sha256(signed_info + signer.key_info).digest()
