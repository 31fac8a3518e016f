"""Signed requests, made by others than our own signer: xmlsec, signxml and zeep.

``Recipe`` says how a stack writes its message; xmlsec fills in digests and signature. The message
is a text, so that what a stack writes can be read here as it stands on the wire.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import xmlsec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod
from signxml.signer import XMLSigner
from zeep.wsse import signature as zeep_signature
from zeep.wsse import utils as zeep_utils

from ksz_childbenefits.contract.namespaces import DS, EC, INTF, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.security.tokens import BASE64_BINARY, X509V3
from tests.security.pki import NOW, Party

_signature_of_zeep: Any = zeep_signature  # zeep has no types
_utils_of_zeep: Any = zeep_utils

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
NAMESPACES = {"s": SOAP_ENV, "wsse": WSSE, "wsu": WSU, "ds": DS, "intf": INTF, "ec": EC}

PAYLOAD = (
    f'<intf:consultFilesBySsinRequest xmlns:intf="{INTF}">'
    "<criteria><ssin>85073003328</ssin><period><beginMonth>2024-01</beginMonth></period></criteria>"
    "</intf:consultFilesBySsinRequest>"
)
FORGED = PAYLOAD.replace("85073003328", "80010100175")


@dataclass(frozen=True)
class Recipe:
    """How a message is written; the defaults are those of the most ordinary client."""

    algorithm: str = RSA_SHA256
    digest: str = SHA256
    created: datetime = NOW
    expires: timedelta | None = timedelta(minutes=5)
    zone: str = "Z"
    id_attribute: str = "wsu:Id"
    ids: tuple[str, str, str] = ("Body-1", "TS-1", "X509-1")
    order: str = "timestamp token signature"
    signed: tuple[int, ...] = (0, 1, 2)
    prefixes: str | None = None
    before: str = ""
    key_info: str | None = None
    token_attributes: str = f'ValueType="{X509V3}" EncodingType="{BASE64_BINARY}"'
    security_attributes: str = 's:mustUnderstand="1"'
    root_attributes: str = ""
    other_headers: str = ""
    header_parts: tuple[str, ...] = ()
    payload: str = PAYLOAD
    base64_lines: bool = False

    def with_(self, **changes: object) -> Recipe:
        return replace(self, **changes)  # type: ignore[arg-type]


def algorithm_for(party: Party, bits: int = 256) -> str:
    kind = "ecdsa" if isinstance(party.key, ec.EllipticCurvePrivateKey) else "rsa"
    return f"{MORE}{kind}-sha{bits}"


def unsigned(recipe: Recipe, party: Party) -> str:
    """The message with the places of digests and signature empty."""
    body, stamp, token = recipe.ids
    identifier = recipe.id_attribute
    der = party.certificate.public_bytes(Encoding.DER)
    encoded = (base64.encodebytes if recipe.base64_lines else base64.b64encode)(der).decode()
    parts = {
        "timestamp": f'<wsu:Timestamp {identifier}="{stamp}">{_times(recipe)}</wsu:Timestamp>',
        "token": f'<wsse:BinarySecurityToken {recipe.token_attributes} {identifier}="{token}">'
        f"{encoded}</wsse:BinarySecurityToken>",
        "signature": _signature(recipe),
    }
    security = "".join(parts[name] for name in recipe.order.split())
    return (
        f'<s:Envelope xmlns:s="{SOAP_ENV}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" '
        f"{recipe.root_attributes}><s:Header>{recipe.other_headers}"
        f"<wsse:Security {recipe.security_attributes}>{security}</wsse:Security></s:Header>"
        f'<s:Body {identifier}="{body}">{recipe.payload}</s:Body></s:Envelope>'
    )


def _times(recipe: Recipe) -> str:
    def written(moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06}"[:3] + recipe.zone

    created = f"<wsu:Created>{written(recipe.created)}</wsu:Created>"
    if recipe.expires is None:
        return created
    return f"{created}<wsu:Expires>{written(recipe.created + recipe.expires)}</wsu:Expires>"


def _signature(recipe: Recipe) -> str:
    inclusive = ""
    if recipe.prefixes is not None:
        inclusive = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="{recipe.prefixes}"/>'
    identifiers = [recipe.ids[index] for index in recipe.signed] + list(recipe.header_parts)
    references = "".join(
        f'<ds:Reference URI="#{identifier}"><ds:Transforms>{recipe.before}'
        f'<ds:Transform Algorithm="{EC}">{inclusive}</ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{recipe.digest}"/><ds:DigestValue/></ds:Reference>'
        for identifier in identifiers
    )
    key_info = recipe.key_info
    if key_info is None:
        key_info = f'<wsse:Reference URI="#{recipe.ids[2]}" ValueType="{X509V3}"/>'
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EC}">{inclusive}</ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{recipe.algorithm}"/>{references}</ds:SignedInfo>'
        f"<ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference>{key_info}"
        "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
    )


def by_xmlsec(recipe: Recipe, party: Party) -> bytes:
    """The message, signed by xmlsec."""
    return filled_in(unsigned(recipe, party), party)


def filled_in(text: str, party: Party) -> bytes:
    """A message as it stands, with its digests and signature filled in by xmlsec."""
    root = etree.fromstring(text)
    signature = find(root, "//ds:Signature")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(party.key_pem, xmlsec.constants.KeyDataFormatPem)
    register_identifiers(context, root)
    context.sign(signature)
    return etree.tostring(root)


def register_identifiers(context: xmlsec.SignatureContext, root: etree._Element) -> None:
    """Tell xmlsec, which knows no schema, what an identifier is."""
    for element in root.iter(etree.Element):
        if element.get(f"{{{WSU}}}Id") is not None:
            context.register_id(element, "Id", WSU)
        if element.get("Id") is not None:
            context.register_id(element, "Id")


def by_signxml(party: Party, recipe: Recipe | None = None) -> bytes:
    """The same message, signed by signxml."""
    recipe = recipe or Recipe()
    root = etree.fromstring(unsigned(recipe, party))
    placeholder = find(root, "//ds:Signature")
    key_info = find(placeholder, "ds:KeyInfo")
    assert not isinstance(party.key, ed25519.Ed25519PrivateKey)
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=algorithm_for(party).rpartition("#")[2],
        digest_algorithm="sha256",
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    signature = signer.sign(
        root,
        key=party.key,
        cert=[party.certificate],
        reference_uri=[f"#{recipe.ids[index]}" for index in recipe.signed],
        key_info=key_info,
    )
    parent = placeholder.getparent()
    assert parent is not None
    parent.replace(placeholder, signature)
    return etree.tostring(root)


def by_zeep(party: Party, folder: Path, payload: str = PAYLOAD) -> bytes:
    """The message as zeep's BinarySignature signs it, with the Timestamp that zeep lets one add."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_bytes(party.key_pem)
    certificate.write_bytes(party.certificate_pem)
    root = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Header/><s:Body>{payload}</s:Body></s:Envelope>'
    )
    wsu, written = _utils_of_zeep.WSU, _utils_of_zeep.get_timestamp
    stamp = wsu.Timestamp(
        wsu.Created(written(NOW)),
        wsu.Expires(written(NOW + timedelta(minutes=5))),
    )
    _utils_of_zeep.get_security_header(root).append(stamp)
    algorithm = (
        xmlsec.constants.TransformEcdsaSha256
        if isinstance(party.key, ec.EllipticCurvePrivateKey)
        else xmlsec.constants.TransformRsaSha256
    )
    signer = _signature_of_zeep.BinarySignature(
        str(key), str(certificate), None, algorithm, xmlsec.constants.TransformSha256
    )
    envelope, _ = signer.apply(root, {})
    return etree.tostring(envelope)


def find(element: etree._Element, path: str) -> etree._Element:
    """The one element at an XPath."""
    found = element.xpath(path, namespaces=NAMESPACES)
    assert isinstance(found, list), path
    (one,) = found
    assert isinstance(one, etree._Element), path
    return one
