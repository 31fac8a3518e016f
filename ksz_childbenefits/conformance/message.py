"""From a case to the bytes of an HTTP request: envelope, signature, spoiling, encoding."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.conformance.case import Case
from ksz_childbenefits.conformance.edit import apply, fill
from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import Replacement, SendRecipe, WireRecipe
from ksz_childbenefits.conformance.signer import Signer
from ksz_childbenefits.conformance.spelling import REFERENCE
from ksz_childbenefits.contract.namespaces import SOAP_ACTION, SOAP_ENV
from ksz_childbenefits.errors import DataError

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
_UNSPOILED = SendRecipe()


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """An HTTP request; ``path`` None: the service's own; ``wire``: what is sent in its stead.

    ``later``: at which distance from now, in seconds, it comes by the service's clock.
    """

    method: str
    path: str | None
    headers: dict[str, str]
    body: bytes
    chunked: bool
    wire: WireRecipe | None = None
    later: int = 0


def compose(case: Case, identity: Identity, now: datetime) -> HttpMessage:
    """The request of ``case`` that is judged, signed now.

    DataError names the case when it cannot be made.
    """
    return compose_all(case, identity, now, {})[-1]


def compose_all(
    case: Case, identity: Identity, now: datetime, values: Mapping[str, str]
) -> tuple[HttpMessage, ...]:
    """The requests of ``case`` in their order, of one signature; the last one is judged.

    ``values`` fill ``{name}`` in edits and texts, beside those that follow from the case.
    """
    http = case.http
    charset = "utf-16" if case.send.encoding == "utf-16" else "utf-8"
    usual = {
        "Content-Type": _header(http.content_type, f"text/xml; charset={charset}"),
        "SOAPAction": _header(http.soap_action, f'"{SOAP_ACTION}"'),
    }
    headers = {name: value for name, value in usual.items() if value is not None} | http.headers
    bodies = _bodies(case, identity, now, values) if http.method == "POST" else (b"",)
    *first, last = (
        HttpMessage(http.method, http.path, headers, body, http.chunked, case.wire, case.send.later)
        for body in bodies
    )
    # What comes before the judged copy is an honest message, sent in the ordinary way.
    plain = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{SOAP_ACTION}"'}
    honest = (HttpMessage("POST", None, plain, one.body, False) for one in first)
    return (*honest, last)


def _header(asked: str | bool | None, usual: str) -> str | None:
    """What the case asks for, the usual value where it is silent, None where it sends none."""
    if asked is None:
        return usual
    return asked if isinstance(asked, str) else None


def _bodies(
    case: Case, identity: Identity, now: datetime, given: Mapping[str, str]
) -> tuple[bytes, ...]:
    """The bytes of the message, where the case says so first as it was signed."""
    if case.send.raw:
        return (_padded(case.request, case.send),)
    values = {**case.shared, **_own(identity, now), **given}
    root = enveloped(case)
    try:
        if not case.sign.none:
            Signer(case.sign, identity, now, values).sign(root)
        first = (_encoded(case, deepcopy(root), _UNSPOILED, values),) if case.send.first else ()
        return (*first, _encoded(case, root, case.send, values))
    except DataError as error:
        raise DataError(f"{case.name}: {error}") from None


def _own(identity: Identity, now: datetime) -> dict[str, str]:
    """What can be filled in of the certificate that is presented, and of the time."""
    der = identity.certificate.public_bytes(Encoding.DER)
    thumbprint = identity.certificate.fingerprint(hashes.SHA1())  # noqa: S303 - as it is named
    return {
        "certificate": base64.b64encode(der).decode("ascii"),
        "thumbprint": base64.b64encode(thumbprint).decode("ascii"),
        "now": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    }


def _encoded(
    case: Case, root: etree._Element, send: SendRecipe, values: Mapping[str, str]
) -> bytes:
    """The tree, changed as ``send`` says, then its text, then its bytes."""
    apply(root, send.edit, values)
    text = etree.tostring(root, encoding="unicode").replace(REFERENCE, "&#")
    for change in send.replace:
        text = _replaced(text, "replace", change, fill(change.put, values))
    if send.declaration is not None:
        text = f'<?xml version="1.0" encoding="{send.declaration}"?>\n{text}'
    octets = text.encode(send.encoding, "surrogatepass").decode("latin-1")
    for splice in send.splice:
        octets = _replaced(octets, "splice", splice, splice.put)
    return _padded(octets.encode("latin-1"), send)


def _replaced(text: str, table: str, change: Replacement, put: str) -> str:
    if text.count(change.find) != 1:
        found = text.count(change.find)
        raise DataError(f"send.{table}: {change.find!r} stands there {found} times")
    return text.replace(change.find, put * change.times)


def enveloped(case: Case) -> etree._Element:
    """The envelope of a case that is not raw: request.xml itself, or an envelope around it."""
    try:
        root = etree.fromstring(case.request, _PARSER)
    except etree.XMLSyntaxError as error:
        raise DataError(f"{case.name}: request.xml is not XML: {error}") from None
    if root.tag == f"{{{SOAP_ENV}}}Envelope":
        return root
    envelope = etree.Element(f"{{{SOAP_ENV}}}Envelope", nsmap={"soapenv": SOAP_ENV})
    etree.SubElement(envelope, f"{{{SOAP_ENV}}}Header")
    etree.SubElement(envelope, f"{{{SOAP_ENV}}}Body").append(root)
    return envelope


def _padded(body: bytes, send: SendRecipe) -> bytes:
    return body if send.pad_to is None else body.ljust(send.pad_to)
