"""A public key infrastructure for tests: made once per run, in memory.

``pki()`` has an authority with customers of every kind, good and bad. Keys are made when they are
first asked for and then kept, for RSA keys are slow to make. Other rooms' tests may use all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.trust import Anchor, Intermediate, Trust, TrustPolicy

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""The real time that the tests of this room pretend."""

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2040, 1, 1, tzinfo=UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; the same one for the same number."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(
    number: int = 0, curve: type[ec.EllipticCurve] = ec.SECP256R1
) -> ec.EllipticCurvePrivateKey:
    """An EC key; the same one for the same number."""
    del number
    return ec.generate_private_key(curve())


@dataclass(frozen=True)
class Party:
    """Someone with a key and a certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def credentials(self) -> ServiceCredentials:
        assert not isinstance(self.key, ed25519.Ed25519PrivateKey)
        return ServiceCredentials(self.key, self.certificate)


def subject(common_name: str, cbe_number: str | None = None) -> x509.Name:
    """A Belgian subject; the CBE number stands in its serialNumber (SECURITY 3)."""
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "BE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests, Inc."),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if cbe_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, cbe_number))
    return x509.Name(attributes)


def key_usage(*names: str) -> x509.KeyUsage:
    """A keyUsage with only these set."""
    every = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{name: name in names for name in every})


def issue(
    issuer: Party | None,
    name: x509.Name,
    key: Key,
    *extensions: x509.ExtensionType,
    begin: datetime = BEGIN,
    end: datetime = END,
    hash_: Hash | None = None,
    pss: bool = False,
) -> Party:
    """A certificate by ``issuer`` (None: by itself)."""
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    for extension in extensions:
        critical = extension.oid != x509.CRLDistributionPoints.oid  # RFC 5280, 4.2.1.13
        builder = builder.add_extension(extension, critical)
    digest = hash_ or hashes.SHA256()
    pss_padding = padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else None
    return Party(key, builder.sign(signer, digest, rsa_padding=pss_padding))


def authority(
    common_name: str, key: Key, issuer: Party | None = None, path_length: int | None = None
) -> Party:
    """A certificate authority."""
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    usage = key_usage("key_cert_sign", "crl_sign")
    return issue(issuer, subject(common_name), key, constraints, usage)


def customer(
    issuer: Party, common_name: str, key: Key, cbe_number: str | None = None, *usages: str
) -> Party:
    """A certificate for signing messages."""
    usage = key_usage(*(usages or ("digital_signature",)))
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    return issue(issuer, subject(common_name, cbe_number), key, constraints, usage)


def revocation_list(
    issuer: Party,
    *revoked: Party,
    begin: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + timedelta(days=1),
    signer: Party | None = None,
    extension: x509.ExtensionType | None = None,
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    """A revocation list of ``issuer``, signed by ``signer`` (by default itself)."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(begin).next_update(end)
    for party in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(party.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(begin).build())
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    key = (signer or issuer).key
    assert not isinstance(key, ed25519.Ed25519PrivateKey)
    return builder.sign(key, hashes.SHA256()).public_bytes(encoding)


@dataclass(frozen=True)
class Pki:
    """An authority, an intermediate under it, and who has certificates of them."""

    root: Party
    intermediate: Party
    service: Party
    rsa: Party
    p256: Party
    p384: Party
    p521: Party
    indirect: Party
    non_repudiation: Party
    expired: Party
    future: Party
    revoked: Party
    encipherer: Party
    short: Party
    edwards: Party
    stranger_root: Party
    stranger: Party
    good: tuple[Party, ...] = field(default=())

    def write_lists(self, folder: Path) -> tuple[Path, Path]:
        """Write fresh revocation lists of the root and the intermediate."""
        paths = folder / "root.crl", folder / "intermediate.crl"
        paths[0].write_bytes(revocation_list(self.root, self.revoked))
        paths[1].write_bytes(revocation_list(self.intermediate))
        return paths

    def policy(self, root_list: Path | None = None, list_: Path | None = None) -> TrustPolicy:
        """A policy with the root as anchor; None: "no CRL" was chosen."""
        return TrustPolicy(
            (Anchor(self.root.certificate, root_list),),
            (Intermediate(self.intermediate.certificate, list_),),
        )

    def trust(self) -> Trust:
        """Trust without revocation lists."""
        return Trust(self.policy())


@cache
def pki() -> Pki:
    """The one infrastructure of a test run."""
    root = authority("Root", rsa_key(0))
    intermediate = authority("Intermediate", ec_key(0), root, path_length=0)
    stranger_root = authority("Root", rsa_key(3))
    past, soon = NOW - timedelta(days=1), NOW + timedelta(days=1)
    usage = key_usage("digital_signature")
    by_rsa = customer(root, "Fedris", rsa_key(1), "0206734318")
    by_p256 = customer(root, "P-256", ec_key(1))
    by_p384 = customer(root, "P-384", ec_key(0, ec.SECP384R1))
    by_p521 = customer(root, "P-521", ec_key(0, ec.SECP521R1))
    return Pki(
        root=root,
        intermediate=intermediate,
        service=customer(root, "Service", rsa_key(2)),
        rsa=by_rsa,
        p256=by_p256,
        p384=by_p384,
        p521=by_p521,
        indirect=customer(intermediate, "Indirect", ec_key(2)),
        non_repudiation=customer(root, "Notary", ec_key(3), None, "content_commitment"),
        expired=issue(root, subject("Expired"), ec_key(4), usage, end=past),
        future=issue(root, subject("Future"), ec_key(4), usage, begin=soon),
        revoked=customer(root, "Revoked", ec_key(5)),
        encipherer=customer(root, "Encipherer", ec_key(6), None, "key_encipherment"),
        short=customer(root, "Short", rsa_key(0, 1024)),
        edwards=customer(root, "Edwards", ed25519.Ed25519PrivateKey.generate()),
        stranger_root=stranger_root,
        stranger=customer(stranger_root, "Fedris", rsa_key(4), "0206734318"),
        good=(by_rsa, by_p256, by_p384, by_p521),
    )


class Directory:
    """A directory of registered certificates, in memory."""

    def __init__(self, *certificates: x509.Certificate) -> None:
        self.certificates = certificates

    def by_subject_key_identifier(self, identifier: bytes) -> Sequence[x509.Certificate]:
        return [
            one
            for one in self.certificates
            if x509.SubjectKeyIdentifier.from_public_key(one.public_key()).digest == identifier
        ]

    def by_thumbprint_sha1(self, thumbprint: bytes) -> Sequence[x509.Certificate]:
        return [one for one in self.certificates if one.fingerprint(hashes.SHA1()) == thumbprint]

    def by_issuer_serial(self, issuer: x509.Name, serial: int) -> Sequence[x509.Certificate]:
        return [
            one for one in self.certificates if one.issuer == issuer and one.serial_number == serial
        ]
