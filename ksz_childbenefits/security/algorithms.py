"""The algorithms that are accepted, each by its URI, and how each is checked (SECURITY 3).

What is not in these tables does not exist for this service: no SHA-1, MD5, HMAC or DSA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeGuard

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ksz_childbenefits.errors import FailedCheck

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

MIN_RSA_BITS: Final = 2048
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED_SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

_XMLENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_MORE_2001: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"


class Scheme(Enum):
    """How a signature value is made of a key and a hash."""

    RSA_PKCS1 = "RSA PKCS#1 v1.5"
    RSA_PSS = "RSA PSS"
    ECDSA = "ECDSA"


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature algorithm of XML Signature, by its URI."""

    uri: str
    scheme: Scheme
    hash: hashes.HashAlgorithm


def _signature_algorithms() -> dict[str, SignatureAlgorithm]:
    """RFC 9231: PKCS#1 v1.5 and ECDSA; PSS with its parameters fixed by the URI."""
    table = {}
    for hash_ in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        for uri, scheme in (
            (f"{_MORE_2001}rsa-{hash_.name}", Scheme.RSA_PKCS1),
            (f"{_MORE_2007}{hash_.name}-rsa-MGF1", Scheme.RSA_PSS),
            (f"{_MORE_2001}ecdsa-{hash_.name}", Scheme.ECDSA),
        ):
            table[uri] = SignatureAlgorithm(uri, scheme, hash_)
    return table


SIGNATURE_ALGORITHMS: Final[Mapping[str, SignatureAlgorithm]] = _signature_algorithms()

Digest = Callable[[bytes], bytes]


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha384(data: bytes) -> bytes:
    return hashlib.sha384(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


DIGEST_ALGORITHMS: Final[Mapping[str, Digest]] = {
    f"{_XMLENC}sha256": _sha256,
    f"{_MORE_2001}sha384": _sha384,
    f"{_XMLENC}sha512": _sha512,
}
SHA256_DIGEST: Final = f"{_XMLENC}sha256"


def is_accepted(key: object, rsa_bits: int = MIN_RSA_BITS) -> TypeGuard[PublicKey]:
    """Whether a public key is RSA of at least ``rsa_bits``, or on P-256, P-384 or P-521."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= rsa_bits
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES)


def coordinate_bytes(curve: ec.EllipticCurve) -> int:
    """Length of r and of s in an ECDSA signature value (RFC 9231, 2.3.6)."""
    return (curve.key_size + 7) // 8


def verify_signature(
    algorithm: SignatureAlgorithm, key: PublicKey, signature: bytes, data: bytes
) -> None:
    """Refuse with FailedCheck unless ``signature`` over ``data`` was made with ``key``."""
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.scheme is not Scheme.ECDSA:
            key.verify(signature, data, _rsa_padding(algorithm), algorithm.hash)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.scheme is Scheme.ECDSA:
            key.verify(_der(signature, key.curve), data, ec.ECDSA(algorithm.hash))
        else:
            raise FailedCheck(f"{algorithm.scheme.value} with a key of another kind")
    except InvalidSignature:
        raise FailedCheck("the signature value does not verify") from None


def _rsa_padding(algorithm: SignatureAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.scheme is Scheme.RSA_PKCS1:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(algorithm.hash), algorithm.hash.digest_size)


def _der(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    """An ECDSA value r ‖ s of XML Signature, as the DER that OpenSSL reads."""
    size = coordinate_bytes(curve)
    if len(signature) != 2 * size:
        raise FailedCheck("an ECDSA signature value of the wrong length for its curve")
    r, s = signature[:size], signature[size:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
