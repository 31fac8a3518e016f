"""Distinguished names as the stacks write them in X509IssuerName (RFC 4514 and its elders)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ksz_childbenefits.errors import InvalidSecurity

_ALSO_NAMED: Final[Mapping[str, x509.ObjectIdentifier]] = {
    "E": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "GN": NameOID.GIVEN_NAME,
    "OID.2.5.4.97": NameOID.ORGANIZATION_IDENTIFIER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "SURNAME": NameOID.SURNAME,
    "T": NameOID.TITLE,
}
"""What Java, .NET and OpenSSL call attributes that RFC 4514 has no name for."""

_DER_STRING: Final = re.compile(
    r"(?<=[0-9]=#)(?:0c|13|16)(?:[0-7][0-9a-f]|81[89a-f][0-9a-f])(?=(?:[0-9a-f]{2})+(?:[,+]|$))",
    re.IGNORECASE,
)
"""Tag and length of a UTF8String, PrintableString or IA5String that is written in hex."""

_BLANKS_AFTER_COMMA: Final = re.compile(r"(?<!\\),[ \t\r\n]+")
_MAX_LENGTH: Final = 1000


def parse_name(text: str) -> x509.Name:
    """Read a distinguished name, most specific part first; InvalidSecurity when it is none.

    A blank after a comma, as Java's and .NET's printed form has it, is accepted. Attributes without
    a name in RFC 4514 may stand there as the hex of their DER, which is how WSS4J writes them;
    cryptography takes such hex for the text itself, so tag and length are left out.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidSecurity("the X509IssuerName is too long")
    try:
        plain = _DER_STRING.sub("", _BLANKS_AFTER_COMMA.sub(",", text))
        return x509.Name.from_rfc4514_string(plain, _ALSO_NAMED)
    except (ValueError, TypeError):
        raise InvalidSecurity("the X509IssuerName is no distinguished name") from None
