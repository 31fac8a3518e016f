"""The WS-Security plugin for zeep: ``zeep.Client(wsdl, wsse=Signature(...))``.

Signs as SECURITY 3 demands; signxml does the work. Replies, and faults just as well, since zeep
hands over every reply before it looks for a fault, go through ``verification``.
"""

from __future__ import annotations

import base64
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

from ksz_childbenefits.client.verification import accept_reply
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.security.credentials import ServiceCredentials, read_certificates

LIFETIME = timedelta(seconds=300)
"""Expires comes this long after Created (SECURITY 4 has the same for replies)."""

_X509_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
_MESSAGE_SECURITY = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
)
_TOKEN_TYPE = f"{_X509_PROFILE}#X509v3"
_ID = f"{{{WSU}}}Id"
_PREFIXES = {"wsse": WSSE, "wsu": WSU}

# The Body stands outside the Security header that declares our prefixes.
etree.register_namespace("wsu", WSU)

# signxml writes every canonical form, and so every SSIN, to its log at level DEBUG.
logging.getLogger("signxml.processor").setLevel(logging.INFO)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Signature:
    """Signs Timestamp, token and Body with SHA-256, and accepts only what the service signed.

    The key is RSA or EC, in PEM with its ``certificate`` beside it, or a PKCS#12, which holds it
    (None then). ``service_certificates``, in PEM one after the other, are those that replies are
    verified against, never one that comes with a reply. ``clock`` is for tests.
    """

    def __init__(
        self,
        key: bytes,
        certificate: bytes | None,
        service_certificates: bytes,
        *,
        passphrase: bytes | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Read key and certificates; ConfigurationError if that fails or they do not match."""
        self._own = ServiceCredentials.from_bytes(key, certificate, passphrase)
        self._service_certificates = read_certificates(service_certificates)
        self._clock = clock

    def apply(
        self, envelope: etree._Element, headers: dict[str, str]
    ) -> tuple[etree._Element, dict[str, str]]:
        """Add the Security header, signed (zeep calls this last before sending)."""
        body = _only(envelope, "Body")
        body.set(_ID, _new_id("body"))
        security = etree.SubElement(_header(envelope), f"{{{WSSE}}}Security", nsmap=_PREFIXES)
        security.set(f"{{{SOAP_ENV}}}mustUnderstand", "1")
        timestamp = self._add_timestamp(security)
        token = self._add_token(security)
        signed = [part.get(_ID, "") for part in (timestamp, token, body)]
        security.append(self._signature(envelope, signed, token.get(_ID, "")))
        return envelope, headers

    def verify(self, envelope: etree._Element) -> etree._Element:
        """Leave in ``envelope`` what the service signed, and nothing else.

        Raises UntrustedReply, which says why, or UnsignedFault for a fault without signature.
        """
        accept_reply(envelope, self._service_certificates, self._clock())
        return envelope

    def _add_timestamp(self, security: etree._Element) -> etree._Element:
        created = self._clock().astimezone(UTC)
        timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp", {_ID: _new_id("timestamp")})
        etree.SubElement(timestamp, f"{{{WSU}}}Created").text = _written(created)
        etree.SubElement(timestamp, f"{{{WSU}}}Expires").text = _written(created + LIFETIME)
        return timestamp

    def _add_token(self, security: etree._Element) -> etree._Element:
        token = etree.SubElement(
            security, f"{{{WSSE}}}BinarySecurityToken", {_ID: _new_id("token")}
        )
        token.set("EncodingType", f"{_MESSAGE_SECURITY}#Base64Binary")
        token.set("ValueType", _TOKEN_TYPE)
        token.text = base64.b64encode(self._own.certificate.public_bytes(Encoding.DER)).decode()
        return token

    def _signature(self, envelope: etree._Element, signed: list[str], token: str) -> etree._Element:
        """The ds:Signature over the elements with these Ids; ``token`` holds the certificate."""
        rsa_key = isinstance(self._own.key, rsa.RSAPrivateKey)
        signer = XMLSigner(
            method=SignatureConstructionMethod.detached,
            signature_algorithm=(
                SignatureMethod.RSA_SHA256 if rsa_key else SignatureMethod.ECDSA_SHA256
            ),
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        return signer.sign(
            envelope,
            key=self._own.key,
            key_info=_key_info(token),
            reference_uri=[f"#{identifier}" for identifier in signed],
            id_attribute="Id",
        )


def _key_info(token: str) -> etree._Element:
    """KeyInfo that points to the token in the same message."""
    key_info = etree.Element(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    holder = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE})
    etree.SubElement(holder, f"{{{WSSE}}}Reference", URI=f"#{token}", ValueType=_TOKEN_TYPE)
    return key_info


def _header(envelope: etree._Element) -> etree._Element:
    """The Header; zeep writes one only when it has something to put in it."""
    header = envelope.find(f"{{{SOAP_ENV}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP_ENV}}}Header")
        envelope.insert(0, header)
    return header


def _only(envelope: etree._Element, name: str) -> etree._Element:
    (element,) = envelope.iterchildren(f"{{{SOAP_ENV}}}{name}")
    return element


def _new_id(part: str) -> str:
    return f"{part}-{uuid.uuid4()}"


def _written(moment: datetime) -> str:
    """UTC with Z and milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
