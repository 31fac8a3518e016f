"""``consult`` and the scripts of the documentation, against a live service."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.cli import consult as consult_command
from ksz_childbenefits.cli.answer import read_answer
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.cli.report import print_report
from ksz_childbenefits.client import connect
from ksz_childbenefits.client.credentials import read_credentials
from ksz_childbenefits.config import ServiceSettings
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import INTF
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.errors import UsageError
from tests.cli.conftest import Command
from tests.conftest import LiveService

MOVED = "12031590217"
"""The demo's child of Brussels that moved to Namur on 2019-06-01."""

SCRIPTS = Path(__file__).parents[2] / "samples" / "scripts"


def asking(live: LiveService, ssin: str = MOVED, customer: str = "fedris") -> tuple[object, ...]:
    months = ("--from", "2018-01", "--to", "2024-12")
    return ("consult", ssin, *months, "--as", customer, "--config", live.config, "--url", live.url)


def test_who_pays_what_to_whom(command: Command, service: LiveService) -> None:
    result = command(*asking(service))
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "DATA_FOUND MSG00000 The request was treated successfully."
    assert "12031590217 child CHILD_ALLOWANCE 2012-04 2019-05" in lines
    assert "12031590217 child CHILD_ALLOWANCE 2019-06 open" in lines
    assert "2018 2019 2020 2021 2022 2023" in lines
    assert f"FEDERAL {'█' * 12} █████·······" in lines
    assert "\x1b" not in result.stdout


def test_whom_a_flemish_period_names(command: Command, service: LiveService) -> None:
    # CONTRACT: at most two beneficiaries on one period; three in the file, one after the other.
    result = command(*asking(service, "17120992452"), "--source", "FLANDERS")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "Person As What From To To whom" in lines
    assert "17120992452 child BASIC 2019-01 2020-06 88111993730" in lines
    assert "90012595892" in lines
    assert "90012595892 beneficiary BASIC 2019-01 2020-06" in lines


def test_the_entitled_person_and_a_bonus(command: Command, service: LiveService) -> None:
    months = ("--from", "2017-12", "--to", "2018-12", "--source", "FEDERAL")
    options = ("--as", "fedris", "--config", service.config, "--url", service.url)
    result = command("consult", "17120992452", *months, *options)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "entitled person 90012595892" in " ".join(lines)
    assert "BIRTH bonus 2017-12-20" in lines
    assert "FEDERAL B ████████████" in lines


def test_an_information_of_the_status_is_shown(command: Command, service: LiveService) -> None:
    result = command(*asking(service, "11230094261"))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        "NO_RESULT  MSG00006  The SSIN is replaced by another one.",
        "  newSSIN: 11030994635",
    ]


def test_what_is_withheld_is_said(service: LiveService, capsys: pytest.CaptureFixture[str]) -> None:
    """Or a period that may not be seen would look like none."""
    client = connect(
        f"{service.url}{CONSULTATION.path}?wsdl", read_credentials(service.credentials / "flw")
    )
    reply = client.consult(
        "18030393186", "2020-01", "2020-12", ["WALLONIA"], legal_context="FLW:ARREARS_FOLLOW_UP"
    )
    asked = MonthRange(YearMonth(2020, 1), YearMonth(2020, 12))
    print_report(terminal(), read_answer(reply), asked)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  withheld: bonuses, paymentPeriods[SOCIAL]"
    assert not any("SOCIAL" in line for line in lines[2:])


def test_one_source(command: Command, service: LiveService) -> None:
    result = command(*asking(service), "--source", "wallonia")
    assert "WALLONIA  DATA_FOUND" in result.stdout
    assert "FEDERAL" not in result.stdout


def test_json_has_the_names_of_the_wire(command: Command, service: LiveService) -> None:
    reply = json.loads(command(*asking(service), "--json").stdout)
    assert reply["status"]["value"] == "DATA_FOUND"
    assert reply["criteria"]["period"] == {"beginMonth": "2018-01", "endMonth": "2024-12"}
    by_source = {r["authenticSource"]: r for r in reply["results"]["resultByAuthenticSource"]}
    (file,) = by_source["WALLONIA"]["files"]["file"]
    (child,) = file["children"]["child"]
    (period,) = child["paymentPeriods"]["paymentPeriod"]
    assert (child["ssin"], period["beginMonth"], "endMonth" in period) == (MOVED, "2019-06", False)
    assert period["category"]["description"][0]["language"] == "NL"


