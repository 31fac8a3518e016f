"""Mutations of a sealed message's tree: what an attacker without the key can do with it."""

from __future__ import annotations

import base64
from copy import deepcopy
from random import Random

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE
from tests.security.messages import FORGED
from tests.security.mutations.trees import (
    BODY,
    WSU_ID,
    XML_ID,
    NotHereError,
    any_part,
    outside,
    part,
    parts,
    put,
    take,
)
from tests.security.pki import pki

FORGED_ELEMENT = etree.fromstring(FORGED)


def forged_body(random: Random, real: etree._Element) -> etree._Element:
    body = etree.fromstring(f'<s:Body xmlns:s="{SOAP_ENV}">{FORGED}</s:Body>')
    if random.random() < 0.2:
        body.attrib.update({str(k): str(v) for k, v in real.attrib.items()})
    elif random.random() < 0.3:
        body.set(WSU_ID, "forged")
    return body


def wrapped(element: etree._Element, random: Random) -> etree._Element:
    """The element itself, or in something that hides it."""
    tag = random.choice([None, None, "{urn:x}W", f"{{{DS}}}Object", BODY, f"{{{WSSE}}}Security"])
    if tag is None:
        return element
    wrapper = etree.Element(tag)
    wrapper.append(element)
    return wrapper


# Content


def swap_the_body(root: etree._Element, random: Random) -> None:
    body = part(root, "/*/s:Body")
    forged = forged_body(random, body)
    root.replace(body, forged)
    put(outside(body, root, random), wrapped(body, random), random)


def add_a_body(root: etree._Element, random: Random) -> None:
    body = part(root, "/*/s:Body")
    put(random.choice([root, body, part(body, "*")]), forged_body(random, body), random)


def move_a_part(root: etree._Element, random: Random) -> None:
    one = any_part(root, random, "//wsu:Timestamp|//wsse:BinarySecurityToken|//s:Body")
    place = outside(one, root, random)
    put(place, wrapped(take(one), random), random)


def copy_a_part(root: etree._Element, random: Random) -> None:
    one = deepcopy(any_part(root, random, "/*/*|/*/*/*|/*/*/*/*"))
    for element in one.iter(etree.Element):
        if random.random() < 0.7:
            element.attrib.pop(WSU_ID, None)
    put(any_part(root, random, "/*|/*/*|/*/*/*"), one, random)


def renew_the_timestamp(root: etree._Element, random: Random) -> None:
    stamp = part(root, "//wsse:Security/wsu:Timestamp")
    fresh = deepcopy(stamp)
    fresh.attrib.pop(WSU_ID, None)
    part(fresh, "*").text = "2026-03-10T12:00:30Z"
    stamp.addprevious(fresh)
    take(stamp)
    put(outside(stamp, root, random), wrapped(stamp, random), random)


def wrap_the_envelope(root: etree._Element, random: Random) -> None:
    inner = deepcopy(root)
    body = part(root, "/*/s:Body")
    root.replace(body, forged_body(random, body))
    for header in inner.findall(f"{{{SOAP_ENV}}}Header"):
        inner.remove(header)
    put(any_part(root, random, "/*/*"), inner, random)


def forge_the_request(root: etree._Element, random: Random) -> None:
    request = part(root, "/*/s:Body/*")
    parent = request.getparent()
    assert parent is not None
    parent.replace(request, deepcopy(FORGED_ELEMENT))


def change_a_text(root: etree._Element, random: Random) -> None:
    element = any_part(root, random)
    text = element.text or ""
    place = random.randint(0, len(text))
    element.text = text[:place] + random.choice("0aA= \n") + text[place + random.randint(0, 1) :]


