"""Our own signature: Timestamp, token, Signature in this order (SECURITY 4 and 6).

Each signed part is written in its canonical form, with the namespaces that it needs declared on it,
and stands so in the message: what is digested is what is sent.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from ksz_childbenefits.contract.envelope import write_envelope
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.security.algorithms import EXCLUSIVE_C14N, SHA256_DIGEST
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.detached import algorithm_for, signature_value
from ksz_childbenefits.security.tokens import BASE64_BINARY, X509V3

VALIDITY: Final = timedelta(seconds=300)

_KEYS: Final = 16
"""Of how many keys the frame is remembered: a process signs with one or two."""

_BODY: Final = (
    f'<soapenv:Body xmlns:soapenv="{SOAP_ENV}" xmlns:wsu="{WSU}" wsu:Id="Body">%s</soapenv:Body>'
)
_TIMESTAMP: Final = (
    f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="Timestamp"><wsu:Created>%s</wsu:Created>'
    "<wsu:Expires>%s</wsu:Expires></wsu:Timestamp>"
)
_TOKEN: Final = (
    f'<wsse:BinarySecurityToken xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" '
    f'EncodingType="{BASE64_BINARY}" ValueType="{X509V3}" wsu:Id="X509Token">%s'
    "</wsse:BinarySecurityToken>"
)
_REFERENCE: Final = (
    '<ds:Reference URI="#%s"><ds:Transforms>'
    f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256_DIGEST}"></ds:DigestMethod>'
    "<ds:DigestValue>%s</ds:DigestValue></ds:Reference>"
)
_SIGNED_INFO: Final = (
    f'<ds:SignedInfo xmlns:ds="{DS}">'
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod>%s</ds:SignedInfo>'
)
_SECURITY: Final = (
    f'<wsse:Security>%s%s<ds:Signature xmlns:ds="{DS}">%s<ds:SignatureValue>%s</ds:SignatureValue>'
    "<ds:KeyInfo><wsse:SecurityTokenReference>"
    f'<wsse:Reference URI="#X509Token" ValueType="{X509V3}"></wsse:Reference>'
    "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>"
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same in all messages that one key signs.

    ``signed_info`` lacks the digests of Body and Timestamp.
    """

    token: str
    signed_info: str


@lru_cache(_KEYS)
def _frame(credentials: ServiceCredentials) -> _Frame:
    token = _TOKEN % _base64(credentials.certificate.public_bytes(Encoding.DER))
    references = (
        _REFERENCE % ("Body", "%s"),
        _REFERENCE % ("Timestamp", "%s"),
        _REFERENCE % ("X509Token", _digest(token)),
    )
    signed_info = _SIGNED_INFO % (algorithm_for(credentials.key).uri, "".join(references))
    return _Frame(token, signed_info)


def sign(payload: str, credentials: ServiceCredentials, now: datetime) -> bytes:
    """A message whose Body holds ``payload``, with a header that signs Body, Timestamp and token.

    ``payload`` is canonical as it stands (contract.writing). ``now`` aware; Expires is 300 s later.
    RSA keys sign with RSA-SHA256, EC keys with the hash of their curve's size.
    """
    frame = _frame(credentials)
    body = _BODY % payload
    timestamp = _TIMESTAMP % (_written(now), _written(now + VALIDITY))
    signed_info = frame.signed_info % (_digest(body), _digest(timestamp))
    value = _base64(signature_value(credentials.key, signed_info.encode()))
    return write_envelope(_SECURITY % (timestamp, frame.token, signed_info, value), body)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(text: str) -> str:
    return _base64(hashlib.sha256(text.encode()).digest())


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
