"""Small verbs for writing replies, element by element, in the order of the XSD."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from lxml import etree

_Value = TypeVar("_Value")

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold."""


def add_text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    """Add a child with text; what XML cannot hold becomes the replacement character."""
    child = etree.SubElement(parent, tag)
    child.text = text if text.isprintable() else _NOT_XML.sub("\ufffd", text)
    return child


def add_container(
    parent: etree._Element,
    tag: str,
    add: Callable[[etree._Element, _Value], object],
    values: Iterable[_Value],
) -> None:
    """Add a child that holds the values; none at all where there are no values."""
    container: etree._Element | None = None
    for value in values:
        if container is None:
            container = etree.SubElement(parent, tag)
        add(container, value)
