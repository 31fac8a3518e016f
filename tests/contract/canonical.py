"""Payloads as they are written, and as they are read."""

from __future__ import annotations

from lxml import etree

from ksz_childbenefits.contract.xmlio import parse


def canonical(element: etree._Element) -> str:
    """By libxml2, the oracle of what we write as canonical text."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False).decode()


def read(written: str) -> etree._Element:
    """What was written, as a receiver reads it; it must be canonical as it stands."""
    element = parse(written.encode(), None)
    assert canonical(element) == written
    return element
