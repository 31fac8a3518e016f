"""Small verbs that write elements as text, in the order of the XSD.

What they write is canonical as it stands (Exclusive XML Canonicalization, without comments), so it
is digested, signed and sent as it is: nothing is made canonical a second time. Names are written
as the contract has them; only what they hold is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SPECIAL: Final = re.compile(r"[^ !-%'-;=?-~\xa0-\ud7ff\t\n]")
"""What is not written as it is, or is perhaps no character of XML at all."""

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold."""


def escaped(text: str) -> str:
    """The text of an element; what XML cannot hold becomes the replacement character."""
    if not _SPECIAL.search(text):
        return text
    text = _NOT_XML.sub("\ufffd", text).replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def write_element(tag: str, content: str) -> str:
    """An element with what was written to be in it."""
    return f"<{tag}>{content}</{tag}>"


def write_text(tag: str, text: str) -> str:
    """An element with text."""
    return f"<{tag}>{escaped(text)}</{tag}>"


def write_optional(tag: str, text: str | None) -> str:
    """An element with text; nothing where the text is None."""
    return "" if text is None else write_text(tag, text)


def write_container(tag: str, parts: Iterable[str]) -> str:
    """An element that holds the parts; nothing where there are none."""
    content = "".join(parts)
    return f"<{tag}>{content}</{tag}>" if content else ""


def write_root(name: str, content: str) -> str:
    """The root of a payload, by its name in Clark notation, with a prefix (SECURITY 6)."""
    namespace, _, local = name[1:].partition("}")
    return f'<intf:{local} xmlns:intf="{namespace}">{content}</intf:{local}>'


def write_attributes(**attributes: str | None) -> str:
    """The attributes of a start tag, in the order of the canonical form; None: not there."""
    given = sorted((name, value) for name, value in attributes.items() if value is not None)
    return "".join(f' {name}="{_attribute(value)}"' for name, value in given)


def _attribute(value: str) -> str:
    """As ``escaped``, by the rules for attributes."""
    if not _SPECIAL.search(value) and value.isprintable() and '"' not in value:
        return value
    value = _NOT_XML.sub("\ufffd", value).replace("&", "&amp;").replace("<", "&lt;")
    value = value.replace('"', "&quot;").replace("\t", "&#x9;").replace("\n", "&#xA;")
    return value.replace("\r", "&#xD;")
