"""What all mutations of a message's tree need: to find, take and put elements, at random."""

from __future__ import annotations

from random import Random

from lxml import etree

from ksz_childbenefits.contract.namespaces import SOAP_ENV, WSU
from tests.security.messages import NAMESPACES

BODY = f"{{{SOAP_ENV}}}Body"
WSU_ID = f"{{{WSU}}}Id"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


class NotHereError(Exception):
    """A mutation needs something that the message, or what is left of it, does not have."""


def parts(root: etree._Element, path: str) -> list[etree._Element]:
    """The elements at an XPath, at least one."""
    found = root.xpath(path, namespaces=NAMESPACES)
    assert isinstance(found, list)
    elements = [element for element in found if isinstance(element, etree._Element)]
    if not elements:
        raise NotHereError
    return elements


def part(root: etree._Element, path: str) -> etree._Element:
    """The first element at an XPath."""
    return parts(root, path)[0]


def any_part(root: etree._Element, random: Random, path: str = "//*") -> etree._Element:
    return random.choice(parts(root, path))


def take(element: etree._Element) -> etree._Element:
    """Take an element out of the tree, without what follows it."""
    parent = element.getparent()
    if parent is None:
        raise NotHereError
    parent.remove(element)
    return element


def outside(element: etree._Element, root: etree._Element, random: Random) -> etree._Element:
    """Somewhere to move an element to, not into itself: half of the time near the top."""
    inside = set(element.iter())
    path = random.choice(["//*", "/*|/*/*|/*/s:Header/*"])
    places = [place for place in parts(root, path) if place not in inside]
    if not places:
        raise NotHereError
    return random.choice(places)


def put(place: etree._Element, element: etree._Element, random: Random) -> None:
    place.insert(random.randint(0, len(place)), element)