def change_an_attribute(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//*[@*]")
    name = random.choice(list(element.attrib))
    value = random.choice(["", "Body-1", "#Body-1", "#TS-1", "#forged", "http://x/"])
    element.set(name, random.choice([value, element.get(name, "") + " "]))


def drop_an_element(root: etree._Element, random: Random) -> None:
    take(any_part(root, random, "/*//*"))


def double_an_element(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "/*//*")
    element.addnext(deepcopy(element))


def swap_two_elements(root: etree._Element, random: Random) -> None:
    parent = any_part(root, random, "//*[count(*) > 1]")
    put(parent, take(parent[random.randrange(len(parent))]), random)


# Header


def add_a_header(root: etree._Element, random: Random) -> None:
    header = etree.Element("{urn:x}header", {WSU_ID: f"header-{random.random()}"})
    put(part(root, "/*/s:Header"), header, random)


def shuffle_security(root: etree._Element, random: Random) -> None:
    security = part(root, "//wsse:Security")
    children = list(security)
    random.shuffle(children)
    for child in children:
        security.append(child)


def spread_out(root: etree._Element, random: Random) -> None:
    for element in parts(root, "/*/*|/*/s:Header/*|//wsse:Security/*"):
        if random.random() < 0.5:
            element.tail = "\n  "


def set_an_actor(root: etree._Element, random: Random) -> None:
    actor = random.choice(["", "urn:x", "http://schemas.xmlsoap.org/soap/actor/next"])
    any_part(root, random, "/*/s:Header/*").set(f"{{{SOAP_ENV}}}actor", actor)


def set_must_understand(root: etree._Element, random: Random) -> None:
    value = random.choice(["0", "1", "true", " 1 ", "2", ""])
    any_part(root, random, "/*/s:Header/*").set(f"{{{SOAP_ENV}}}mustUnderstand", value)


def another_security(root: etree._Element, random: Random) -> None:
    other = etree.Element(f"{{{WSSE}}}Security")
    if random.random() < 0.7:
        other.set(f"{{{SOAP_ENV}}}actor", random.choice(["urn:x", "urn:y"]))
    put(part(root, "/*/s:Header"), other, random)


def header_after_body(root: etree._Element, random: Random) -> None:
    root.append(take(part(root, "/*/s:Header")))


# References, ids, namespaces


def references_in_another_order(root: etree._Element, random: Random) -> None:
    one = any_part(root, random, "//ds:Reference")
    put(part(root, "//ds:SignedInfo"), take(one), random)


def rename_an_id(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//*[@wsu:Id or @Id]")
    name = WSU_ID if element.get(WSU_ID) is not None else "Id"
    element.set(name, random.choice(["Body-1", "TS-1", "X509-1", "B", "forged"]))


def bear_an_id_twice(root: etree._Element, random: Random) -> None:
    element = any_part(root, random)
    kind = random.choice([WSU_ID, "Id", "ID", "id", XML_ID])
    element.set(kind, random.choice(["Body-1", "TS-1", "X509-1", "H-1"]))


def ids_change_places(root: etree._Element, random: Random) -> None:
    bearers = parts(root, "//*[@wsu:Id]")
    if len(bearers) < 2:
        raise NotHereError
    first, second = random.sample(bearers, 2)
    one, other = first.get(WSU_ID, ""), second.get(WSU_ID, "")
    first.set(WSU_ID, other)
    second.set(WSU_ID, one)


def rename_an_element(root: etree._Element, random: Random) -> None:
    element = any_part(root, random)
    name = etree.QName(element).localname
    element.tag = random.choice([f"{{urn:x}}{name}", name, f"{{{SOAP_ENV}}}{name}"])


# Certificates and values


def token_of(root: etree._Element, random: Random) -> None:
    other = random.choice(
        [pki().p256, pki().rsa, pki().indirect, pki().stranger, pki().revoked, pki().service]
    )
    der = other.certificate.public_bytes(Encoding.DER)
    part(root, "//wsse:BinarySecurityToken").text = base64.b64encode(der).decode()


def bits_of_the_token(root: etree._Element, random: Random) -> None:
    token = part(root, "//wsse:BinarySecurityToken")
    octets = bytearray(base64.b64decode(token.text or ""))
    octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
    token.text = base64.b64encode(octets).decode()


def bits_of_the_value(root: etree._Element, random: Random) -> None:
    value = any_part(root, random, "//ds:SignatureValue|//ds:DigestValue")
    octets = bytearray(base64.b64decode(value.text or ""))
    change = random.randrange(4)
    if change == 0:
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
    elif change == 1:
        octets = octets[: len(octets) // 2]
    elif change == 2:
        octets = bytearray(len(octets))
    else:
        octets = bytearray(1) + octets
    value.text = base64.b64encode(octets).decode()


def the_other_s(root: etree._Element, random: Random) -> None:
    """(r, n - s) of a value on P-256: it verifies as well."""
    value = part(root, "//ds:SignatureValue")
    octets = base64.b64decode(value.text or "")
    if len(octets) != 64:
        raise NotHereError
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = order - int.from_bytes(octets[32:], "big")
    value.text = base64.b64encode(octets[:32] + other.to_bytes(32, "big")).decode()
