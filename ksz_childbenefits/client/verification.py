"""Which replies are accepted: a fresh message that the service signed, read as it was signed.

signxml verifies a copy and hands back the bytes that were signed. Those bytes, parsed, take the
place of everything that the envelope held, so that nothing unsigned can be read: a wrapped,
doubled or moved Body cannot do harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.client.errors import UnsignedFault, UntrustedReply
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU

MAX_AGE = timedelta(seconds=300)
"""A reply created longer ago than this is refused (as SECURITY 3 has it for requests)."""

MAX_AHEAD = timedelta(seconds=60)
"""A reply created further in the future than this is refused (as SECURITY 3 for requests)."""

_BODY = f"{{{SOAP_ENV}}}Body"
_HEADER = f"{{{SOAP_ENV}}}Header"
_FAULT = f"{{{SOAP_ENV}}}Fault"
_SECURITY = f"{{{WSSE}}}Security"
_TIMESTAMP = f"{{{WSU}}}Timestamp"
_ID = f"{{{WSU}}}Id"

_CONFIGURATION = SignatureConfiguration(
    location=f"./{_HEADER}/{_SECURITY}/",
    expect_references=True,
    signature_methods=frozenset(
        {
            *(SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256),
            *(SignatureMethod.RSA_SHA384, SignatureMethod.ECDSA_SHA384),
            *(SignatureMethod.RSA_SHA512, SignatureMethod.ECDSA_SHA512),
        }
    ),
    digest_algorithms=frozenset(
        {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
    ),
)


def accept_reply(
    envelope: etree._Element, service_certificates: Sequence[x509.Certificate], now: datetime
) -> None:
    """Reduce ``envelope`` to its signed Body; raise UntrustedReply or UnsignedFault instead.

    It must be signed with one of the certificates: there are two while the service renews its key.
    """
    body = _structure(envelope)
    signed = _signed_by_one(envelope, service_certificates, now)
    timestamp, signed_body = _one(signed, _TIMESTAMP), _one(signed, _BODY)
    if signed_body.get(_ID) != body.get(_ID):
        raise UntrustedReply("the Body of the reply is not the Body that was signed")
    _check_freshness(timestamp, now)
    for child in list(envelope):
        envelope.remove(child)
    envelope.append(signed_body)


def _structure(envelope: etree._Element) -> etree._Element:
    """The Body of an envelope that has one Header with one Security with one Signature."""
    bodies = envelope.findall(_BODY)
    if envelope.tag != f"{{{SOAP_ENV}}}Envelope" or len(bodies) != 1:
        raise UntrustedReply("the reply is no SOAP 1.1 envelope with one Body")
    if len(envelope.findall(f"{_HEADER}/{_SECURITY}/{{{DS}}}Signature")) == 1:
        return bodies[0]
    fault = bodies[0].find(_FAULT)
    if envelope.find(f"{_HEADER}/{_SECURITY}") is None and fault is not None:
        code, text = fault.findtext("faultcode", ""), fault.findtext("faultstring", "")
        raise UnsignedFault(code, text, fault.find("detail"))
    raise UntrustedReply("the reply does not bear one signature")


def _signed_by_one(
    envelope: etree._Element, certificates: Sequence[x509.Certificate], now: datetime
) -> list[etree._Element]:
    """What was signed with the first of the certificates that it was signed with."""
    refusals = []
    for certificate in certificates:
        try:
            return _signed_parts(envelope, certificate, now)
        except UntrustedReply as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _signed_parts(
    envelope: etree._Element, service_certificate: x509.Certificate, now: datetime
) -> list[etree._Element]:
    """What the service signed, each part parsed from the very bytes that were digested."""
    try:
        results = XMLVerifier().verify(
            etree.tostring(envelope),
            x509_cert=service_certificate,
            id_attribute="Id",
            expect_config=replace(_CONFIGURATION, verification_time=now),
        )
    except (SignXMLException, etree.LxmlError, ValueError, TypeError) as error:
        # ValueError and TypeError: a signature or digest without text, or not in base64.
        raise UntrustedReply(f"the signature of the reply does not verify: {error}") from None
    parts = results if isinstance(results, list) else [results]
    return [part.signed_xml for part in parts if part.signed_xml is not None]


def _one(parts: list[etree._Element], tag: str) -> etree._Element:
    found = [part for part in parts if part.tag == tag]
    if len(found) != 1:
        raise UntrustedReply(
            f"the signature of the reply does not cover one {etree.QName(tag).localname}"
        )
    return found[0]


def _check_freshness(timestamp: etree._Element, now: datetime) -> None:
    """Created with a zone, neither old nor ahead; Expires, where present, still to come."""
    created = _moment(timestamp, "Created")
    if created is None:
        raise UntrustedReply("the reply does not say when it was created")
    expires = _moment(timestamp, "Expires")
    if now - created > MAX_AGE or (expires is not None and expires <= now):
        raise UntrustedReply("the reply has expired")
    if created - now > MAX_AHEAD:
        raise UntrustedReply("the reply was created in the future; compare the clocks")


def _moment(timestamp: etree._Element, name: str) -> datetime | None:
    text = timestamp.findtext(f"{{{WSU}}}{name}")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UntrustedReply(f"the reply's {name} is no point in time") from None
    if moment.tzinfo is None:
        raise UntrustedReply(f"the reply's {name} has no time zone")
    return moment
