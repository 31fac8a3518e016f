"""What a certificate says of itself that a register can look up (SECURITY 3)."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

_CBE_NUMBER = re.compile("[0-9]{10}")

_BELGIAN_NUMBER = "NTRBE-"
"""How an organizationIdentifier says that a Belgian CBE number follows (SECURITY 3)."""


def subject_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The subject key identifier in the certificate's extension, or None."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return found.value.digest


def cbe_numbers(subject: x509.Name) -> frozenset[str]:
    """The CBE numbers in a subject: serialNumber, or organizationIdentifier ``NTRBE-…``.

    Written with dots or a label (``CBE=0206.731.645``) or without; exactly ten digits.
    """
    texts = [str(part.value) for part in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER):
        label, found, number = str(part.value).partition(_BELGIAN_NUMBER)
        if found and not label:
            texts.append(number)
    digits = (re.sub("[^0-9]", "", text) for text in texts)
    return frozenset(number for number in digits if is_cbe_number(number))


def is_cbe_number(text: str) -> bool:
    """Whether the text is ten ASCII digits (CONTRACT, CbeNumberType)."""
    return _CBE_NUMBER.fullmatch(text) is not None
