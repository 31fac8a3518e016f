"""Distinguished names as the stacks write them in X509IssuerName.

RFC 4514 and RFC 2253 escape with backslashes. RFC 1779, which Java's ``X500Principal.toString``,
.NET and WSS4J's quote format follow, puts a value with a comma in quotes, a blank after each comma,
and ``OID.`` before what it has no name for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ksz_childbenefits.errors import InvalidSecurity

_NAMED: Final[Mapping[str, x509.ObjectIdentifier]] = {
    "C": NameOID.COUNTRY_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "DNQ": NameOID.DN_QUALIFIER,
    "DNQUALIFIER": NameOID.DN_QUALIFIER,
    "E": NameOID.EMAIL_ADDRESS,
    "EMAIL": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "G": NameOID.GIVEN_NAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "GN": NameOID.GIVEN_NAME,
    "GENERATION": NameOID.GENERATION_QUALIFIER,
    "INITIALS": NameOID.INITIALS,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "SURNAME": NameOID.SURNAME,
    "T": NameOID.TITLE,
    "TITLE": NameOID.TITLE,
    "UID": NameOID.USER_ID,
}
"""What RFC 4514, Java, .NET, OpenSSL and BouncyCastle call attributes, in capitals."""

_ATTRIBUTE: Final = re.compile(
    r"""[ \t\r\n]*+
    (?:(?:[Oo][Ii][Dd]\.)?(?P<oid>[0-9]+(?:\.[0-9]+)+) | (?P<name>[A-Za-z][A-Za-z0-9-]*+))
    [ \t\r\n]*+ = [ \t\r\n]*+
    (?: "(?P<quoted>(?:[^"\\] | \\. | "")*+)"
      | \#(?P<hex>(?:[0-9A-Fa-f]{2})++)
      | (?!\#)(?P<plain>(?:(?:[^",+;\\ \t\r\n] | \\.)++ | [ \t\r\n]++(?![,+;]|\Z))*+))
    [ \t\r\n]*+ (?P<end>[,+;] | \Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r'(?P<octets>(?:\\[0-9A-Fa-f]{2})+)|\\(?P<one>[ #,+;<>="\\])|""')
_DER_STRING: Final = re.compile(rb"[\x0c\x13\x16](?:[\x00-\x7f]|\x81[\x80-\xff])(?P<text>.+)", re.S)
"""A UTF8String, PrintableString or IA5String; its length is that of what is there."""

_MAX_LENGTH: Final = 1000


def parse_name(text: str) -> x509.Name:
    """Read a distinguished name, most specific part first; InvalidSecurity when it is none.

    Attributes without a name may stand there as the hex of their DER, which is how WSS4J writes
    them. Types of strings are not kept: names are compared by attributes and values.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidSecurity("the X509IssuerName is too long")
    try:
        return x509.Name(reversed(_relative_names(text)))
    except (ValueError, TypeError):
        raise InvalidSecurity("the X509IssuerName is no distinguished name") from None


def turned(name: x509.Name) -> x509.Name:
    """The name with its parts the other way round: some stacks (BouncyCastle) write it so."""
    return x509.Name(reversed(list(name.rdns)))


def _relative_names(text: str) -> list[x509.RelativeDistinguishedName]:
    """The parts in the order in which they are written; ValueError when that is no name."""
    names, attributes, position, end = [], [], 0, ","
    while end:
        found = _ATTRIBUTE.match(text, position)
        if found is None:
            raise ValueError("no attribute with its value")
        attributes.append(x509.NameAttribute(_type(found), _value(found)))
        position, end = found.end(), found["end"]
        if end != "+":
            names.append(x509.RelativeDistinguishedName(attributes))
            attributes = []
    return names


def _type(found: re.Match[str]) -> x509.ObjectIdentifier:
    if found["oid"] is not None:
        return x509.ObjectIdentifier(found["oid"])
    named = _NAMED.get(found["name"].upper())
    if named is None:
        raise ValueError("an attribute that is not known")
    return named


def _value(found: re.Match[str]) -> str:
    if found["hex"] is not None:
        string = _DER_STRING.fullmatch(bytes.fromhex(found["hex"]))
        if string is None:
            raise ValueError("hex of something other than a text")
        return string["text"].decode()
    text = found["plain"] if found["quoted"] is None else found["quoted"]
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    """The character that is meant; a quote in quotes is written twice by .NET."""
    if found["octets"] is not None:
        return bytes.fromhex(found["octets"].replace("\\", "")).decode()
    return found["one"] or '"'
