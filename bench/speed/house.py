"""The service that is measured: the demo's, with the benchmark's world beside the demo's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
from ksz_childbenefits.demo.network import DemoNetwork, create_network
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.identity import identity_of
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

    def own(self) -> ServiceCredentials:
        """What the service signs with."""
        return identity_of(load_settings(self.config)).keys.first

    def signature(self, caller: world.Caller) -> Signature:
        """What signs a customer's requests."""
        service = self.config.parent / "credentials" / "service.pem"
        return Signature(*self._files(caller), service.read_bytes())

    def _files(self, caller: world.Caller) -> tuple[bytes, bytes]:
        folder = self.config.parent / "credentials" / caller.name
        return (folder / "key.pem").read_bytes(), (folder / "certificate.pem").read_bytes()


def build(folder: Path, database_url: str | None = None, persons: int = PERSONS) -> House:
    """A new service in ``folder``, on SQLite there or on this empty database."""
    return _furnished(create_demo(folder, database_url), persons)


def build_network(folder: Path) -> tuple[House, DemoNetwork]:
    """A service whose operators are remote, each with its part of the benchmark's world."""
    network = create_network(folder)
    for operator, config in network.operators.items():
        if operator is not Operator.ORINT:  # It holds nothing today, and is not asked.
            with _database(config) as engine:
                _enter(engine)
    return _furnished(network.gateway, 0), network


def _furnished(config: Path, persons: int) -> House:
    with _database(config) as engine:
        _enter(engine)
        for _ in generate_world(engine, persons):
            pass
        _register(engine, config.parent)
    text = config.read_text(encoding="utf-8")
    if "[limits]" in text:
        text = text.replace("[limits]", _LIMITS)
    else:
        text += _LIMITS
    config.write_text(text, encoding="utf-8")
    return House(config)


@contextmanager
def _database(config: Path) -> Iterator[Engine]:
    engine = open_database(load_settings(config).database.url)
    try:
        yield engine
    finally:
        engine.dispose()


def _enter(engine: Engine) -> None:
    """Add the benchmark's world to what a database holds."""
    with tempfile.TemporaryDirectory() as name:
        load_world(engine, world.write_world(Path(name)))


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
