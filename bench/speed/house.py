"""The service that is measured: the demo's, with the benchmark's world beside the demo's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import world
from sqlalchemy import Engine

from ksz_childbenefits.client.signature import Signature
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.generator import generate_world
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.security.credentials import ServiceCredentials

PERSONS = 10_000

_LIMITS = """
[limits]
rate = { per_second = 100000, burst = 1000000 }   # one customer asks for all here
"""


@dataclass(frozen=True, slots=True)
class House:
    """A service's configuration; what customers sign with lies beside it."""

    config: Path

    def credentials(self, caller: world.Caller) -> ServiceCredentials:
        """A customer's key and certificate."""
        return ServiceCredentials.from_bytes(*self._files(caller))

    def signature(self, caller: world.Caller) -> Signature:
        """What signs a customer's requests."""
        service = self.config.parent / "credentials" / "service.pem"
        return Signature(*self._files(caller), service.read_bytes())

    def _files(self, caller: world.Caller) -> tuple[bytes, bytes]:
        folder = self.config.parent / "credentials" / caller.name
        return (folder / "key.pem").read_bytes(), (folder / "certificate.pem").read_bytes()


def build(folder: Path, database_url: str | None = None, persons: int = PERSONS) -> House:
    """A new service in ``folder``, on SQLite there or on this empty database."""
    config = create_demo(folder, database_url)
    engine = open_database(load_settings(config).database.url)
    try:
        enter(engine, folder / "world")
        for _ in generate_world(engine, persons):
            pass
        _register(engine, folder)
    finally:
        engine.dispose()
    text = config.read_text(encoding="utf-8")
    config.write_text(text + _LIMITS, encoding="utf-8")
    return House(config)


def enter(engine: Engine, folder: Path) -> None:
    """Add the benchmark's world to what a database holds."""
    load_world(engine, world.write_world(folder))


def with_p256(house: House) -> House:
    """The same service with a P-256 key of its own."""
    folder = house.config.parent
    now = datetime.now(UTC).replace(microsecond=0)
    key, authority = pki.ec_key(), _authority(folder)
    certificate = pki.issue(authority, key, "ChildBenefitsService", now)
    pki.write_key(folder / "keys" / "p256.key", key)
    pki.write_certificate(folder / "credentials" / "p256.pem", certificate)
    text = house.config.read_text(encoding="utf-8")
    for old, new in (("keys/service.key", "keys/p256.key"), ("service.pem", "p256.pem")):
        text = text.replace(old, new)
    pki.write_secret(folder / "p256.toml", text.encode())
    return House(folder / "p256.toml")


def _register(engine: Engine, folder: Path) -> None:
    register, authority = CustomerRegister(engine), _authority(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    for caller in (world.RSA, world.P256):
        key = pki.ec_key() if caller.curve else pki.rsa_key()
        certificate = pki.issue(authority, key, caller.name, now, cbe_number=caller.cbe_number)
        own = folder / "credentials" / caller.name
        own.mkdir()
        pki.write_key(own / "key.pem", key)
        pki.write_certificate(own / "certificate.pem", certificate)
        register.add_certificate(caller.name, certificate)


def _authority(folder: Path) -> pki.Authority:
    keys = folder / "keys"
    return pki.load_authority(keys / "authority.key", keys / "authority.pem")
