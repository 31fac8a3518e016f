"""Our own signature: Timestamp, token, Signature in this order (SECURITY 4 and 6)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.envelope import BODY, HEADER, SECURITY
from ksz_childbenefits.contract.namespaces import DS, WSSE, WSU
from ksz_childbenefits.errors import InternalError
from ksz_childbenefits.security import signature_reading as ds
from ksz_childbenefits.security.algorithms import (
    DIGEST_ALGORITHMS,
    EXCLUSIVE_C14N,
    SHA256_DIGEST,
    PrivateKey,
)
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.detached import algorithm_for, signature_value
from ksz_childbenefits.security.elements import canonical
from ksz_childbenefits.security.freshness import CREATED, EXPIRES
from ksz_childbenefits.security.security_header import SIGNATURE, TIMESTAMP, TOKEN, WSU_ID
from ksz_childbenefits.security.tokens import (
    BASE64_BINARY,
    SECURITY_TOKEN_REFERENCE,
    TOKEN_REFERENCE,
    X509V3,
)

VALIDITY: Final = timedelta(seconds=300)

_BODY_ID: Final = "Body"
_TIMESTAMP_ID: Final = "Timestamp"
_TOKEN_ID: Final = "X509Token"  # noqa: S105 - an identifier, no secret
_PREFIXES: Final = {"wsse": WSSE, "wsu": WSU, "ds": DS}

# The Body stands outside the Security header that declares our prefixes.
etree.register_namespace("wsu", WSU)


def sign(envelope_root: etree._Element, credentials: ServiceCredentials, now: datetime) -> bytes:
    """Add a Security header that signs Body, Timestamp and token, and write the message.

    It is written once, after signing; the tree is not to be changed afterwards. ``now``
    aware; Expires is 300 s later. RSA keys sign with RSA-SHA256, EC keys with the hash of their
    curve's size. InternalError for an envelope without Header and Body.
    """
    header, body = envelope_root.find(HEADER), envelope_root.find(BODY)
    if header is None or body is None:
        raise InternalError("an envelope to be signed lacks its Header or its Body")
    body.set(WSU_ID, _BODY_ID)
    security = etree.SubElement(header, SECURITY, nsmap=_PREFIXES)
    timestamp = _add_timestamp(security, now)
    token = _add_token(security, credentials)
    _add_signature(security, credentials.key, [body, timestamp, token])
    return xmlio.serialise(envelope_root)


def _add_timestamp(security: etree._Element, now: datetime) -> etree._Element:
    timestamp = etree.SubElement(security, TIMESTAMP, {WSU_ID: _TIMESTAMP_ID})
    etree.SubElement(timestamp, CREATED).text = _written(now)
    etree.SubElement(timestamp, EXPIRES).text = _written(now + VALIDITY)
    return timestamp


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add_token(security: etree._Element, credentials: ServiceCredentials) -> etree._Element:
    attributes = {WSU_ID: _TOKEN_ID, "ValueType": X509V3, "EncodingType": BASE64_BINARY}
    token = etree.SubElement(security, TOKEN, attributes)
    token.text = _base64(credentials.certificate.public_bytes(Encoding.DER))
    return token


def _add_signature(security: etree._Element, key: PrivateKey, parts: list[etree._Element]) -> None:
    algorithm = algorithm_for(key)
    signature = etree.SubElement(security, SIGNATURE)
    signed_info = etree.SubElement(signature, ds.SIGNED_INFO)
    _add_algorithm(signed_info, ds.CANONICALIZATION_METHOD, EXCLUSIVE_C14N)
    _add_algorithm(signed_info, ds.SIGNATURE_METHOD, algorithm.uri)
    for part in parts:
        _add_reference(signed_info, part)
    value = etree.SubElement(signature, ds.SIGNATURE_VALUE)
    value.text = _base64(signature_value(key, canonical(signed_info)))
    key_info = etree.SubElement(signature, ds.KEY_INFO)
    reference = etree.SubElement(key_info, SECURITY_TOKEN_REFERENCE)
    attributes = {"URI": f"#{_TOKEN_ID}", "ValueType": X509V3}
    etree.SubElement(reference, TOKEN_REFERENCE, attributes)


def _add_reference(signed_info: etree._Element, part: etree._Element) -> None:
    reference = etree.SubElement(signed_info, ds.REFERENCE, {"URI": f"#{part.get(WSU_ID)}"})
    transforms = etree.SubElement(reference, ds.TRANSFORMS)
    _add_algorithm(transforms, ds.TRANSFORM, EXCLUSIVE_C14N)
    _add_algorithm(reference, ds.DIGEST_METHOD, SHA256_DIGEST)
    digest = DIGEST_ALGORITHMS[SHA256_DIGEST](canonical(part))
    etree.SubElement(reference, ds.DIGEST_VALUE).text = _base64(digest)


def _add_algorithm(parent: etree._Element, tag: str, uri: str) -> None:
    etree.SubElement(parent, tag, {"Algorithm": uri})


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
