"""Keys and certificates change while the service serves: nothing is lost, nothing refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ksz_childbenefits.client import Credentials
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.demo.network import create_network
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.tls import TlsIdentity
from tests.live.services import (
    PASSPHRASE,
    Issued,
    Load,
    Service,
    authority_of,
    change,
    client,
    credentials,
    issued,
    outcome,
    serving,
    until,
)
from tests.tls_files import tls_files

pytestmark = pytest.mark.live

DATA, UNTRUSTED = "DATA_FOUND", "UntrustedReply"

AHEAD = (4, 12, 40, 120)
"""Seconds from now to the change; the first that leave time to look before it will do."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return create_demo(tmp_path / "demo")


def service_certificate(config: Path) -> bytes:
    return (config.parent / "credentials" / "service.pem").read_bytes()


def plan(config: Path, before: str, key: str, instant: datetime) -> None:
    """The configuration as it was, and a key that signs from an instant on."""
    switch = f"sign_from = {instant.isoformat()}"
    config.write_text(f"{before}\n[[security.next_service_keys]]\n{key}\n{switch}\n")


def at(seconds: float) -> datetime:
    """An instant that a configuration can name."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def wait_for(instant: datetime) -> None:
    time.sleep(max((instant - datetime.now(UTC)).total_seconds(), 0))


def looks(service: Service, me: Credentials, *believed: bytes) -> set[str]:
    """What several new connections get, so that all workers are met, and none that goes."""
    return {outcome(client(service, me, *believed)) for _ in range(4)}


def test_the_next_key_signs_from_its_instant_on(config: Path) -> None:
    """In all workers, without a restart; who believes both certificates notices nothing."""
    old, new = service_certificate(config), issued(authority_of(config), "next", ec=False)
    new.write_pkcs12(config.parent / "keys" / "next.p12")
    told, key = config.read_text(), 'key = "keys/next.p12"\npassphrase = { env = "KSZ_NEXT" }'
    with serving(config, KSZ_NEXT=PASSPHRASE.decode()) as service:
        me = credentials(config)

        def seen() -> tuple[set[str], set[str]]:
            """What those get who believe the old certificate alone, and the new one alone."""
            return looks(service, me, old), looks(service, me, new.pem)

        with Load([client(service, me, old, new.pem) for _ in range(2)]) as load:
            for seconds in AHEAD:
                plan(config, told, key, switch := at(seconds))
                service.reload()
                before = seen()
                if datetime.now(UTC) < switch:
                    break
            assert before == ({DATA}, {UNTRUSTED})
            load.more()
            wait_for(switch)
            load.more()
            assert seen() == ({UNTRUSTED}, {DATA})
    assert load.lost == []
    assert set(load.answers) == {DATA}


def test_a_reload_changes_the_key_and_loses_nothing(config: Path) -> None:
    old, new = service_certificate(config), issued(authority_of(config), "next", ec=False)
    pki.write_secret(config.parent / "keys" / "next.pass", PASSPHRASE + b"\n")
    with serving(config) as service:
        me = credentials(config)
        with Load([client(service, me, new.pem, old) for _ in range(2)]) as load:
            load.more()
            new.write_pkcs12(config.parent / "keys" / "next.p12")
            change(
                config,
                (
                    'service_key = "keys/service.key"\n'
                    'service_certificate = "credentials/service.pem"\n',
                    'service_key = "keys/next.p12"\n'
                    'service_passphrase = { file = "keys/next.pass" }\n',
                ),
            )
            service.reload()
            until(lambda: looks(service, me, new.pem) == {DATA})
            load.more()
            # A passphrase that others can read: the keys stay as they are.
            (config.parent / "keys" / "next.pass").chmod(0o644)
            service.reload('"reload refused"')
            assert looks(service, me, new.pem) == {DATA}
    assert load.lost == []
    assert "next.pass is a secret that others can read" in service.log()


def test_customers_change_their_certificates_and_their_authority(config: Path) -> None:
    """Two anchors of one name and two keys, and a customer that has a certificate of each."""
    keys, now = config.parent / "keys", datetime.now(UTC)
    next_authority = pki.make_authority("Demo authority", now)
    assert next_authority.certificate.subject == authority_of(config).certificate.subject
    pki.write_certificate(keys / "next.pem", next_authority.certificate)
    pki.write_crl(keys / "next.crl", next_authority, [], now)
    me = credentials(config)
    renewed = issued(next_authority, "fedris", me.cbe_number)
    register = CustomerRegister(open_database(load_settings(config).database.url))
    with serving(config) as service:
        again = _with(renewed, config)
        with Load([client(service, me) for _ in range(2)]) as load:
            assert looks(service, again) == {"ServiceFault"}
            register.add_certificate("fedris", renewed.certificate)
            assert looks(service, again) == {"ServiceFault"}  # its authority is not trusted yet
            change(
                config,
                (
                    'crl = "keys/authority.crl" }]',
                    'crl = "keys/authority.crl" },\n'
                    '  { certificate = "keys/next.pem", crl = "keys/next.crl" }]',
                ),
            )
            service.reload()
            until(lambda: looks(service, again) == {DATA})
            load.more()
        assert load.lost == []
        # The old one is revoked by its own authority: at once, though its path is remembered.
        revoked = credentials(config).certificate
        assert revoked is not None
        _revoke(config, revoked)
        assert looks(service, me) == {"ServiceFault"}
        assert looks(service, again) == {DATA}


def _with(other: Issued, config: Path) -> Credentials:
    """The credentials of fedris with another key and certificate."""
    folder = config.parent / "credentials" / "renewed"
    folder.mkdir()
    other.write(folder / "key.pem", folder / "certificate.pem")
    told = (config.parent / "credentials" / "fedris" / "customer.toml").read_text()
    (folder / "customer.toml").write_text(told)
    return credentials(config, "renewed")


def _revoke(config: Path, pem: bytes) -> None:
    serial = x509.load_pem_x509_certificate(pem).serial_number
    crl = config.parent / "keys" / "authority.crl"
    pki.write_crl(crl, authority_of(config), [serial], datetime.now(UTC))


def _tls(own: TlsIdentity) -> str:
    """The keys of a configuration that name it."""
    lines = [f'tls_certificate = "{own.certificate}"', f'tls_key = "{own.key}"']
    if own.passphrase is not None:
        lines.append(f'tls_passphrase = {{ file = "{own.passphrase.file}" }}')
    return "\n".join(lines)


def test_gateway_and_operator_change_their_keys_towards_each_other(tmp_path: Path) -> None:
    """Each is told of both certificates of the other beforehand; then each changes in its time.

    The operator demands a certificate in TLS, under an authority that no system knows.
    """
    network = create_network(tmp_path / "network")
    operator = network.operators[Operator.AVIQ]
    authority = authority_of(network.gateway)
    ksz, aviq = (issued(authority, name, "0900020141") for name in ("next ksz", "next aviq"))
    key = 'key = "keys/next.key"\ncertificate = "keys/next.pem"'
    for config, new in ((network.gateway, ksz), (operator, aviq)):
        keys = config.parent / "keys"
        new.write(keys / "next.key", keys / "next.pem")
    tls = tls_files(tmp_path / "tls")
    both = f'["../aviq/service.pem", "../aviq/keys/next.pem"], tls_authority = "{tls.ca}"'
    url = network.urls[Operator.AVIQ]
    change(
        network.gateway,
        ('["../aviq/service.pem"]', both),
        (url, url.replace("http:", "https:")),
        ("[operators]", f"[remote]\n{_tls(tls.write_encrypted('gateway'))}\n[operators]"),
    )
    change(
        operator,
        ('["ksz.pem"]', '["ksz.pem", "../ksz/keys/next.pem"]'),
        ("workers = 1", f'{_tls(tls.write("aviq"))}\ntls_client_authority = "{tls.ca}"'),
    )
    plans = [(config, config.read_text()) for config in (network.gateway, operator)]
    aviqs = serving(operator, "cadastre", "serve", "--operator", "aviq")
    with aviqs as cadastre, serving(network.gateway) as service:
        me = credentials(network.gateway)
        both_pems = service_certificate(network.gateway), ksz.pem
        customers = [client(service, me, *both_pems) for _ in range(2)]
        with Load(customers, sources=["WALLONIA"]) as load:
            for seconds in AHEAD:
                switches = at(seconds), at(seconds + 2)
                for (config, told), switch in zip(plans, switches, strict=True):
                    plan(config, told, key, switch)
                cadastre.reload()
                service.reload()
                before = looks(service, me, both_pems[0])
                if datetime.now(UTC) < switches[0]:
                    break
            assert before == {"INCOMPLETE_DATA"}  # only AVIQ runs
            load.more()
            for switch in switches:
                wait_for(switch)
                load.more()
            assert looks(service, me, both_pems[0]) == {UNTRUSTED}
    assert load.lost == []
    assert set(load.answers) == {DATA}
