"""Certificates that anyone can make who has seen a customer's: its names, without its authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import Forgery

_DAY: Final = timedelta(days=1)

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Forger:
    """Makes certificates with the names and the number of ``own``, as if it were ``now``.

    ``service``: the certificate of the service; ``address``: what must not be fetched.
    """

    own: Identity
    service: x509.Certificate
    address: str
    now: datetime

    def forge(self, issuer: Forgery) -> Identity:
        """A certificate of a new key, issued by whom ``issuer`` says.

        That of "the customer" is signed with the customer's own key, as if its certificate were an
        authority's; one "of the service's names" has those of ``service``.
        """
        key = _key(issuer)
        signers: dict[str, _Key] = {
            "an authority of the same name": ec.generate_private_key(ec.SECP256R1()),
            "the customer": self.own.key,
        }
        like = self.service if issuer == "itself, of the service's names" else self.own.certificate
        name = self.own.certificate.subject if issuer == "the customer" else like.issuer
        builder = self._builder(like, name, key)
        if issuer == "itself, with addresses":
            builder = self._with_addresses(builder)
        return Identity(key, builder.sign(signers.get(issuer, key), hashes.SHA256()))

    def _builder(
        self, like: x509.Certificate, issuer: x509.Name, key: _Key
    ) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(like.subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(like.serial_number)
            .not_valid_before(self.now - _DAY)
            .not_valid_after(self.now + _DAY)
        )
        for extension in like.extensions:
            if not isinstance(extension.value, x509.SubjectKeyIdentifier):
                builder = builder.add_extension(extension.value, extension.critical)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return builder.add_extension(identifier, critical=False)

    def _with_addresses(self, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        """Say where its issuer's certificate, its status and its revocation list lie."""
        where = [x509.UniformResourceIdentifier(self.address)]
        methods = (AuthorityInformationAccessOID.CA_ISSUERS, AuthorityInformationAccessOID.OCSP)
        access = [x509.AccessDescription(method, where[0]) for method in methods]
        point = x509.DistributionPoint(where, None, None, None)
        return builder.add_extension(
            x509.AuthorityInformationAccess(access), critical=False
        ).add_extension(x509.CRLDistributionPoints([point]), critical=False)


def _key(issuer: Forgery) -> _Key:
    if issuer == "itself, RSA 1024":
        return _short_key()
    curve = ec.SECP256K1() if issuer == "itself, secp256k1" else ec.SECP256R1()
    return ec.generate_private_key(curve)


@cache
def _short_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - refused