def test_xml_is_the_reply(command: Command, service: LiveService) -> None:
    reply = etree.fromstring(command(*asking(service), "--xml").stdout)
    assert reply.tag == f"{{{INTF}}}consultFilesBySsinResponse"
    assert reply.findtext("criteria/ssin") == MOVED


def test_no_result_is_shown_and_exits_with_1(command: Command, service: LiveService) -> None:
    result = command(*asking(service, "12031590218"))
    assert result.exit_code == 1
    assert result.stdout.startswith("NO_RESULT  MSG00011")
    assert "2018" not in result.stdout


def test_a_fault_is_a_line_and_exits_with_1(command: Command, service: LiveService) -> None:
    result = command(*asking(service, customer="revoked"))
    assert result.exit_code == 1
    assert "wsse:FailedAuthentication, MSG00014, ticketCBSS" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_violation_names_the_element(command: Command, service: LiveService) -> None:
    result = command(*asking(service, "123"))
    assert result.exit_code == 1
    assert "criteria/ssin: pattern" in result.stderr


def test_the_service_must_answer_with_its_own_key(
    command: Command, service: LiveService, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "fedris").symlink_to(service.credentials / "fedris")
    stranger = service.credentials / "stranger" / "certificate.pem"
    (credentials / "service.pem").write_bytes(stranger.read_bytes())
    config = tmp_path / "config.toml"
    config.write_text(service.config.read_text())
    result = command(*asking(LiveService(service.url, config, credentials)))
    assert result.exit_code == 1
    assert "signature of the reply does not verify" in result.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--as", "nobody"), "no credentials for nobody; there are: brussels-housing, "),
        (("--as", "fedris", "--url", "ftp://x"), "ftp://x is no http or https address"),
        (("--as", "fedris", "--xml", "--json"), "exclude each other"),
        (("--as", "fedris", "--to", "2020"), "--to 2020: a month is written YYYY-MM"),
    ],
)
def test_mistakes_exit_with_2(
    command: Command, demo: Path, options: tuple[str, ...], reason: str
) -> None:
    result = command("consult", MOVED, "--from", "2020-01", "--config", demo, *options)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_no_service_exits_with_1(command: Command, demo: Path) -> None:
    options = ("--from", "2020-01", "--as", "fedris", "--config", demo, "--url", "http://[::1]:9")
    result = command("consult", MOVED, *options)
    assert result.exit_code == 1
    assert "no WSDL at http://[::1]:9/ChildBenefitsService/v1/consult?wsdl" in result.stderr


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (ServiceSettings(), "http://127.0.0.1:8080/ChildBenefitsService/v1/consult"),
        (
            ServiceSettings(host="0.0.0.0", port=1),
            "http://127.0.0.1:1/ChildBenefitsService/v1/consult",
        ),
        (
            ServiceSettings(tls_certificate=Path("c"), tls_key=Path("k")),
            "https://127.0.0.1:8080/ChildBenefitsService/v1/consult",
        ),
        (
            ServiceSettings(public_url="https://b2b.example/a/"),
            "https://b2b.example/a/",
        ),
    ],
)
def test_the_configured_address(settings: ServiceSettings, address: str) -> None:
    assert consult_command._configured_address(settings) == address


def test_an_address_without_scheme_is_refused() -> None:
    with pytest.raises(UsageError):
        consult_command._address("127.0.0.1:8080")


@pytest.mark.parametrize("name", ["with_client.py", "with_zeep.py"])
def test_the_scripts_of_the_documentation(service: LiveService, name: str) -> None:
    address = f"{service.url.rstrip('/')}{CONSULTATION.path}"
    arguments = [sys.executable, str(SCRIPTS / name), address]
    arguments += [str(service.credentials / "fedris"), MOVED]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "DATA_FOUND MSG00000",
        "FEDERAL DATA_FOUND",
        "BRUSSELS NO_DATA_FOUND",
        "FLANDERS NO_DATA_FOUND",
        "WALLONIA DATA_FOUND",
        "EASTBELGIUM NO_DATA_FOUND",
    ]
