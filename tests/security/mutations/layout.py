"""Mutations before a message is sealed: what a customer with a good key might sign.

The seal is xmlsec's, which does what the message asks for; what it cannot do is left unsealed.
"""

from __future__ import annotations

import base64
from copy import deepcopy
from random import Random

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, EC, SOAP_ENV, WSSE, WSU
from tests.security.messages import ENVELOPED
from tests.security.mutations.trees import BODY, WSU_ID, any_part, part, parts, put, take
from tests.security.pki import pki

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14NS = [EC, EC, f"{EC}WithComments", INCLUSIVE, "http://www.w3.org/2006/12/xml-c14n11"]
DIGESTS = [
    *(f"{XENC}sha256", f"{MORE}sha384", f"{XENC}sha512"),
    *(f"{DSIG}sha1", f"{MORE}sha224", f"{MORE_2007}sha3-256"),
]
SIGNATURES = [f"{MORE}{kind}-sha{bits}" for kind in ("rsa", "ecdsa") for bits in (256, 384, 512)]
SIGNATURES += [f"{DSIG}rsa-sha1", f"{MORE}ecdsa-sha1", f"{MORE}rsa-sha224"]
SIGNATURES += [f"{MORE_2007}sha{bits}-rsa-MGF1" for bits in (1, 256, 384, 512)]
PREFIXES = ["s", "wsse", "wsu", "ds", "intf", "ec", "#default", "unbound"]


def reference(uri: str, transforms: str = f'<ds:Transform Algorithm="{EC}"/>') -> etree._Element:
    return etree.fromstring(
        f'<ds:Reference xmlns:ds="{DS}" URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{XENC}sha256"/><ds:DigestValue/></ds:Reference>'
    )


# References


def reorder_references(root: etree._Element, random: Random) -> None:
    references = parts(root, "//ds:Reference")
    random.shuffle(references)
    for one in references:
        part(root, "//ds:SignedInfo").append(one)


def drop_a_reference(root: etree._Element, random: Random) -> None:
    take(any_part(root, random, "//ds:Reference"))


def double_a_reference(root: etree._Element, random: Random) -> None:
    one = any_part(root, random, "//ds:Reference")
    for _ in range(random.choice([1, 1, 2, 7])):
        one.addnext(deepcopy(one))


