"""Whose key a signature names: the token in the message, or a registered certificate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from cryptography import x509
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, WSSE, WSSE11
from ksz_childbenefits.errors import InvalidSecurity, UnsupportedToken
from ksz_childbenefits.security.distinguished_names import parse_name, turned
from ksz_childbenefits.security.elements import base64_of, exact_children, text_of
from ksz_childbenefits.security.security_header import identifiers_of

SECURITY_TOKEN_REFERENCE: Final = f"{{{WSSE}}}SecurityTokenReference"
TOKEN_REFERENCE: Final = f"{{{WSSE}}}Reference"
X509V3: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
)
BASE64_BINARY: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

_KEY_IDENTIFIER: Final = f"{{{WSSE}}}KeyIdentifier"
_X509_DATA: Final = f"{{{DS}}}X509Data"
_ISSUER_SERIAL: Final = f"{{{DS}}}X509IssuerSerial"
_ISSUER_NAME: Final = f"{{{DS}}}X509IssuerName"
_SERIAL_NUMBER: Final = f"{{{DS}}}X509SerialNumber"
_TOKEN_TYPE: Final = f"{{{WSSE11}}}TokenType"
_SUBJECT_KEY_IDENTIFIER: Final = (
    "http://docs.oasis-open.org/wss/2004/01/"
    "oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
)
_THUMBPRINT_SHA1: Final = (
    "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
)
_MAX_CERTIFICATES: Final = 1024
"""Remembered, the most recent ones ..."""

_MAX_OCTETS: Final = 16384
"""... of so many octets each: they may be anybody's, and are not to fill the memory."""

_SERIAL: Final = re.compile(r"[0-9]{1,50}")
"""RFC 5280 allows 20 octets, which is 49 digits."""


class CertificateDirectory(Protocol):
    """The registered certificates, by the ways in which a message can name one.

    An empty answer means: no such certificate. Unavailable when the directory does not answer.
    """

    def by_subject_key_identifier(self, identifier: bytes, /) -> Sequence[x509.Certificate]:
        """Those with this SubjectKeyIdentifier."""
        ...

    def by_thumbprint_sha1(self, thumbprint: bytes, /) -> Sequence[x509.Certificate]:
        """Those whose DER has this SHA-1."""
        ...

    def by_issuer_serial(self, issuer: x509.Name, serial: int, /) -> Sequence[x509.Certificate]:
        """Those with this serial number and issuer.

        Compare ``issuer`` with ``==``, which looks at types and values of its attributes: the name
        comes from text, so its DER may use other string types than the certificate's.
        """
        ...


def find_certificates(
    key_info: etree._Element, token: etree._Element | None, directory: CertificateDirectory
) -> Sequence[x509.Certificate]:
    """The certificates that a KeyInfo may mean; none of them is trusted yet.

    UnsupportedToken for a kind of token or reference that SECURITY 3 does not list,
    InvalidSecurity for one that is malformed or names a token that is not there.
    """
    reference = _only_child(key_info)
    if reference.tag != SECURITY_TOKEN_REFERENCE:
        raise UnsupportedToken("the KeyInfo is no SecurityTokenReference")
    if reference.get(_TOKEN_TYPE, X509V3) != X509V3:
        raise UnsupportedToken("a reference to a token that is no X.509 certificate")
    named = _only_child(reference)
    if named.tag == TOKEN_REFERENCE:
        return (_from_token(named, token),)
    if named.tag == _KEY_IDENTIFIER:
        return _by_key_identifier(named, directory)
    if named.tag == _X509_DATA and _only_child(named).tag == _ISSUER_SERIAL:
        return _by_issuer_serial(named[0], directory)
    raise UnsupportedToken("a SecurityTokenReference of an unknown kind")


def _only_child(parent: etree._Element) -> etree._Element:
    children = list(parent)
    if not children:
        raise InvalidSecurity("the KeyInfo names no key")
    if len(children) > 1:
        raise UnsupportedToken("the KeyInfo names keys in more than one way")
    return children[0]


def _from_token(reference: etree._Element, token: etree._Element | None) -> x509.Certificate:
    if reference.get("ValueType", X509V3) != X509V3:
        raise UnsupportedToken("a reference to a token that is no X.509 certificate")
    exact_children(reference)
    uri = reference.get("URI", "")
    if token is None or uri[:1] != "#" or uri[1:] not in identifiers_of(token):
        raise InvalidSecurity("the token that is referred to is not in the security header")
    if token.get("ValueType") != X509V3:
        raise UnsupportedToken("the token is no X.509v3 certificate")
    _refuse_other_encoding(token)
    der = base64_of(token)
    return _remembered(der) if len(der) <= _MAX_OCTETS else _certificate(der)


@lru_cache(_MAX_CERTIFICATES)
def _remembered(der: bytes) -> x509.Certificate:
    """The certificate in these octets; most calls come from a few of them."""
    return _certificate(der)


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise InvalidSecurity("the token is no certificate") from None


def _by_key_identifier(
    identifier: etree._Element, directory: CertificateDirectory
) -> Sequence[x509.Certificate]:
    kind = identifier.get("ValueType")
    if kind not in (_SUBJECT_KEY_IDENTIFIER, _THUMBPRINT_SHA1):
        raise UnsupportedToken("a KeyIdentifier of an unknown kind")
    _refuse_other_encoding(identifier)
    octets = base64_of(identifier)
    if kind == _THUMBPRINT_SHA1:
        return directory.by_thumbprint_sha1(octets)
    return directory.by_subject_key_identifier(octets)


def _by_issuer_serial(
    issuer_serial: etree._Element, directory: CertificateDirectory
) -> Sequence[x509.Certificate]:
    name, serial = exact_children(issuer_serial, _ISSUER_NAME, _SERIAL_NUMBER)
    digits = text_of(serial)
    if not _SERIAL.fullmatch(digits):
        raise InvalidSecurity("the X509SerialNumber is no number")
    issuer, number = parse_name(text_of(name)), int(digits)
    # A name is a hint, the signature the proof: so it may be written from either end.
    found = directory.by_issuer_serial(issuer, number)
    return found or directory.by_issuer_serial(turned(issuer), number)


def _refuse_other_encoding(element: etree._Element) -> None:
    """Base64 is what an absent EncodingType means (SOAP Message Security 1.1, 6.3)."""
    if element.get("EncodingType", BASE64_BINARY) != BASE64_BINARY:
        raise UnsupportedToken("a token or identifier that is not in base64")
