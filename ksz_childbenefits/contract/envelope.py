"""The SOAP 1.1 envelope: what may be in one, and ours (SECURITY 2).

Everything is found by its fixed place; nothing is ever searched for among descendants, so that what
is wrapped somewhere else is not seen.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from lxml import etree

from ksz_childbenefits.contract.namespaces import REQUEST, SOAP_ACTOR_NEXT, SOAP_ENV, WSSE
from ksz_childbenefits.contract.writing import escaped, write_element, write_text
from ksz_childbenefits.errors import NotReadable, NotUnderstood, VersionMismatch

ENVELOPE: Final = f"{{{SOAP_ENV}}}Envelope"
HEADER: Final = f"{{{SOAP_ENV}}}Header"
BODY: Final = f"{{{SOAP_ENV}}}Body"
FAULT: Final = f"{{{SOAP_ENV}}}Fault"
SECURITY: Final = f"{{{WSSE}}}Security"

_MUST_UNDERSTAND: Final = f"{{{SOAP_ENV}}}mustUnderstand"
_ACTOR: Final = f"{{{SOAP_ENV}}}actor"
_FOR_US: Final = frozenset(("", SOAP_ACTOR_NEXT))
_UNDERSTOOD: Final = frozenset((SECURITY,))

_START: Final = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    f'<soapenv:Envelope xmlns:soapenv="{SOAP_ENV}" xmlns:wsse="{WSSE}">'
)
"""Declares the prefixes that the code of a fault can have (errors.py)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message whose structure was found good; ``payload`` is the Body's only child."""

    root: etree._Element
    header: etree._Element | None
    body: etree._Element
    payload: etree._Element


def open_envelope(root: etree._Element, expected: Container[str] = (REQUEST,)) -> Envelope:
    """Check the structure of a message; ``expected``: the names (Clark) that its payload may bear.

    Raises VersionMismatch for an envelope of another namespace, NotUnderstood for an unknown header
    that we must understand, NotReadable for everything else that is out of order.
    """
    if root.tag != ENVELOPE:
        if etree.QName(root).localname == "Envelope":
            raise VersionMismatch
        raise NotReadable("the root is no SOAP envelope")
    header, body = _parts(root)
    if header is not None:
        _check_header(header)
    payload = _children(body)
    if len(payload) != 1 or payload[0].tag not in expected:
        raise NotReadable("the Body does not hold exactly the element expected")
    return Envelope(root, header, body, payload[0])


def _parts(root: etree._Element) -> tuple[etree._Element | None, etree._Element]:
    """Header, where there is one, and Body: nothing before, between or after them."""
    children = _children(root)
    header = children.pop(0) if children and children[0].tag == HEADER else None
    if [child.tag for child in children] != [BODY]:
        raise NotReadable("the Envelope does not hold at most one Header, then one Body")
    return header, children[0]


def _children(parent: etree._Element) -> list[etree._Element]:
    """The child elements; NotReadable where there is text beside them."""
    children = list(parent)
    texts = (parent.text, *(child.tail for child in children))
    if any(text and text.strip(" \t\r\n") for text in texts):
        raise NotReadable("text between the elements of the envelope")
    return children


def _check_header(header: etree._Element) -> None:
    """Refuse a header block for us that must be understood and is not."""
    for block in _children(header):
        if block.get(_ACTOR, "").strip() not in _FOR_US:
            continue
        # SOAP 1.1 knows 0 and 1 only; "true" is what some tools write for 1, and means it.
        must = block.get(_MUST_UNDERSTAND, "0").strip()
        if must not in ("0", "1", "false", "true"):
            raise NotReadable("mustUnderstand is neither 0 nor 1")
        if must in ("1", "true") and block.tag not in _UNDERSTOOD:
            raise NotUnderstood


def write_envelope(header: str, body: str) -> bytes:
    """A whole message in UTF-8: ``header`` is what Header holds, ``body`` the Body itself."""
    text = f"{_START}<soapenv:Header>{header}</soapenv:Header>{body}</soapenv:Envelope>"
    return text.encode()


def write_body(payload: str) -> str:
    """A Body that nobody signs, with one element in it."""
    return f"<soapenv:Body>{payload}</soapenv:Body>"


def write_fault(faultcode: str, faultstring: str, detail: str) -> str:
    """A Fault, whose ``faultcode`` is ``soapenv:…`` or ``wsse:…``, to be put into a Body.

    ``detail`` is the typed entry that the fault's detail holds. Canonical as it stands in
    a Body; the prefix in the code is one of those that the Envelope declares.
    """
    return (
        f"<soapenv:Fault><faultcode>{escaped(faultcode)}</faultcode>"
        + write_text("faultstring", faultstring)
        + write_element("detail", detail)
        + "</soapenv:Fault>"
    )
