"""What the extensions of certificates must say, of authorities and of signers (SECURITY 3).

The web's own policies demand SAN and EKU, which certificates for signing messages need not have.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509 import verification


def _must_sign_certificates(
    _: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("keyUsage of an authority without keyCertSign")


def _must_be_no_authority(
    _: verification.Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("an authority signs certificates, not messages")


def _must_sign_messages(
    _: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("keyUsage without digitalSignature and nonRepudiation")


# cryptography checks cA and path length itself, and insists on basicConstraints being required.
CA_EXTENSIONS: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _must_sign_certificates)
)
SIGNER_EXTENSIONS: Final = (
    verification.ExtensionPolicy.permit_all()
    .may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _must_sign_messages)
    .may_be_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, _must_be_no_authority)
)
