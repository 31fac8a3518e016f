"""``deliberation check`` says what the service says of the same request, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.conformance.case import Case, Tag, load_cases
from ksz_childbenefits.contract.namespaces import INTF
from ksz_childbenefits.domain.withholding import data_filters
from tests.cli.conftest import Command

SAMPLES = Path(__file__).parents[2] / "samples"

NAMES = {
    "0900010144": "fedris",
    "0900010243": "sfpd",
    "0900010342": "orint",
    "0900010441": "ocmw-gent",
    "0900010540": "ocmw-namur",
    "0900010639": "opgroeien",
    "0900010738": "vmsw",
    "0900010837": "vlaams-woningfonds",
    "0900010936": "brussels-housing",
    "0900011035": "spw-tlpe",
    "0900011134": "swl",
    "0900011233": "swcs",
    "0900011332": "flw",
}
"""The demo's customers by their CBE numbers (docs/demo-world.md)."""


@dataclass(frozen=True)
class Told:
    """What a reply or the command tells: the refusal, or what is asked and withheld.

    ``information`` of a request that is allowed: the sources left out.
    """

    refusal: str | None
    information: list[tuple[str, str]]
    sources: list[str]
    withheld: tuple[str, ...]


def of_reply(case: Case) -> Told:
    reply = etree.fromstring(case.expected or b"")
    refused = reply.findtext("status/value") == "NO_RESULT"
    information = [
        (i.findtext("fieldName", ""), i.findtext("fieldValue", ""))
        for i in reply.iterfind("status/information")
        if i.findtext("fieldName") != "details"  # words, which are ours
    ]
    return Told(
        reply.findtext("status/code") if refused else None,
        [one for one in information if refused or one[0] == "authenticSourceNotAllowed"],
        [str(result.get("authenticSource")) for result in reply.iterfind("results/*")],
        tuple(str(e.text) for e in reply.iterfind("dataFilters/filteredElement")),
    )


def of_command(output: str) -> Told:
    """What the command wrote below the deliberations."""
    lines = output.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(("Allowed", "Refused")))
    details = [(line[2:17].strip(), line[18:]) for line in lines[start + 1 :]]
    details = [detail for detail in details if detail[0] != "details"]
    if lines[start].startswith("Refused"):
        return Told(lines[start].split()[1], details, [], ())
    sources = {name: value for name, value in details if name.isupper()}
    left_out = [
        ("authenticSourceNotAllowed", source)
        for name, value in details
        if name == "left out"
        for source in value.split(", ")
    ]
    blocks = (value.removeprefix("without ").split(", ") for value in sources.values())
    return Told(None, left_out, list(sources), data_filters(map(frozenset, blocks)))


def criteria(case: Case) -> etree._Element:
    root = etree.fromstring(case.request, etree.XMLParser(remove_comments=True))
    return next(root.iter(f"{{{INTF}}}consultFilesBySsinRequest"))


def arguments(case: Case) -> list[str]:
    request = criteria(case)
    number = request.findtext("informationCustomer/customerIdentification/cbeNumber", "")
    given = ["--customer", NAMES[number], "--legal-context", request.findtext("legalContext", "")]
    given += ["--ssin", request.findtext("criteria/ssin", "")]
    given += ["--from", request.findtext("criteria/period/beginMonth", "")]
    if end := request.findtext("criteria/period/endMonth"):
        given += ["--to", end]
    for source in request.iterfind("criteria/authenticSources/authenticSource"):
        given += ["--source", str(source.text)]
    return given if case.world is None else [*given, "--on", case.world.as_of]


def comparable(case: Case) -> bool:
    """Whether it gets a reply, and is one that the command can be told: as the customer itself."""
    if case.expected is None or case.tag is Tag.PROTOCOL:
        return False
    months = re.findall("<(?:begin|end)Month>([^<]*)<", case.request.decode())
    plain = all(re.fullmatch("[0-9]{4}-[0-9]{2}", month) for month in months)
    if of_reply(case).refusal is None and case.customer == "sfpd":
        return False  # may ask anything: all of these are allowed in the same way
    itself = NAMES.get(criteria(case).findtext(".//cbeNumber", "")) == case.customer
    return plain and itself


