"""How a Signature names its certificate: the forms of the X.509 token profile, good and bad."""

from __future__ import annotations

import base64
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import KeyInfo, TokenType
from ksz_childbenefits.contract.namespaces import DS, WSSE
from ksz_childbenefits.errors import DataError

X509_PROFILE: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#"
)
BST_ID: Final = "X509"

_THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"


def fill(info: etree._Element, form: KeyInfo, value_type: TokenType, identity: Identity) -> None:
    """Fill the KeyInfo element with the form that the recipe names."""
    certificate = identity.certificate
    if form == "key-value":
        _key_value(info, identity)
        return
    if form == "x509-data":
        data = etree.SubElement(info, f"{{{DS}}}X509Data")
        der = certificate.public_bytes(Encoding.DER)
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = _base64(der)
        return
    reference = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference")
    if form == "token":
        target = etree.SubElement(reference, f"{{{WSSE}}}Reference", URI=f"#{BST_ID}")
        target.set("ValueType", X509_PROFILE + value_type)
    elif form == "issuer-serial":
        _issuer_serial(reference, certificate)
    else:
        _key_identifier(reference, form, certificate)


def _key_identifier(
    reference: etree._Element, form: KeyInfo, certificate: x509.Certificate
) -> None:
    if form == "thumbprint":
        value_type, value = _THUMBPRINT, certificate.fingerprint(hashes.SHA1())  # noqa: S303
    elif form == "ski":
        value_type, value = f"{X509_PROFILE}X509SubjectKeyIdentifier", _key_identity(certificate)
    else:
        value_type, value = f"{X509_PROFILE}X509v3", certificate.public_bytes(Encoding.DER)
    identifier = etree.SubElement(reference, f"{{{WSSE}}}KeyIdentifier", ValueType=value_type)
    identifier.text = _base64(value)


def _key_identity(certificate: x509.Certificate) -> bytes:
    """The SubjectKeyIdentifier of the certificate, or the usual one where it has none."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return extension.value.digest


def _issuer_serial(reference: etree._Element, certificate: x509.Certificate) -> None:
    data = etree.SubElement(reference, f"{{{DS}}}X509Data")
    pair = etree.SubElement(data, f"{{{DS}}}X509IssuerSerial")
    etree.SubElement(pair, f"{{{DS}}}X509IssuerName").text = certificate.issuer.rfc4514_string()
    etree.SubElement(pair, f"{{{DS}}}X509SerialNumber").text = str(certificate.serial_number)


def _key_value(info: etree._Element, identity: Identity) -> None:
    """A bare RSA key; DataError where the key is none."""
    public = identity.certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise DataError("key_info = key-value is for customers with an RSA key")
    numbers = public.public_numbers()
    value = etree.SubElement(info, f"{{{DS}}}KeyValue")
    key = etree.SubElement(value, f"{{{DS}}}RSAKeyValue")
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        etree.SubElement(key, f"{{{DS}}}{name}").text = _base64(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
