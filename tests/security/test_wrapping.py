"""Signature wrapping: the signed element moved, a forged one in its place (SECURITY 3).

Each of these verifies with a verifier that looks for identifiers anywhere: ``naive`` says so where
it is asked, so that the test would notice an attack that is none.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

import pytest
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSU
from ksz_childbenefits.errors import (
    FailedCheck,
    Fault,
    InvalidSecurity,
    NotReadable,
    UnsupportedToken,
)
from tests.security.checks import check, refusal
from tests.security.messages import FORGED, Recipe, algorithm_for, by_xmlsec, find
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec
from tests.security.pki import NOW, pki

ORDINARY = Recipe(algorithm=algorithm_for(pki().p256))
WSU_ID = f"{{{WSU}}}Id"


def forged_body(identifier: str | None = None) -> etree._Element:
    body = etree.fromstring(f'<s:Body xmlns:s="{SOAP_ENV}">{FORGED}</s:Body>')
    if identifier:
        body.set(WSU_ID, identifier)
    return body


def part(root: etree._Element, name: str) -> etree._Element:
    return find(root, f"//{name}")


def replace_body(root: etree._Element, identifier: str | None = None) -> etree._Element:
    """Put a forged Body in the place of the real one, and hand out the real one."""
    body = part(root, "s:Body")
    root.replace(body, forged_body(identifier))
    return body


def wrapper(parent: etree._Element, content: etree._Element, tag: str = "Wrapper") -> None:
    etree.SubElement(parent, tag).append(content)


def into_the_header(root: etree._Element) -> None:
    wrapper(part(root, "s:Header"), replace_body(root))


def into_the_header_bare(root: etree._Element) -> None:
    part(root, "s:Header").append(replace_body(root))


def into_security(root: etree._Element) -> None:
    part(root, "wsse:Security").append(replace_body(root))


def into_security_wrapped(root: etree._Element) -> None:
    wrapper(part(root, "wsse:Security"), replace_body(root))


def into_an_object(root: etree._Element) -> None:
    wrapper(part(root, "ds:Signature"), replace_body(root), f"{{{DS}}}Object")


def into_the_key_info(root: etree._Element) -> None:
    wrapper(part(root, "ds:KeyInfo"), replace_body(root))


def forged_before(root: etree._Element) -> None:
    part(root, "s:Body").addprevious(forged_body())


def forged_after(root: etree._Element) -> None:
    part(root, "s:Body").addnext(forged_body())


def forged_around(root: etree._Element) -> None:
    body = replace_body(root)
    find(root, "s:Body").append(body)


def forged_around_first(root: etree._Element) -> None:
    body = replace_body(root)
    part(root, "s:Body").insert(0, body)


def forged_inside_around(root: etree._Element) -> None:
    """Around, with the real Body as the only child: nothing forged, but nothing signed either."""
    body = replace_body(root)
    outer = part(root, "s:Body")
    outer.clear()
    outer.append(body)


def forged_payload_around(root: etree._Element) -> None:
    body = replace_body(root)
    part(root, "s:Body")[0].append(body)


def identifier_twice_real_in_header(root: etree._Element) -> None:
    wrapper(part(root, "s:Header"), replace_body(root, "Body-1"))


def identifier_twice_on_another_attribute(root: etree._Element) -> None:
    wrapper(part(root, "s:Header"), replace_body(root))
    find(root, "s:Body").set("Id", "Body-1")


def identifier_twice_as_xml_id(root: etree._Element) -> None:
    wrapper(part(root, "s:Header"), replace_body(root))
    find(root, "s:Body").set("{http://www.w3.org/XML/1998/namespace}id", "Body-1")


def second_envelope(root: etree._Element) -> None:
    real = deepcopy(root)
    find(real, "s:Header").clear()
    replace_body(root)
    wrapper(part(root, "s:Header"), real)


def second_envelope_in_body(root: etree._Element) -> None:
    real = deepcopy(root)
    find(real, "s:Header").clear()
    replace_body(root)
    find(root, "s:Body").append(real)


def fresh_timestamp(root: etree._Element) -> etree._Element:
    """Put a Timestamp of now in the place of the signed one, and hand out that."""
    stamp = part(root, "wsu:Timestamp")
    fresh = deepcopy(stamp)
    del fresh.attrib[WSU_ID]
    fresh[0].text = NOW.isoformat()
    stamp.addprevious(fresh)
    security = stamp.getparent()
    assert security is not None
    security.remove(stamp)
    return stamp


def timestamp_into_the_header(root: etree._Element) -> None:
    wrapper(part(root, "s:Header"), fresh_timestamp(root))


def timestamp_into_the_header_bare(root: etree._Element) -> None:
    part(root, "s:Header").append(fresh_timestamp(root))


def timestamp_into_the_fresh_one(root: etree._Element) -> None:
    stamp = fresh_timestamp(root)
    part(root, "wsse:Security/wsu:Timestamp").append(stamp)


def timestamp_into_an_object(root: etree._Element) -> None:
    wrapper(part(root, "ds:Signature"), fresh_timestamp(root), f"{{{DS}}}Object")


Attack = Callable[[etree._Element], None]

BODIES: list[tuple[Attack, type[Fault]]] = [
    (into_the_header, FailedCheck),
    (into_the_header_bare, InvalidSecurity),
    (into_security, FailedCheck),
    (into_security_wrapped, FailedCheck),
    (into_an_object, InvalidSecurity),
    (into_the_key_info, UnsupportedToken),
    (forged_before, NotReadable),
    (forged_after, NotReadable),
    (forged_around, NotReadable),
    (forged_around_first, NotReadable),
    (forged_inside_around, NotReadable),
    (forged_payload_around, FailedCheck),
    (second_envelope, FailedCheck),
    (second_envelope_in_body, NotReadable),
]
TIMESTAMPS: list[tuple[Attack, type[Fault]]] = [
    (timestamp_into_the_header, FailedCheck),
    (timestamp_into_the_header_bare, InvalidSecurity),
    (timestamp_into_the_fresh_one, FailedCheck),
    (timestamp_into_an_object, InvalidSecurity),
]


def attacked(attack: Attack, message: bytes) -> bytes:
    root = etree.fromstring(message)
    attack(root)
    return etree.tostring(root)


@pytest.mark.parametrize(("attack", "fault"), BODIES, ids=lambda value: value.__name__)
def test_a_moved_body_is_refused(attack: Attack, fault: type[Fault]) -> None:
    message = attacked(attack, by_xmlsec(ORDINARY, pki().p256))
    certificate = pki().p256.certificate
    naive = signed_by_xmlsec(message, certificate), signed_by_signxml(message, certificate)
    assert any(naive), "no attack: no verifier would have fallen for it"
    assert refusal(message) is fault


@pytest.mark.parametrize(("attack", "fault"), TIMESTAMPS, ids=lambda value: value.__name__)
def test_a_moved_timestamp_is_refused(attack: Attack, fault: type[Fault]) -> None:
    """An old message with a fresh Timestamp in front."""
    old = ORDINARY.with_(created=NOW - timedelta(hours=2))
    message = attacked(attack, by_xmlsec(old, pki().p256))
    assert signed_by_xmlsec(message, pki().p256.certificate)
    assert refusal(message) is fault


@pytest.mark.parametrize(
    "attack",
    [
        identifier_twice_real_in_header,
        identifier_twice_on_another_attribute,
        identifier_twice_as_xml_id,
    ],
)
def test_an_identifier_used_twice_is_refused(attack: Attack) -> None:
    assert refusal(attacked(attack, by_xmlsec(ORDINARY, pki().p256))) is InvalidSecurity


@pytest.mark.parametrize("name", ["wsu:Id", "Id", "ID", "id", "xml:id"])
@pytest.mark.parametrize("place", ["<criteria", "<ds:KeyInfo", "<wsu:Created"])
def test_an_identifier_used_twice_anywhere_is_refused(name: str, place: str) -> None:
    message = by_xmlsec(ORDINARY, pki().p256).decode()
    assert check(message.encode())
    twice = message.replace(place, f'{place} {name}="Body-1"')
    assert refusal(twice.encode()) is InvalidSecurity
