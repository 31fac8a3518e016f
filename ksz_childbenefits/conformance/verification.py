"""Whether a reply is signed as SECURITY 4 and 6 say: judged with signxml and the certificates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import cryptography.exceptions
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.contract.namespaces import DS, EC, SOAP_ENV, WSSE, WSU

SIGNED: Final = "Body, Timestamp and token, by the service"
UNSIGNED: Final = "none"

_TOKEN = f"{{{WSSE}}}BinarySecurityToken"
_TIMESTAMP = f"{{{WSU}}}Timestamp"
_BODY = f"{{{SOAP_ENV}}}Body"
_CHILDREN = [_TIMESTAMP, _TOKEN, f"{{{DS}}}Signature"]
_LIFETIME = timedelta(seconds=300)
_CONFIGURATION = SignatureConfiguration(expect_references=3)

_REFUSALS = (
    SignXMLException,
    cryptography.exceptions.InvalidSignature,
    etree.LxmlError,
    ValueError,
)
"""What signxml raises: its own, and those of the libraries beneath it."""


def signature_of(
    root: etree._Element, certificates: Sequence[x509.Certificate], now: datetime
) -> str:
    """``SIGNED``, ``UNSIGNED``, or what is wrong with the signature of the envelope ``root``."""
    security = root.findall(f"{{{SOAP_ENV}}}Header/{{{WSSE}}}Security")
    if not security and next(root.iter(f"{{{DS}}}Signature"), None) is None:
        return UNSIGNED
    if len(security) != 1:
        return f"{len(security)} Security headers"
    if [child.tag for child in security[0]] != _CHILDREN:
        return "Security does not hold Timestamp, token, Signature in this order (SECURITY 6)"
    if next(root.iter(f"{{{EC}}}InclusiveNamespaces"), None) is not None:
        return "uses InclusiveNamespaces (SECURITY 6)"
    timestamp, token, _ = security[0]
    return _time_problem(timestamp, now) or _verified(root, _named(token, certificates))


def _time_problem(timestamp: etree._Element, now: datetime) -> str | None:
    """What is wrong with the Timestamp: Created now, Expires 300 s later (SECURITY 4)."""
    try:
        created, expires = (
            datetime.fromisoformat(timestamp.findtext(f"{{{WSU}}}{name}", ""))
            for name in ("Created", "Expires")
        )
        lifetime, age = expires - created, now - created
    except (ValueError, TypeError):
        return "the Timestamp lacks Created or Expires with a zone"
    if lifetime != _LIFETIME:
        return f"Expires is {lifetime.total_seconds():.0f} s after Created, not 300"
    if abs(age) > _LIFETIME:
        return f"Created is {age.total_seconds():.0f} s before this computer's time"
    return None


def _named(
    token: etree._Element, certificates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The one of the service's certificates that stands in the token."""
    try:
        held = base64.b64decode(token.text or "")
    except binascii.Error:
        return None
    return next((one for one in certificates if one.public_bytes(Encoding.DER) == held), None)


def _verified(root: etree._Element, certificate: x509.Certificate | None) -> str:
    """``SIGNED`` when signxml verifies three references, and those are the three parts."""
    if certificate is None:
        return "the token is not the service's certificate"
    try:
        results = XMLVerifier().verify(root, x509_cert=certificate, expect_config=_CONFIGURATION)
    except _REFUSALS as error:
        return f"does not verify: {type(error).__name__}"
    references = results if isinstance(results, list) else [results]
    signed = {str(r.signed_xml.tag) for r in references if r.signed_xml is not None}
    if signed != {_BODY, _TIMESTAMP, _TOKEN}:
        return "does not cover exactly Body, Timestamp and token"
    if any(len(list(root.iter(tag))) != 1 for tag in signed):
        return "a signed part stands there twice"
    return SIGNED
