"""Certificates for TLS, as the files that servers and clients are given."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from ksz_childbenefits.secret_files import Passphrase
from ksz_childbenefits.tls import TlsIdentity
from tests.security.pki import Party, authority, ec_key, issue, subject

LOCALHOST = x509.SubjectAlternativeName(
    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)
PASSPHRASE = b"a secret of TLS"


@dataclass(frozen=True)
class TlsFiles:
    """A folder in which an authority and those whom it knows have their files."""

    folder: Path
    authority: Party

    @property
    def ca(self) -> Path:
        path = self.folder / f"ca-{self.authority.certificate.serial_number}.pem"
        path.write_bytes(self.authority.certificate_pem)
        return path

    def issue(self, name: str, ended: timedelta = timedelta(days=-1)) -> Party:
        """Somebody at this machine, with a key of its own; ``ended``: how long ago."""
        key = ec_key(hash(name))
        return issue(self.authority, subject(name), key, LOCALHOST, end=datetime.now(UTC) - ended)

    def write(self, name: str, party: Party | None = None) -> TlsIdentity:
        """The files of ``name``, made for it if nobody is given."""
        party = party or self.issue(name)
        found = TlsIdentity(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        found.certificate.write_bytes(party.certificate_pem)
        return TlsIdentity(found.certificate, secret(found.key, party.key_pem))

    def write_encrypted(self, name: str) -> TlsIdentity:
        """The same with a passphrase, which is in a file too."""
        party = self.issue(name)
        plain = self.write(name, party)
        encryption = BestAvailableEncryption(PASSPHRASE)
        pem = party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        passphrase = secret(self.folder / f"{name}.passphrase", PASSPHRASE + b"\n")
        return TlsIdentity(plain.certificate, secret(plain.key, pem), Passphrase(passphrase))


def tls_files(folder: Path, number: int = 20) -> TlsFiles:
    """Files of an authority of this number."""
    folder.mkdir(exist_ok=True)
    return TlsFiles(folder, authority(f"TLS {number}", ec_key(number)))


def secret(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
