"""``demo init``: a folder with configuration, keys, certificates and a filled database."""

from __future__ import annotations

import secrets
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from cryptography import x509

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.migrating import migrate
from ksz_childbenefits.registers.operators import OperatorRegister

EC_CUSTOMERS = frozenset({"sfpd", "opgroeien"})
"""Customers of the demo that sign with a P-256 key; the others use RSA-2048."""

ANCHOR_CUSTOMERS = frozenset({"ocmw-namur", "swl"})
"""Customers registered by their CBE number under the authority, not by one certificate."""

OPERATORS = {
    Operator.OPGROEIEN: "0900010639",
    Operator.ORINT: "0900010342",
    Operator.IRISCARE: "0900020042",
    Operator.AVIQ: "0900020141",
}
"""CBE numbers of the operators, invented; Opgroeien and ORINT are customers too (DOMAIN 7)."""

_CONFIGURATION = """\
# Written by `ksz-childbenefits demo init`. Paths are relative to this file.
environment = "demo"

[service]
host = "127.0.0.1"
port = 8080
workers = 2
metrics_port = 0                       # any free one; it is printed at the start

[database]
url = "{url}"

[security]
service_key = "keys/service.key"
service_certificate = "credentials/service.pem"
pseudonym_key = "keys/pseudonym.key"
anchors = [{{ certificate = "keys/authority.pem", crl = "keys/authority.crl" }}]

[demo]
authority_key = "keys/authority.key"   # lets the demo renew its own revocation list
failing_cadastres = []                 # for instance ["AVIQ"], which shows an outage
"""


@dataclass(frozen=True, slots=True)
class _Pki:
    """What every credential of the demo needs."""

    folder: Path
    authority: pki.Authority
    now: datetime


def create_demo(folder: Path, database_url: str | None = None) -> Path:
    """Fill ``folder`` with a demo and return its configuration file.

    ``database_url``: an empty database; None: an SQLite file in the folder.
    UsageError when the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; choose a new folder")
    for part in ("keys", "credentials"):
        (folder / part).mkdir(parents=True)
    folder.chmod(0o700)  # keys, and the life of families
    now = datetime.now(UTC).replace(microsecond=0)
    base = _Pki(folder, pki.make_authority("Demo authority", now), now)
    _write_service_keys(base)
    config = folder / "config.toml"
    url = database_url or "sqlite:///registers.sqlite"
    # The database's address can hold its password.
    pki.write_secret(config, _CONFIGURATION.format(url=url).encode())
    engine = open_database(load_settings(config).database.url)
    try:
        migrate(engine)
        load_world(engine)
        _register_certificates(CustomerRegister(engine), base)
        _register_operators(OperatorRegister(engine), base)
    finally:
        engine.dispose()
    _write_bad_credentials(base)
    return config


def _write_service_keys(base: _Pki) -> None:
    keys = base.folder / "keys"
    pki.write_key(keys / "authority.key", base.authority.key)
    pki.write_certificate(keys / "authority.pem", base.authority.certificate)
    pki.write_secret(keys / "pseudonym.key", secrets.token_bytes(32))
    key = pki.rsa_key()
    certificate = pki.issue(base.authority, key, "ChildBenefitsService", base.now)
    pki.write_key(keys / "service.key", key)
    pki.write_certificate(base.folder / "credentials" / "service.pem", certificate)


def _register_certificates(register: CustomerRegister, base: _Pki) -> None:
    for customer in demo_customers():
        name = customer["name"]
        key = pki.ec_key() if name in EC_CUSTOMERS else pki.rsa_key()
        certificate = pki.issue(
            base.authority, key, name, base.now, cbe_number=customer["cbe_number"]
        )
        _write_credentials(base, name, customer, key, certificate)
        if name in ANCHOR_CUSTOMERS:
            register.add_anchor(name, base.authority.certificate)
        else:
            register.add_certificate(name, certificate)


def _register_operators(register: OperatorRegister, base: _Pki) -> None:
    """What operators sign their maintenance of the repertory with: ``operator-aviq`` and so on."""
    for operator, number in OPERATORS.items():
        name = f"operator-{operator.lower()}"
        key = pki.ec_key()
        certificate = pki.issue(base.authority, key, name, base.now, cbe_number=number)
        says = {"name": name, "cbe_number": number, "legal_context": "REPERTORY:MAINTENANCE"}
        _write_credentials(base, name, says, key, certificate)
        register.add_certificate(operator, certificate)


def _write_bad_credentials(base: _Pki) -> None:
    """Credentials that claim to be Fedris and are refused (SECURITY 4, FailedAuthentication)."""
    fedris = next(c for c in demo_customers() if c["name"] == "fedris")
    stranger = pki.make_authority("Authority of strangers", base.now)
    revoked = _write_bad(base, "revoked", fedris, base.authority)
    _write_bad(base, "expired", fedris, base.authority, lifetime=timedelta(hours=-1))
    _write_bad(base, "stranger", fedris, stranger)
    _write_bad(base, "unregistered", fedris, base.authority)
    crl = base.folder / "keys" / "authority.crl"
    pki.write_crl(crl, base.authority, [revoked.serial_number], base.now)


def _write_bad(
    base: _Pki,
    name: str,
    customer: dict[str, str],
    authority: pki.Authority,
    lifetime: timedelta = timedelta(days=pki.CERTIFICATE_DAYS),
) -> x509.Certificate:
    key = pki.rsa_key()
    certificate = pki.issue(authority, key, name, base.now, lifetime=lifetime)
    _write_credentials(base, name, customer, key, certificate)
    return certificate


def _write_credentials(
    base: _Pki,
    name: str,
    customer: dict[str, str],
    key: pki.PrivateKey,
    certificate: x509.Certificate,
) -> None:
    folder = base.folder / "credentials" / name
    folder.mkdir()
    pki.write_key(folder / "key.pem", key)
    pki.write_certificate(folder / "certificate.pem", certificate)
    lines = [f'{field} = "{value}"' for field, value in customer.items()]
    (folder / "customer.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def demo_customers() -> list[dict[str, str]]:
    """What the credentials of each customer say of it: name, CBE number, first legal context."""
    text = (resources.files("ksz_childbenefits.demo") / "world" / "customers.toml").read_text(
        "utf-8"
    )
    data = tomllib.loads(text)
    contexts: dict[str, str] = {}
    for deliberation in data["deliberation"]:
        contexts.setdefault(deliberation["customer"], deliberation["legal_contexts"][0])
    return [
        {
            "name": customer["name"],
            "cbe_number": customer["cbe"],
            **{part: str(customer[part]) for part in ("sector", "institution") if part in customer},
            "legal_context": contexts[customer["name"]],
        }
        for customer in data["customer"]
    ]
