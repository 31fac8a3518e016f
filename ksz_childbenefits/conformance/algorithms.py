"""Names and computations of the algorithms that a case can ask for, good and bad ones alike."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import Algorithm, Canonical, Digest

_XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_XMLENC = "http://www.w3.org/2001/04/xmlenc#"

DIGESTS: Final[dict[Digest, str]] = {
    "md5": f"{_MORE}md5",
    "sha1": f"{_XMLDSIG}sha1",
    "sha256": f"{_XMLENC}sha256",
    "sha384": f"{_MORE}sha384",
    "sha512": f"{_XMLENC}sha512",
}
CANONICALS: Final[dict[Canonical, str]] = {
    "exclusive": "http://www.w3.org/2001/10/xml-exc-c14n#",
    "exclusive with comments": "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "inclusive": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
}
ENVELOPED: Final = f"{_XMLDSIG}enveloped-signature"

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - cases show that it is refused
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def canonical(element: etree._Element, method: Canonical, prefixes: tuple[str, ...]) -> bytes:
    """The canonical form of ``element``; ``prefixes`` is the list of InclusiveNamespaces."""
    return etree.tostring(
        element,
        method="c14n",
        exclusive=method != "inclusive",
        with_comments=method == "exclusive with comments",
        inclusive_ns_prefixes=list(prefixes) or None,
    )


def digest(data: bytes, name: Digest) -> bytes:
    """The digest of ``data``."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


def signature_uri(algorithm: Algorithm, identity: Identity) -> str:
    """The algorithm's name in SignatureMethod; RSA or ECDSA follows from the key."""
    if algorithm == "hmac-sha256":
        return f"{_MORE}hmac-sha256"
    name, _, scheme = algorithm.partition("-")
    if scheme == "pss":
        return f"http://www.w3.org/2007/05/xmldsig-more#{name}-rsa-MGF1"
    family = "rsa" if isinstance(identity.key, rsa.RSAPrivateKey) else "ecdsa"
    namespace = _XMLDSIG if (family, name) == ("rsa", "sha1") else _MORE
    return f"{namespace}{family}-{name}"


def signature(data: bytes, algorithm: Algorithm, identity: Identity) -> bytes:
    """The signature value over ``data``; "hmac-sha256" is keyed with the public key (an attack)."""
    if algorithm == "hmac-sha256":
        public = identity.certificate.public_key()
        secret = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        code = hmac.HMAC(secret, hashes.SHA256())
        code.update(data)
        return code.finalize()
    name, _, scheme = algorithm.partition("-")
    hash_algorithm = _HASHES[name]
    if isinstance(identity.key, ec.EllipticCurvePrivateKey):
        return _ecdsa(identity.key, data, hash_algorithm)
    if scheme == "pss":
        pss = padding.PSS(padding.MGF1(hash_algorithm), hash_algorithm.digest_size)
        return identity.key.sign(data, pss, hash_algorithm)
    return identity.key.sign(data, padding.PKCS1v15(), hash_algorithm)


def _ecdsa(
    key: ec.EllipticCurvePrivateKey, data: bytes, hash_algorithm: hashes.HashAlgorithm
) -> bytes:
    """The two numbers side by side, as XML Signature wants them (not DER)."""
    size = (key.key_size + 7) // 8
    first, second = decode_dss_signature(key.sign(data, ec.ECDSA(hash_algorithm)))
    return first.to_bytes(size, "big") + second.to_bytes(size, "big")
