"""Second opinions: signxml and xmlsec, used as a naive verifier would use them.

Each gives the canonical form of the elements that it calls signed, or None when it refuses. They
look for identifiers anywhere in the message, which is what wrapping attacks live on.
"""

from __future__ import annotations

import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature as CryptographyInvalid
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.exceptions import InvalidCertificate, InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.contract.namespaces import WSU
from tests.security.messages import NAMESPACES, register_identifiers
from tests.security.pki import NOW


def signed_by_xmlsec(message: bytes, certificate: x509.Certificate) -> list[bytes] | None:
    """What xmlsec finds signed with the certificate's key."""
    root = etree.fromstring(message)
    signature = _first_signature(root)
    if signature is None:
        return None
    context = xmlsec.SignatureContext()
    try:
        context.key = xmlsec.Key.from_memory(
            certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem
        )
        register_identifiers(context, root)
        context.verify(signature)
    except xmlsec.Error:
        return None
    return [_canonical(_by_identifier(root, uri)) for uri in _references(signature)]


def signed_by_signxml(message: bytes, certificate: x509.Certificate) -> list[bytes] | None:
    """What signxml finds signed with the certificate's key."""
    root = etree.fromstring(message)
    signature = _first_signature(root)
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
    except (
        InvalidSignature,
        InvalidInput,
        InvalidCertificate,
        CryptographyInvalid,
        ValueError,
        etree.LxmlError,
    ):
        return None
    found = results if isinstance(results, list) else [results]
    return [result.signed_data for result in found]


def _first_signature(root: etree._Element) -> etree._Element | None:
    found = root.xpath("./s:Header/wsse:Security/ds:Signature", namespaces=NAMESPACES)
    assert isinstance(found, list)
    return found[0] if found and isinstance(found[0], etree._Element) else None


def _references(signature: etree._Element) -> list[str]:
    found = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces=NAMESPACES)
    assert isinstance(found, list)
    return [str(uri).lstrip("#") for uri in found]


def _by_identifier(root: etree._Element, identifier: str) -> etree._Element:
    for element in root.iter(etree.Element):
        if identifier in (element.get(f"{{{WSU}}}Id"), element.get("Id")):
            return element
    raise AssertionError("xmlsec verified a reference to nothing")


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
