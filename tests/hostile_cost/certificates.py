"""Certificates that are costly to look at, by strangers and as if the authority had issued them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

NAME = x509.NameAttribute(NameOID.COMMON_NAME, "x")


class Issuer:
    """Writes certificates in the name of the demo's authority."""

    def __init__(self, keys: Path, *, genuine: bool) -> None:
        """Signed by the authority's key if ``genuine``, else by a stranger's."""
        pem = (keys / "authority.pem").read_bytes()
        self._name = x509.load_pem_x509_certificate(pem).subject
        own = load_pem_private_key((keys / "authority.key").read_bytes(), None)
        assert isinstance(own, rsa.RSAPrivateKey)
        self._key = own if genuine else rsa.generate_private_key(65537, 2048)

    def issue(
        self,
        *,
        modulus: int | None = None,
        exponent: int = 65537,
        names: int = 1,
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> bytes:
        """A certificate (DER), for the key of the authority unless a ``modulus`` is given."""
        key = self._key.public_key()
        if modulus is not None:
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([NAME] * names))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)


def modulus(bits: int) -> int:
    """An odd number of so many bits: for verifying, no key is needed to it."""
    return secrets.randbits(bits) | 1 | (1 << (bits - 1))


def costly(keys: Path) -> dict[str, bytes]:
    """The certificates, by what is costly about them."""
    many_names = [x509.SubjectAlternativeName([x509.DNSName("a.be")] * 25_000)]
    many_extensions = [
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{number}"), b"")
        for number in range(3_000)
    ]
    made = {}
    for genuine in (False, True):
        issuer, who = Issuer(keys, genuine=genuine), "issued" if genuine else "forged"
        made |= {
            f"{who}: a subject of many parts": issuer.issue(names=11_000),
            f"{who}: many alternative names": issuer.issue(extensions=many_names),
            f"{who}: many extensions": issuer.issue(extensions=many_extensions),
            f"{who}: RSA of 16384 bits": issuer.issue(modulus=modulus(16_384), exponent=2**64 - 1),
            f"{who}: RSA of 200000 bits": issuer.issue(modulus=modulus(200_000)),
            f"{who}: a long exponent": issuer.issue(
                modulus=modulus(3_072), exponent=modulus(3_071)
            ),
        }
    return made
