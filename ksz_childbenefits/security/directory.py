"""A directory of certificates that are known beforehand, such as those of a partner."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes


class KnownCertificates:
    """A ``tokens.CertificateDirectory`` of these certificates, and whether one is among them."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        """That a certificate is known does not make it trusted (security.trust)."""
        self._certificates = tuple(certificates)
        self._fingerprints = {one.fingerprint(hashes.SHA256()).hex() for one in certificates}

    def holds(self, fingerprint: str) -> bool:
        """Whether one of them has this SHA-256, in hex."""
        return fingerprint in self._fingerprints

    def by_subject_key_identifier(self, identifier: bytes) -> Sequence[x509.Certificate]:
        """Those with this SubjectKeyIdentifier."""
        return [one for one in self._certificates if _key_identifier(one) == identifier]

    def by_thumbprint_sha1(self, thumbprint: bytes) -> Sequence[x509.Certificate]:
        """Those whose DER has this SHA-1, by which a message names, but never proves, its token."""
        return [one for one in self._certificates if one.fingerprint(hashes.SHA1()) == thumbprint]  # noqa: S303

    def by_issuer_serial(self, issuer: x509.Name, serial: int) -> Sequence[x509.Certificate]:
        """Those with this serial number and issuer."""
        return [o for o in self._certificates if o.issuer == issuer and o.serial_number == serial]


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return found.value.digest
