"""Signature values over bytes, made and checked: of our own messages, of the marks of the audit."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ksz_childbenefits.errors import FailedCheck
from ksz_childbenefits.security.algorithms import (
    SIGNATURE_ALGORITHMS,
    PrivateKey,
    PublicKey,
    Scheme,
    SignatureAlgorithm,
    coordinate_bytes,
    is_accepted,
    verify_signature,
)


def algorithm_for(key: PrivateKey | PublicKey) -> SignatureAlgorithm:
    """RSA-SHA256, and for EC the hash that is as strong as the curve."""
    scheme, size = Scheme.RSA_PKCS1, 256
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        scheme, size = Scheme.ECDSA, min(key.curve.key_size, 512)
    (found,) = (
        algorithm
        for algorithm in SIGNATURE_ALGORITHMS.values()
        if algorithm.scheme is scheme and algorithm.hash.digest_size * 8 == size
    )
    return found


def signature_value(key: PrivateKey, data: bytes) -> bytes:
    """A signature by ``algorithm_for`` the key, in the form of XML Signature."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    size = coordinate_bytes(key.curve)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(algorithm_for(key).hash)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def is_signed(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    """Whether ``signature_value`` over ``data`` was made with the certificate's key."""
    key = certificate.public_key()
    if not is_accepted(key):
        return False
    try:
        verify_signature(algorithm_for(key), key, signature, data)
    except FailedCheck:
        return False
    return True
