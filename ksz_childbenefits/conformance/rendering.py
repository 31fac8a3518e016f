"""XML as lines that can be compared and read: independent of prefixes, exact in text and order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from ksz_childbenefits.contract.namespaces import CB, CBC, COMMON, INTF, SOAP_ENV, WSSE, WSU

ANY: Final = "*"
"""In an expected text or attribute: any value that is not empty."""

_PREFIXES: Final = {
    INTF: "intf",
    CB: "cb",
    CBC: "cbc",
    COMMON: "common",
    SOAP_ENV: "soapenv",
    WSSE: "wsse",
    WSU: "wsu",
}

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z")

_GENERATED: Final = "informationCBSS"
_MASKED: Final = {"ticketCBSS": _UUID, "timestampReceive": _UTC, "timestampReply": _UTC}
"""What differs from call to call in informationCBSS, and the form that DOMAIN 5 gives it."""


def qname(name: str) -> str:
    """A name in Clark notation with a fixed prefix; unqualified names and others as they are."""
    parts = etree.QName(name)
    if parts.namespace in _PREFIXES:
        return f"{_PREFIXES[parts.namespace]}:{parts.localname}"
    return name


def lines(element: etree._Element, indent: str = "") -> Iterator[str]:
    """One line for each element: name, attributes in order of name, text of a leaf."""
    attributes = "".join(
        f' {qname(str(name))}="{value}"' for name, value in sorted(element.attrib.items())
    )
    start = f"{indent}{qname(str(element.tag))}{attributes}"
    children = list(element.iterchildren(etree.Element))
    if not children:
        yield f"{start} = {_visible(element.text or '')}"
        return
    yield start + _stray_text(element, children)
    for child in children:
        yield from lines(child, indent + "  ")


def _visible(text: str) -> str:
    """The text, in quotes where blanks at its ends or line breaks would not be seen."""
    return text if text == text.strip() and "\n" not in text else repr(text)


def _stray_text(element: etree._Element, children: list[etree._Element]) -> str:
    """Text between children, where the contract has none; blanks do not count."""
    texts = [element.text, *(child.tail for child in children)]
    stray = "".join(text for text in texts if text is not None).strip()
    return f" ! text between the children: {stray}" if stray else ""


def mask_generated(root: etree._Element) -> None:
    """Put ``ANY`` for ticket and times of KSZ, where they have the form of DOMAIN 5."""
    for information in root.iter(_GENERATED):
        for child in information.iterchildren(etree.Element):
            form = _MASKED.get(str(child.tag))
            if form is not None and form.fullmatch(child.text or ""):
                child.text = ANY


def mask_any(expected: etree._Element, actual: etree._Element) -> None:
    """Put ``ANY`` into ``actual`` wherever ``expected`` has it in the same place.

    What KSZ generates is left to ``mask_generated``, which looks at its form.
    """
    if expected.tag != actual.tag or expected.tag == _GENERATED:
        return
    if expected.text == ANY and actual.text and len(actual) == 0:
        actual.text = ANY
    for name, value in expected.attrib.items():
        if value == ANY and actual.get(name):
            actual.set(name, ANY)
    children = (list(e.iterchildren(etree.Element)) for e in (expected, actual))
    for theirs, ours in zip(*children, strict=False):
        mask_any(theirs, ours)
