"""A property, over generated mutations: what is accepted is what the oracles call signed.

The mutations are made from seeds, so each can be made again. Many keep the signature good for a
verifier that looks for identifiers anywhere (at least 30% must, or the test would prove little).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from functools import cache
from random import Random

import pytest
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.errors import Fault
from ksz_childbenefits.security.freshness import read_timestamp
from ksz_childbenefits.security.security_header import TIMESTAMP
from ksz_childbenefits.security.wssecurity import Verified
from tests.security.checks import canonical, check
from tests.security.messages import FORGED, NAMESPACES, Recipe, algorithm_for, by_xmlsec
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec
from tests.security.pki import Party, pki

pytestmark = pytest.mark.once

MUTATIONS = 1000
AT_LEAST_VERIFYING = 0.3
BODY = f"{{{SOAP_ENV}}}Body"
WSU_ID = f"{{{WSU}}}Id"

Mutation = Callable[[etree._Element, Random], None]


class NotHereError(Exception):
    """A mutation needs something that an earlier one took away."""


def parts(root: etree._Element, path: str) -> list[etree._Element]:
    found = root.xpath(path, namespaces=NAMESPACES)
    assert isinstance(found, list)
    elements = [element for element in found if isinstance(element, etree._Element)]
    if not elements:
        raise NotHereError
    return elements


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
    return random.choice([place for place in parts(root, path) if place not in inside])


def put(place: etree._Element, element: etree._Element, random: Random) -> None:
    place.insert(random.randint(0, len(place)), element)


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


# What keeps the signature good for the naive


def swap_the_body(root: etree._Element, random: Random) -> None:
    body = parts(root, "/*/s:Body")[0]
    forged = forged_body(random, body)
    root.replace(body, forged)
    put(outside(body, root, random), wrapped(body, random), random)


def add_a_body(root: etree._Element, random: Random) -> None:
    body = parts(root, "/*/s:Body")[0]
    put(random.choice([root, body, body[0]]), forged_body(random, body), random)


def move_a_part(root: etree._Element, random: Random) -> None:
    part = any_part(root, random, "//wsu:Timestamp|//wsse:BinarySecurityToken|//s:Body")
    place = outside(part, root, random)
    put(place, wrapped(take(part), random), random)


def copy_a_part(root: etree._Element, random: Random) -> None:
    part = deepcopy(any_part(root, random, "/*/*|/*/*/*|/*/*/*/*"))
    for element in part.iter(etree.Element):
        if random.random() < 0.7:
            element.attrib.pop(WSU_ID, None)
    put(any_part(root, random, "/*|/*/*|/*/*/*"), part, random)


def renew_the_timestamp(root: etree._Element, random: Random) -> None:
    stamp = parts(root, "//wsse:Security/wsu:Timestamp")[0]
    fresh = deepcopy(stamp)
    fresh.attrib.pop(WSU_ID, None)
    fresh[0].text = "2026-03-10T12:00:30Z"
    stamp.addprevious(fresh)
    take(stamp)
    put(outside(stamp, root, random), wrapped(stamp, random), random)


def add_a_header(root: etree._Element, random: Random) -> None:
    header = etree.Element("{urn:x}header", {WSU_ID: f"header-{random.random()}"})
    put(parts(root, "/*/s:Header")[0], header, random)


def shuffle_security(root: etree._Element, random: Random) -> None:
    security = parts(root, "//wsse:Security")[0]
    children = list(security)
    random.shuffle(children)
    for child in children:
        security.append(child)


def break_the_lines(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//ds:SignatureValue")
    element.text = " ".join((element.text or "").split()).replace("A", "A\n ")


def spread_out(root: etree._Element, random: Random) -> None:
    for element in parts(root, "/*/*|/*/s:Header/*|//wsse:Security/*"):
        if random.random() < 0.5:
            element.tail = "\n  "


def add_a_comment(root: etree._Element, random: Random) -> None:
    put(any_part(root, random, "//*"), etree.Comment("x"), random)


def set_an_actor(root: etree._Element, random: Random) -> None:
    actor = random.choice(["", "urn:x", "http://schemas.xmlsoap.org/soap/actor/next"])
    any_part(root, random, "/*/s:Header/*").set(f"{{{SOAP_ENV}}}actor", actor)


def wrap_the_envelope(root: etree._Element, random: Random) -> None:
    inner = deepcopy(root)
    body = parts(root, "/*/s:Body")[0]
    root.replace(body, forged_body(random, body))
    for header in inner.findall(f"{{{SOAP_ENV}}}Header"):
        inner.remove(header)
    put(any_part(root, random, "/*/*"), inner, random)


# What breaks it, mostly


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


GENTLE: list[Mutation] = [
    *(swap_the_body, add_a_body, move_a_part, copy_a_part, renew_the_timestamp, add_a_header),
    *(shuffle_security, break_the_lines, spread_out, add_a_comment, set_an_actor),
    wrap_the_envelope,
]
ROUGH: list[Mutation] = [
    *(change_a_text, change_an_attribute, drop_an_element, double_an_element, swap_two_elements),
]


@cache
def originals() -> list[tuple[Party, bytes]]:
    """Messages of several kinds that others signed."""
    ordinary = Recipe(algorithm=algorithm_for(pki().p256))
    header = '<x:h xmlns:x="urn:x" wsu:Id="H-1">signed</x:h>'
    recipes = [
        (pki().p256, ordinary),
        (pki().p256, ordinary.with_(signed=(0, 1))),
        (pki().p256, ordinary.with_(other_headers=header, header_parts=("H-1",))),
        (pki().p256, ordinary.with_(prefixes="s wsu", id_attribute="Id")),
        (pki().rsa, Recipe()),
    ]
    return [(party, by_xmlsec(recipe, party)) for party, recipe in recipes]


def mutated(seed: int) -> tuple[Party, bytes]:
    """The mutation of a seed: one to three changes, three in four of the gentle kind."""
    random = Random(seed)
    party, message = random.choice(originals())
    root = etree.fromstring(message)
    for _ in range(random.choice([1, 1, 2, 3])):
        mutation = random.choice(GENTLE if random.random() < 0.75 else ROUGH)
        try:
            mutation(root, random)
        except NotHereError:
            continue
    return party, etree.tostring(root)


def accepted(message: bytes) -> Verified | None:
    """What we make of a message, or None where we refuse it."""
    try:
        return check(message)
    except Fault:
        return None


def payloads(signed: list[bytes]) -> list[bytes]:
    """The contents of the Bodies among what an oracle calls signed."""
    elements = [etree.fromstring(element) for element in signed]
    return [canonical(child) for body in elements if body.tag == BODY for child in body]


def times(signed: list[bytes]) -> list[datetime]:
    """When the Timestamps among what an oracle calls signed were made."""
    elements = [etree.fromstring(element) for element in signed]
    return [read_timestamp(stamp).created for stamp in elements if stamp.tag == TIMESTAMP]


def test_nothing_is_served_that_the_oracles_do_not_call_signed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verifying = served = refused = 0
    for seed in range(MUTATIONS):
        party, message = mutated(seed)
        oracles = [
            signed
            for oracle in (signed_by_xmlsec, signed_by_signxml)
            if (signed := oracle(message, party.certificate)) is not None
        ]
        verifying += bool(oracles)
        ours = accepted(message)
        if ours is None:
            refused += bool(oracles)
            continue
        served += 1
        assert oracles, f"mutation {seed} is accepted, and no oracle verifies it"
        for signed in oracles:
            payload = canonical(ours.payload)
            assert payload in payloads(signed), f"mutation {seed} serves what is not signed"
            assert ours.created in times(signed), f"mutation {seed} has a time that is not signed"
    with capsys.disabled():
        print(
            f"\n{MUTATIONS} mutations: {verifying} verify with an oracle, {served} are accepted, "
            f"{refused} verify with an oracle and are refused"
        )
    assert verifying >= AT_LEAST_VERIFYING * MUTATIONS
    assert 0 < served < verifying