CASES = [case for case in load_cases(SAMPLES) if comparable(case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_says_what_the_service_replies(command: Command, demo: Path, case: Case) -> None:
    """The samples: expected replies that were derived by hand."""
    result = command("deliberation", "check", *arguments(case), "--config", demo)
    assert result.stderr == ""
    expected = of_reply(case)
    assert of_command(result.stdout) == expected
    assert result.exit_code == (0 if expected.refusal is None else 1)


def test_it_is_held_against_every_kind_of_answer() -> None:
    codes = {of_reply(case).refusal for case in CASES}
    assert codes >= {
        None,
        *("MSG00005", "MSG00006", "MSG00007", "MSG00008"),
        *("MSG00011", "MSG00012", "MSG00013", "MSG00027"),
    }


ARREARS = ("--customer", "flw", "--legal-context", "FLW:ARREARS_FOLLOW_UP", "--from", "2024-01")


def test_each_deliberation_says_why_it_applies_or_not(command: Command, demo: Path) -> None:
    result = command("deliberation", "check", *ARREARS, "--on", "2024-06-15", "--config", demo)
    assert result.stdout.splitlines() == [
        "DEMO-19/013",
        "  does not apply  for other legal contexts: FLW:FAMILY_LOAN",
        "DEMO-22/023",
        "  applies         WALLONIA",
        "  withholds       bonuses, paymentPeriods",
        "  inscription     not demanded",
        "DEMO-22/024",
        "  applies         WALLONIA, EASTBELGIUM",
        "  withholds       file/fileNumber, bonuses, paymentPeriods[SOCIAL]",
        "  inscription     not demanded",
        "DEMO-22/025",
        "  does not apply  not valid any more: 2022-01-01 to 2022-12-31",
        "DEMO-22/026",
        "  does not apply  revoked on 2023-05-02T08:00:00Z: "
        "Withdrawn by the Information Security Committee",
        "Allowed",
        "  months          2024-01..2024-06",
        "  WALLONIA        without bonuses, paymentPeriods[SOCIAL]",
        "  EASTBELGIUM     without file/fileNumber, bonuses, paymentPeriods[SOCIAL]",
        "  left out        FEDERAL, BRUSSELS, FLANDERS",
    ]
    assert result.exit_code == 0


def test_months_back_count_from_the_day(command: Command, demo: Path) -> None:
    """60 months back on a day of 2024-06; who is asked for is not told, so not looked for."""
    of_namur = ("--customer", "ocmw-namur", "--legal-context", "PCSA:SOCIAL_INQUIRY")
    allowed = command(
        *("deliberation", "check", *of_namur, "--from", "2019-06", "--source", "FLANDERS"),
        *("--on", "2024-06-15", "--config", demo),
    )
    assert "  applies         FEDERAL from 2019-06, BRUSSELS from 2019-06, " in allowed.stdout
    assert "  inscription     demanded: --ssin looks for it\n" in allowed.stdout
    refused = command(
        *("deliberation", "check", *of_namur, "--from", "2019-05", "--source", "FLANDERS"),
        *("--on", "2024-06-15", "--config", demo),
    )
    said = "Refused: MSG00027 The customer may not consult the requested data."
    assert refused.stdout.splitlines()[-2:] == [said, "  beginMonth      2019-06"]
    assert refused.exit_code == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--customer", "nobody"), "customer 'nobody' is not registered"),
        (("--from", "2024"), "--from 2024: not a month"),
        (("--to", "2024-13"), "--to 2024-13: not a month"),
        (("--on", "tomorrow"), "--on tomorrow"),
    ],
)
def test_what_it_cannot_be_asked(
    command: Command, demo: Path, options: tuple[str, str], text: str
) -> None:
    result = command("deliberation", "check", *ARREARS, *options, "--config", demo)
    assert result.exit_code == 2
    assert text in result.stderr
