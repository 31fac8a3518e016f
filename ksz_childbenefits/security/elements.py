"""How the elements of a security header are read: strictly, and by their place."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from lxml import etree

from ksz_childbenefits.errors import FailedCheck, InvalidSecurity

_BLANKS: Final = b" \t\r\n"
_DEFAULT_NAMESPACE: Final = "#default"


def exact_children(parent: etree._Element, *tags: str) -> list[etree._Element]:
    """The children of ``parent``, which must be of these names, each once, in this order."""
    children = list(parent)
    if [child.tag for child in children] != list(tags):
        raise InvalidSecurity(f"unexpected content of {etree.QName(parent).localname}")
    return children


def text_of(element: etree._Element) -> str:
    """The text of an element that has no children, without the blanks around it."""
    if len(element):
        raise InvalidSecurity(f"elements where {etree.QName(element).localname} has text")
    return (element.text or "").strip(" \t\r\n")


def base64_of(element: etree._Element) -> bytes:
    """The octets that an element holds in base64; line breaks and blanks may stand in it."""
    try:
        text = text_of(element).encode("ascii").translate(None, _BLANKS)
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, UnicodeEncodeError):
        text = octets = b""
    # Written back it must be the same: no stray bits after the end, no two spellings of a value.
    if not octets or base64.b64encode(octets) != text:
        raise InvalidSecurity(f"the base64 of {etree.QName(element).localname} is malformed")
    return octets


def canonical(element: etree._Element, prefixes: tuple[str, ...] = ()) -> bytes:
    """Exclusive canonical XML without comments, in UTF-8, of an element in its document.

    ``prefixes`` is the InclusiveNamespaces PrefixList. FailedCheck for what has no canonical form
    (a relative namespace name).
    """
    if _DEFAULT_NAMESPACE in prefixes:
        _intern_default_namespace()
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=prefixes,
        )
    except etree.C14NError:
        raise FailedCheck("a signed part has no canonical form") from None


def _intern_default_namespace() -> None:
    """Make lxml pass ``#default`` on to libxml2.

    lxml drops prefixes that stand in no document of the thread, and this one, which is none, never
    does; WSS4J lists it where an ancestor has a default namespace. A parser that is told to look
    for elements of that name puts it among the names of the thread.
    """
    parser = etree.XMLPullParser(events=("start",), tag=_DEFAULT_NAMESPACE)
    parser.feed(b"<a/>")
    parser.close()
