"""``customer add``: what it writes into the register, and what it refuses."""

from __future__ import annotations

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
from tests.conftest import copy_of

CBE = "0900099904"


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """The demo, copied so that it can be changed."""
    return copy_of(demo, tmp_path / "demo")


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
    assert register(config).identify(loaded, frozenset()) == Customer("office", CBE, 17, 1)
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
    assert register(config).identify(loaded, frozenset({fingerprint})) is None


def test_a_customer_that_may_not_see_all(command: Command, config: Path) -> None:
    result = command(
        *("customer", "add", "office", "--cbe", CBE, "--certificate", certificate(config)),
        *("--legal-context", "A", "--withhold", "bonuses", "--withhold", "paymentPeriods[SOCIAL]"),
        *("--config", config),
    )
    assert result.exit_code == 0, result.stderr
    (deliberation,) = register(config).deliberations("office")
    assert deliberation.withheld == {"bonuses", "paymentPeriods[SOCIAL]"}


def test_a_customer_that_may_ask_nothing_yet(command: Command, config: Path) -> None:
    """Its deliberation comes by a file that somebody reviewed."""
    pem = certificate(config)
    result = command(
        "customer", "add", "office", "--cbe", CBE, "--certificate", pem, "--config", config
    )
    assert result.stdout == "office may consult nothing yet\n"
    assert register(config).find("office") is not None
    assert register(config).deliberations("office") == ()


@pytest.mark.parametrize(
    "option",
    [("--source", "FEDERAL"), ("--months-back", 0), ("--no-inscription",), ("--withhold", "x")],
)
def test_what_it_may_ask_needs_a_purpose(
    command: Command, config: Path, option: tuple[object, ...]
) -> None:
    result = command(
        *("customer", "add", "office", "--cbe", CBE, "--certificate", certificate(config)),
        *(*option, "--config", config),
    )
    assert result.exit_code == 2
    assert "--legal-context" in result.stderr
    assert register(config).find("office") is None


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


def test_what_a_customer_signs_with_over_the_years(command: Command, config: Path) -> None:
    """Rollover: a second certificate beside the first, then the first is taken away."""
    credentials = config.parent / "credentials"
    old, new = credentials / "fedris" / "certificate.pem", certificate(config)
    first, second = (x509.load_pem_x509_certificate(pem.read_bytes()) for pem in (old, new))
    at = ("--config", config)

    def signers() -> set[bool]:
        found = register(config)
        return {found.identify(one, frozenset()) is not None for one in (first, second)}

    assert command("customer", "certify", "fedris", "--certificate", new, *at).exit_code == 0
    assert signers() == {True}
    shown = command("customer", "certificates", "fedris", *at)
    for one in (first, second):
        start = one.fingerprint(hashes.SHA256()).hex()[:12]
        assert start in shown.stdout
        assert f"{one.not_valid_after_utc:%Y-%m-%d}" in shown.stdout
    assert command("customer", "withdraw", "fedris", "--certificate", old, *at).exit_code == 0
    assert register(config).identify(first, frozenset()) is None
    assert register(config).identify(second, frozenset()) is not None
    again = command("customer", "withdraw", "fedris", "--certificate", old, *at)
    assert again.exit_code == 2
    assert "not registered to customer 'fedris'" in again.stderr


def test_taken_away_but_still_let_in(command: Command, config: Path) -> None:
    """By its CBE number under an anchor; whoever withdraws a stolen key must be told."""
    anchor = config.parent / "keys" / "authority.pem"
    pem, at = config.parent / "credentials" / "fedris" / "certificate.pem", ("--config", config)
    assert command("customer", "certify", "fedris", "--anchor", anchor, *at).exit_code == 0
    result = command("customer", "withdraw", "fedris", "--certificate", pem, *at)
    assert result.exit_code == 1
    assert "still lets in customer fedris" in result.stdout
    assert "may not sign" not in result.stdout


def test_an_operators_that_is_withdrawn_lets_in_no_customer(command: Command, config: Path) -> None:
    """ORINT and Opgroeien are both, and have separate credentials (DOMAIN 7)."""
    anchor, at = config.parent / "keys" / "authority.pem", ("--config", config)
    pem = config.parent / "credentials" / "operator-orint" / "certificate.pem"
    assert command("customer", "certify", "orint", "--anchor", anchor, *at).exit_code == 0
    result = command("operator", "withdraw", "ORINT", "--certificate", pem, *at)
    assert result.exit_code == 0
    assert "ORINT may not sign with it any more" in result.stdout
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    mark = x509.load_pem_x509_certificate(anchor.read_bytes()).fingerprint(hashes.SHA256()).hex()
    assert register(config).anchors("orint") == {mark}
    assert register(config).identify(certificate, frozenset({mark})) is None


def test_an_authority_that_a_customer_signs_under(command: Command, config: Path) -> None:
    anchor, at = config.parent / "keys" / "authority.pem", ("--config", config)
    mark = x509.load_pem_x509_certificate(anchor.read_bytes()).fingerprint(hashes.SHA256()).hex()
    assert register(config).anchors("fedris") == frozenset()
    assert command("customer", "certify", "fedris", "--anchor", anchor, *at).exit_code == 0
    assert register(config).anchors("fedris") == {mark}
    shown = command("customer", "certificates", "fedris", *at).stdout
    assert "anchor" in shown
    assert mark[:12] in shown
    assert command("customer", "withdraw", "fedris", "--anchor", anchor, *at).exit_code == 0
    assert register(config).anchors("fedris") == frozenset()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("certify", "fedris"), "either --certificate or --anchor"),
        (("withdraw", "fedris"), "either --certificate or --anchor"),
        (
            ("withdraw", "fedris", "--certificate", "{pem}", "--anchor", "{pem}"),
            "either --certificate or --anchor",
        ),
        (("certify", "fedris", "--anchor", "{pem}"), "none of the anchors"),
        (("certify", "nobody", "--certificate", "{pem}"), "'nobody' is not registered"),
        (("certify", "swl", "--certificate", "{fedris}"), "to customer 'fedris' already"),
        (("withdraw", "swl", "--certificate", "{fedris}"), "not registered to customer 'swl'"),
        (("certificates", "nobody"), "'nobody' is not registered"),
    ],
)
def test_what_cannot_be_changed_is_said(
    command: Command, config: Path, arguments: tuple[str, ...], reason: str
) -> None:
    fedris = config.parent / "credentials" / "fedris" / "certificate.pem"
    given = [one.format(pem=certificate(config), fedris=fedris) for one in arguments]
    result = command("customer", *given, "--config", config)
    assert result.exit_code == 2
    assert reason in result.stderr
