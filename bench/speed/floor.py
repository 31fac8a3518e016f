"""Our floor (issue 5): the calls of C libraries that a request cannot do without, and no others.

For the same bytes that the service takes and gives: parse, XSD, canonical form and digests of the
request, verify, digest of the ready canonical reply, sign, and parse and XSD of the reply. The
certificate's result is kept, there is no HTTP and no database.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import DS, WSSE, WSU
from ksz_childbenefits.contract.schemas import compile_schema
from ksz_childbenefits.security.credentials import ServiceCredentials

_SIGNATURE = f"{{{DS}}}Signature"
_TIMESTAMP = f"{{{WSU}}}Timestamp"
_TOKEN = f"{{{WSSE}}}BinarySecurityToken"


class Floor:
    """The same job for the same bytes; call it with a request."""

    def __init__(
        self, customer: ServiceCredentials, service: ServiceCredentials, reply: bytes
    ) -> None:
        """``reply``: one that the service gave."""
        self._verify = _verifier(customer)
        self._sign = _signer(service)
        self._schema = compile_schema(CONSULTATION)
        self._parser = etree.XMLParser(resolve_entities=False)
        ready = _Signed(etree.fromstring(reply, self._parser))
        self._reply = reply
        self._parts = [_canonical(part) for part in ready.parts]
        self._signed_info = _canonical(ready.signed_info)

    def __call__(self, request: bytes) -> None:
        """Once."""
        signed = _Signed(etree.fromstring(request, self._parser))
        for part in signed.parts:
            hashlib.sha256(_canonical(part)).digest()
        self._verify(base64.b64decode(signed.value), _canonical(signed.signed_info))
        self._schema.assertValid(signed.payload)
        for text in self._parts:
            hashlib.sha256(text).digest()
        self._sign(self._signed_info)
        self._schema.assertValid(_Signed(etree.fromstring(self._reply, self._parser)).payload)


class _Signed:
    """The places of a signed message; ``parts``: Body, Timestamp, token."""

    __slots__ = ("parts", "payload", "signed_info", "value")

    def __init__(self, root: etree._Element) -> None:
        header, body = root
        inside = {part.tag: part for part in header[0]}
        self.signed_info, value, *_ = inside[_SIGNATURE]
        self.value = value.text or ""
        self.parts = (body, inside[_TIMESTAMP], inside[_TOKEN])
        self.payload = body[0]


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def _verifier(customer: ServiceCredentials) -> Callable[[bytes, bytes], None]:
    key = customer.certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return lambda value, data: key.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SystemExit("the customer's key is neither RSA nor EC")

    def verify(value: bytes, data: bytes) -> None:
        r, s = (int.from_bytes(value[half : half + 32], "big") for half in (0, 32))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))

    return verify


def _signer(service: ServiceCredentials) -> Callable[[bytes], bytes]:
    key = service.key
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
