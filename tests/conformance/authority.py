"""Credentials that only the demo's authority can issue: good names, and something wrong in them.

A customer's own credentials are not enough for these, so ``conformance attack`` skips their cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ksz_childbenefits.demo import pki

FEDRIS, OCMW_NAMUR, SWL, NOBODY = "0900010144", "0900010540", "0900011134", "0900099999"
"""CBE numbers of the demo: the second and third are registered under the authority."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
DAY = timedelta(days=1)


def with_more(folder: Path, demo: Path) -> Path:
    """A copy of the demo's credentials, with those of this module; ``demo``: its config.toml."""
    keys = demo.parent / "keys"
    shutil.copytree(demo.parent / "credentials", folder)
    authority = pki.load_authority(keys / "authority.key", keys / "authority.pem")
    for name, make in CREDENTIALS.items():
        key, certificate = make(authority, folder)
        (folder / name).mkdir()
        pki.write_key(folder / name / "key.pem", key)
        pki.write_certificate(folder / name / "certificate.pem", certificate)
    return folder


def subject(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def named(*numbers: str) -> x509.Name:
    return subject(
        (NameOID.COMMON_NAME, "attack"), *((NameOID.SERIAL_NUMBER, one) for one in numbers)
    )


def usage(*, sign: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(sign, False, not sign, False, False, False, False, False, False)


def issue(
    authority: pki.Authority,
    key: Key,
    name: x509.Name,
    *extensions: x509.ExtensionType,
    key_usage: x509.KeyUsage | None = None,
    begin: timedelta = -DAY,
    ca: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + 10 * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_usage or usage(), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(authority.key, hashes.SHA256())


Made = tuple[Key, x509.Certificate]
Make = Callable[[pki.Authority, Path], Made]


def made(name: x509.Name | None = None, **options: Any) -> Make:
    """A certificate with something wrong: one of ``issue``'s options, or its ``key``."""

    def make(authority: pki.Authority, _: Path) -> Made:
        new: Key = options.get("key", pki.ec_key)()
        given = {name: value for name, value in options.items() if name != "key"}
        return new, issue(authority, new, name or named(SWL), **given)

    return make


def through_an_intermediate(authority: pki.Authority, _: Path) -> Made:
    """The demo's authority has path length 0."""
    key, own = pki.ec_key(), pki.ec_key()
    name = subject((NameOID.COMMON_NAME, "Intermediate"))
    says = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = issue(authority, key, name, key_usage=says, ca=True)
    return own, issue(pki.Authority(key, certificate), own, named(SWL))


def critical_extension(authority: pki.Authority, _: Path) -> Made:
    """An extension that nobody knows, and that must be known."""
    key, kind = pki.ec_key(), ObjectIdentifier("1.3.6.1.4.1.55555.1")
    return key, issue(authority, key, named(SWL), x509.UnrecognizedExtension(kind, b"\5\0"))


def renewed(authority: pki.Authority, folder: Path) -> Made:
    """Another certificate of the key of ocmw-namur."""
    key = load_pem_private_key((folder / "ocmw-namur" / "key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key, issue(authority, key, named(OCMW_NAMUR))


CREDENTIALS: dict[str, Make] = {
    "key-encipherment": made(key_usage=usage(sign=False)),
    "authority-bit": made(ca=True),
    "not-yet-valid": made(begin=DAY),
    "rsa-1024": made(key=lambda: rsa.generate_private_key(65537, 1024)),
    "p-224": made(key=lambda: ec.generate_private_key(ec.SECP224R1())),
    "critical-extension": critical_extension,
    "through-an-intermediate": through_an_intermediate,
    "cbe-of-nobody": made(named(NOBODY)),
    "cbe-of-two": made(named(OCMW_NAMUR, SWL)),
    "cbe-in-common-name": made(subject((NameOID.COMMON_NAME, SWL))),
    "cbe-of-fedris": made(named(FEDRIS)),
    "renewed-ocmw-namur": renewed,
}
