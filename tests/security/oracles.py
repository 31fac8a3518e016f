"""Second opinions: signxml and xmlsec, used as a naive verifier would use them.

Each gives the canonical form of the elements that it calls signed, or None when it refuses. They
look for identifiers anywhere in the message, which is what wrapping attacks live on.
"""

from __future__ import annotations

import re

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.contract.namespaces import DS, WSU
from tests.security.messages import NAMESPACES, register_identifiers
from tests.security.pki import NOW

_BY_XPOINTER = re.compile(r"#xpointer\(id\('([^']*)'\)\)")


def signed_by_xmlsec(message: bytes, certificate: x509.Certificate) -> list[bytes] | None:
    """What xmlsec finds signed with the certificate's key, by the first signature that holds."""
    root = _parsed(message)
    if root is None:
        return None
    for signature in root.iter(f"{{{DS}}}Signature"):
        if _holds(root, signature, certificate):
            found = (_by_reference(root, uri) for uri in _references(signature))
            return [_canonical(element) for element in found if element is not None]
    return None


def _holds(root: etree._Element, signature: etree._Element, certificate: x509.Certificate) -> bool:
    context = xmlsec.SignatureContext()
    try:
        context.key = xmlsec.Key.from_memory(
            certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem
        )
        register_identifiers(context, root)
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def signed_by_signxml(message: bytes, certificate: x509.Certificate) -> list[bytes] | None:
    """What signxml finds signed with the certificate's key."""
    root = _parsed(message)
    signature = None if root is None else _first_signature(root)
    if signature is None:
        return None
    configuration = SignatureConfiguration(
        expect_references=len(_references(signature)),
        location="./*/*/",
        verification_time=NOW,
    )
    try:
        results = XMLVerifier().verify(
            message, x509_cert=certificate, expect_config=configuration, validate_schema=False
        )
    except Exception:  # noqa: BLE001 - whatever it says, it does not say yes
        return None
    found = results if isinstance(results, list) else [results]
    return [result.signed_data for result in found]


def _parsed(message: bytes) -> etree._Element | None:
    """The tree as others parse it: comments and instructions stay in it."""
    try:
        return etree.fromstring(message, etree.XMLParser(collect_ids=False))
    except etree.XMLSyntaxError:
        return None


def _first_signature(root: etree._Element) -> etree._Element | None:
    found = root.xpath("./s:Header/wsse:Security/ds:Signature", namespaces=NAMESPACES)
    assert isinstance(found, list)
    return found[0] if found and isinstance(found[0], etree._Element) else None


def _references(signature: etree._Element) -> list[str]:
    found = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces=NAMESPACES)
    assert isinstance(found, list)
    return [str(uri) for uri in found]


def _by_reference(root: etree._Element, uri: str) -> etree._Element | None:
    """What a reference names: the whole for an empty one; None for what is no plain identifier."""
    if uri == "":
        return root
    by_xpointer = _BY_XPOINTER.fullmatch(uri)
    identifier = by_xpointer[1] if by_xpointer else uri.removeprefix("#")
    for element in root.iter(etree.Element):
        if identifier in (element.get(f"{{{WSU}}}Id"), element.get("Id")):
            return element
    return None


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
