"""Keys and certificates of one customer and one service, and messages between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from ksz_childbenefits.client import Signature
from ksz_childbenefits.contract.namespaces import SOAP_ENV
from ksz_childbenefits.demo import pki

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""The time of both clocks, unless a test says otherwise."""


@dataclass(frozen=True)
class Party:
    authority: x509.Certificate
    key: pki.PrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def signature(self, other: Party, now: datetime = NOW) -> Signature:
        """The plugin as this party uses it towards the other."""
        parts = self.key_pem, self.certificate_pem, other.certificate_pem
        return Signature(*parts, clock=lambda: now)


def party(name: str, key: pki.PrivateKey, now: datetime = NOW) -> Party:
    authority = pki.make_authority("Authority", now)
    return Party(authority.certificate, key, pki.issue(authority, key, name, now))


@pytest.fixture(scope="session")
def customer() -> Party:
    return party("customer", pki.rsa_key())


@pytest.fixture(scope="session")
def ec_customer() -> Party:
    return party("customer with an EC key", pki.ec_key())


@pytest.fixture(scope="session")
def provider() -> Party:
    return party("service", pki.rsa_key())


@pytest.fixture(scope="session")
def stranger() -> Party:
    return party("stranger", pki.rsa_key())


def message(content: str = '<a:b xmlns:a="urn:a"><c>85073</c></a:b>') -> etree._Element:
    """An unsigned envelope around ``content``, as zeep hands it over."""
    return etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>{content}</s:Body></s:Envelope>'
    )