def sign_something_else_too(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//*[not(self::ds:*) and not(ancestor::ds:Signature)]")
    name = element.get(WSU_ID) or f"more-{random.randrange(10**6)}"
    element.set(WSU_ID, name)
    part(root, "//ds:SignedInfo").append(reference(f"#{name}"))


def sign_a_header_too(root: etree._Element, random: Random) -> None:
    header = etree.Element("{urn:x}h", {WSU_ID: f"h-{random.randrange(10**6)}"})
    header.text = "signed"
    put(part(root, "/*/s:Header"), header, random)
    part(root, "//ds:SignedInfo").append(reference(f"#{header.get(WSU_ID)}"))


def say_more_of_a_reference(root: etree._Element, random: Random) -> None:
    one = any_part(root, random, "//ds:Reference")
    name, value = random.choice([("Type", f"{DSIG}Object"), ("Id", "R-1"), ("Type", "urn:x")])
    one.set(name, value)


def point_elsewhere(root: etree._Element, random: Random) -> None:
    uris = ["", "#", "#xpointer(/)", "#xpointer(id('Body-1'))", "#nowhere", "#X509-1", "cid:x"]
    any_part(root, random, "//ds:Reference").set("URI", random.choice(uris))


# Transforms


def another_c14n(root: etree._Element, random: Random) -> None:
    path = "//ds:Transform|//ds:CanonicalizationMethod"
    any_part(root, random, path).set("Algorithm", random.choice(C14NS))


def a_prefix_list(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//ds:Transform|//ds:CanonicalizationMethod")
    for old in list(element):
        element.remove(old)
    chosen = " ".join(random.choices(PREFIXES, k=random.randint(0, 5)))
    etree.SubElement(element, f"{{{EC}}}InclusiveNamespaces", {"PrefixList": chosen})


def an_enveloped_transform(root: etree._Element, random: Random) -> None:
    transforms = any_part(root, random, "//ds:Transforms")
    transform = etree.Element(f"{{{DS}}}Transform", {"Algorithm": ENVELOPED})
    transforms.insert(random.choice([0, 0, 0, len(transforms)]), transform)


def a_transform_twice(root: etree._Element, random: Random) -> None:
    one = any_part(root, random, "//ds:Transform")
    one.addnext(deepcopy(one))


def no_transforms(root: etree._Element, random: Random) -> None:
    take(any_part(root, random, "//ds:Reference/ds:Transforms|//ds:Transform"))


def an_xpath(root: etree._Element, random: Random) -> None:
    said = random.choice(["true()", "not(ancestor-or-self::ssin)", "not(self::text())"])
    transform = etree.fromstring(
        f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        f"<ds:XPath>{said}</ds:XPath></ds:Transform>"
    )
    any_part(root, random, "//ds:Transforms").insert(0, transform)


# Algorithms


def another_digest(root: etree._Element, random: Random) -> None:
    any_part(root, random, "//ds:DigestMethod").set("Algorithm", random.choice(DIGESTS))


def another_signature(root: etree._Element, random: Random) -> None:
    part(root, "//ds:SignatureMethod").set("Algorithm", random.choice(SIGNATURES))


def digests_all_alike(root: etree._Element, random: Random) -> None:
    chosen = random.choice(DIGESTS[:3])
    for method in parts(root, "//ds:DigestMethod"):
        method.set("Algorithm", chosen)


# Ids


def another_kind_of_id(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//*[@wsu:Id]")
    value = element.attrib.pop(WSU_ID)
    element.set(random.choice(["Id", "Id", "ID", "id"]), str(value))


def other_names(root: etree._Element, random: Random) -> None:
    """Every id gets another name, in references too."""
    suffix = random.choice(["-x", ".1", "é", " ", "x" * 200])
    for element in root.iter(etree.Element):
        for name in (WSU_ID, "Id"):
            if (value := element.get(name)) is not None:
                element.set(name, f"{value}{suffix}")
        if (uri := element.get("URI")) is not None:
            element.set("URI", f"{uri}{suffix}")


def more_ids(root: etree._Element, random: Random) -> None:
    element = any_part(root, random, "//*[not(ancestor-or-self::ds:*)]")
    name = random.choice(["Id", "ID", "id", WSU_ID])
    if element.get(name) is None:
        element.set(name, f"more-{random.randrange(10**6)}")


# Header and Body


def other_children_of_security(root: etree._Element, random: Random) -> None:
    xml = random.choice(["<wsse:UsernameToken/>", "<x:a xmlns:x='urn:x'/>", "<wsu:Created/>"])
    element = etree.fromstring(f'<r xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">{xml}</r>')[0]
    put(part(root, "//wsse:Security"), element, random)


def another_question(root: etree._Element, random: Random) -> None:
    """The customer asks something else, or nonsense: it is signed all the same."""
    element = any_part(root, random, "/*/s:Body/*//*")
    element.text = random.choice(["", "x", "85073003328", "2024-01", "é漢", "\n", "]]>"])


def attributes_of_body(root: etree._Element, random: Random) -> None:
    names = ["a", "{urn:x}b", f"{{{SOAP_ENV}}}encodingStyle"]
    any_part(root, random, "/*/s:Body|/*/s:Body//*").set(random.choice(names), " v\t&<\n ")


def two_bodies(root: etree._Element, random: Random) -> None:
    body = etree.Element(BODY)
    body.append(deepcopy(part(root, "/*/s:Body/*")))
    put(root, body, random)


# Certificates


def another_token(root: etree._Element, random: Random) -> None:
    """A token of somebody else, signed with the same key as before."""
    other = random.choice([pki().indirect, pki().stranger, pki().expired, pki().p384, pki().rsa])
    der = other.certificate.public_bytes(Encoding.DER)
    part(root, "//wsse:BinarySecurityToken").text = base64.b64encode(der).decode()


def other_words_for_the_token(root: etree._Element, random: Random) -> None:
    token = part(root, "//wsse:BinarySecurityToken")
    name = random.choice(list(token.attrib))
    if random.random() < 0.5:
        del token.attrib[name]
    else:
        token.set(name, f"{token.get(name)}x")


def other_key_info(root: etree._Element, random: Random) -> None:
    info = part(root, "//ds:KeyInfo")
    if random.random() < 0.5:
        etree.SubElement(info, f"{{{DS}}}KeyName").text = "x"
    else:
        part(info, "//wsse:SecurityTokenReference").set("Id", "STR-1")
