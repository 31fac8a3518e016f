"""``customer add``: what it writes into the register, and what it refuses."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from tests.cli.conftest import Command

CBE = "0900099904"


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """The demo, copied so that it can be changed."""
    shutil.copytree(demo.parent, tmp_path / "demo")
    return tmp_path / "demo" / "config.toml"


def certificate(config: Path) -> Path:
    return config.parent / "credentials" / "unregistered" / "certificate.pem"


def register(config: Path) -> CustomerRegister:
    return CustomerRegister(open_database(load_settings(config).database.url))


def test_a_customer_with_a_certificate(command: Command, config: Path) -> None:
    pem = certificate(config)
    result = command(
        *("customer", "add", "office", "--cbe", CBE, "--sector", 17, "--institution", 1),
        *("--certificate", pem, "--legal-context", "A", "--legal-context", "B"),
        *("--source", "flanders", "--source", "FEDERAL", "--months-back", 60, "--config", config),
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "office may consult FLANDERS, FEDERAL for A, B\n"
    loaded = x509.load_pem_x509_certificate(pem.read_bytes())
    assert register(config).identify(loaded, "") == Customer("office", CBE, 17, 1)
    (deliberation,) = register(config).deliberations("office")
    assert deliberation.legal_contexts == {"A", "B"}
    assert deliberation.sources == {AuthenticSource.FLANDERS, AuthenticSource.FEDERAL}
    assert deliberation.months_back == 60
    assert deliberation.inscription_required
    today = consultation_day(datetime.now(UTC))
    assert (deliberation.valid_from, deliberation.valid_to) == (today, None)


def test_a_customer_under_an_anchor(command: Command, config: Path) -> None:
    anchor = config.parent / "keys" / "authority.pem"
    result = command(
        *("customer", "add", "office", "--cbe", CBE, "--anchor", anchor),
        *("--legal-context", "A", "--no-inscription", "--config", config),
    )
    assert result.exit_code == 0, result.stderr
    (deliberation,) = register(config).deliberations("office")
    assert deliberation.sources == set(AuthenticSource)
    assert deliberation.months_back is None
    assert not deliberation.inscription_required
    loaded = x509.load_pem_x509_certificate(anchor.read_bytes())
    fingerprint = loaded.fingerprint(hashes.SHA256()).hex()
    assert register(config).identify(loaded, fingerprint) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "either --certificate or --anchor"),
        (("--certificate", "{pem}", "--anchor", "{pem}"), "either --certificate or --anchor"),
        (("--anchor", "{pem}"), "none of the anchors"),
        (("--certificate", "{pem}.missing"), "No such file"),
        (("--certificate", "{config}"), "not a certificate in PEM"),
        (("--certificate", "{pem}", "--sector", "17"), "go together"),
    ],
)
def test_what_is_refused_leaves_no_customer(
    command: Command, config: Path, options: tuple[str, ...], reason: str
) -> None:
    places = {"pem": certificate(config), "config": config}
    result = command(
        *("customer", "add", "office", "--cbe", CBE, "--legal-context", "A", "--config", config),
        *(option.format(**places) for option in options),
    )
    assert result.exit_code == 2
    assert reason in result.stderr
    assert register(config).find("office") is None
