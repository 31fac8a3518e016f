"""``operator add``: a certificate of its own, with the CBE number that the operator gives."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ksz_childbenefits.cli.app import app
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo import pki
from ksz_childbenefits.domain.inscriptions import Maintainer
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.security.credentials import load_certificate


def add(own_demo: Path, name: str, certificate: Path) -> tuple[int, str]:
    arguments = ["operator", "add", name, "--certificate", str(certificate), "--config"]
    done = CliRunner().invoke(app, [*arguments, str(own_demo)])
    return done.exit_code, " ".join(done.output.split())


def test_a_new_certificate_is_the_operators(own_demo: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    made = pki.issue(
        pki.make_authority("A", now), pki.ec_key(), "new", now, cbe_number="0900020141"
    )
    pki.write_certificate(tmp_path / "new.pem", made)
    assert add(own_demo, "aviq", tmp_path / "new.pem")[0] == 0
    engine = open_database(load_settings(own_demo).database.url)
    register = OperatorRegister(engine)
    expected = Maintainer(Operator.AVIQ, frozenset({"0900020141"}))
    assert register.identify(made) == expected
    first = load_certificate(own_demo.parent / "credentials" / "operator-aviq" / "certificate.pem")
    assert register.identify(first) == expected
    assert register.by_issuer_serial(made.issuer, made.serial_number) == [made]
    engine.dispose()


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("fedris", "registered to customer 'fedris' already"),
        ("operator-orint", "registered to operator 'ORINT' already"),
        ("stranger", "names its CBE number"),
    ],
)
def test_certificates_that_it_cannot_be(own_demo: Path, folder: str, reason: str) -> None:
    code, output = add(
        own_demo, "AVIQ", own_demo.parent / "credentials" / folder / "certificate.pem"
    )
    assert code == 2
    assert reason in output


def test_a_customer_cannot_have_an_operators(own_demo: Path) -> None:
    certificate = own_demo.parent / "credentials" / "operator-aviq" / "certificate.pem"
    arguments = ["customer", "add", "x", "--cbe", "0900020240", "--legal-context", "X", "--config"]
    done = CliRunner().invoke(app, [*arguments, str(own_demo), "--certificate", str(certificate)])
    assert done.exit_code == 2
    assert "registered to operator 'AVIQ' already" in " ".join(done.output.split())


def test_a_certificate_is_taken_from_an_operator(own_demo: Path) -> None:
    pem = own_demo.parent / "credentials" / "operator-aviq" / "certificate.pem"

    def withdraw(name: str) -> tuple[int, str]:
        arguments = ["operator", "withdraw", name, "--certificate", str(pem), "--config"]
        done = CliRunner().invoke(app, [*arguments, str(own_demo)])
        return done.exit_code, " ".join(done.output.split())

    engine = open_database(load_settings(own_demo).database.url)
    register = OperatorRegister(engine)
    code, output = withdraw("orint")
    assert (code, "not registered to operator 'ORINT'" in output) == (2, True)
    assert register.identify(load_certificate(pem)) is not None
    assert withdraw("aviq")[0] == 0
    assert register.identify(load_certificate(pem)) is None
    engine.dispose()
