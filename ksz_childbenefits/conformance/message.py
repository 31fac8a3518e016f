"""From a case to the bytes of an HTTP request: envelope, signature, spoiling, encoding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from ksz_childbenefits.conformance.case import Case
from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import SendRecipe
from ksz_childbenefits.conformance.signer import Signer
from ksz_childbenefits.contract.namespaces import SOAP_ACTION, SOAP_ENV
from ksz_childbenefits.errors import DataError

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """An HTTP request; ``path`` None: the service's own."""

    method: str
    path: str | None
    headers: dict[str, str]
    body: bytes
    chunked: bool


def compose(case: Case, identity: Identity, now: datetime) -> HttpMessage:
    """The request of ``case``, signed now. DataError names the case when it cannot be made."""
    http = case.http
    charset = "utf-16" if case.send.encoding == "utf-16" else "utf-8"
    usual = {
        "Content-Type": _header(http.content_type, f"text/xml; charset={charset}"),
        "SOAPAction": _header(http.soap_action, f'"{SOAP_ACTION}"'),
    }
    headers = {name: value for name, value in usual.items() if value is not None} | http.headers
    body = _body(case, identity, now) if http.method == "POST" else b""
    return HttpMessage(http.method, http.path, headers, body, http.chunked)


def _header(asked: str | bool | None, usual: str) -> str | None:
    """What the case asks for, the usual value where it is silent, None where it sends none."""
    if asked is None:
        return usual
    return asked if isinstance(asked, str) else None


def _body(case: Case, identity: Identity, now: datetime) -> bytes:
    if case.send.raw:
        return _padded(case.request, case.send)
    root = enveloped(case)
    if not case.sign.none:
        Signer(case.sign, identity, now).sign(root)
    text = etree.tostring(root, encoding="unicode")
    for change in case.send.replace:
        if text.count(change.find) != 1:
            found = text.count(change.find)
            raise DataError(
                f"{case.name}: send.replace: {change.find!r} stands there {found} times"
            )
        text = text.replace(change.find, change.put)
    if case.send.declaration is not None:
        text = f'<?xml version="1.0" encoding="{case.send.declaration}"?>\n{text}'
    return _padded(text.encode(case.send.encoding), case.send)


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
