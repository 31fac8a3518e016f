"""Every reply after authentication has its record before it leaves (SECURITY 5), and no other."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Engine, func, select

from ksz_childbenefits.audit.record import Entry, Record
from ksz_childbenefits.audit.trail import AuditTrail, Settled
from ksz_childbenefits.cli import audit
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.conformance.case import load_case
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.message import compose
from ksz_childbenefits.contract.envelope import HEADER
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import Unrecorded
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.schema import repertory_lines
from ksz_childbenefits.runtime import build_endpoint, build_endpoints, build_inscriptions
from ksz_childbenefits.security.credentials import load_certificate
from ksz_childbenefits.security.trust import fingerprint
from tests.audit.trails import rows
from tests.consultations import consultation, payload
from tests.inscriptions.conftest import own_demo
from tests.inscriptions.messages import CONTENT, signed_call
from tests.registers.numbers import NOOR, OTIS

__all__ = ["own_demo"]

SAMPLES = Path(__file__).parent.parent.parent / "samples"
CHILD = "12031590217"
TICKET = ".//{*}ticketCBSS"

AnyEndpoint = Endpoint[Any]


@pytest.fixture
def engine(own_demo: Path) -> Iterator[Engine]:
    made = open_database(load_settings(own_demo).database.url)
    yield made
    made.dispose()


@pytest.fixture
def endpoint(own_demo: Path) -> Iterator[AnyEndpoint]:
    made = build_endpoint(load_settings(own_demo))
    yield made
    made.close()


@pytest.fixture
def sample(own_demo: Path) -> Callable[[str], Message]:
    """Message of a sample, signed now."""
    keys = KeyRing(own_demo.parent / "credentials")

    def sign(name: str) -> Message:
        case, now = load_case(SAMPLES / name), datetime.now(UTC)
        return Message(compose(case, keys.identity(case.customer), now).body, None, None, now)

    return sign


def records(engine: Engine) -> list[dict[str, Any]]:
    found = [json.loads(row.text) for row in rows(engine) if row.signature is None]
    return sorted(found, key=lambda record: str(record["replied"]))


def ticket(reply: Reply) -> str | None:
    return payload(reply.body).findtext(TICKET)


def is_signed(reply: Reply) -> bool:
    return etree.fromstring(reply.body).find(f"{HEADER}/*") is not None


def test_the_record_of_a_consultation(
    engine: Engine, endpoint: AnyEndpoint, own_demo: Path, sample: Callable[[str], Message]
) -> None:
    """Every field that SECURITY 5 names, by hand from the sample and the demo world."""
    message = sample("answer-brussels-to-namur")
    reply = endpoint.handle(message)
    (record,) = records(engine)
    certificate = own_demo.parent / "credentials" / "fedris" / "certificate.pem"
    sent = payload(message.body)
    answered = payload(reply.body).find("informationCBSS")
    assert answered is not None
    times = [record.pop(name) for name in ("received", "replied")]
    assert times[0] == answered.findtext("timestampReceive")
    assert times[1] >= str(answered.findtext("timestampReply"))
    chain = {name: record.pop(name) for name in ("writer", "number", "previous")}
    assert chain["number"] == 2
    sources = ("FEDERAL", "BRUSSELS", "FLANDERS", "WALLONIA", "EASTBELGIUM")
    codes = ("MSG00000", "MSG00021", "MSG00021", "MSG00000", "MSG00021")
    assert record == {
        "ticket": ticket(reply),
        "service": "ChildBenefitsService",
        "operation": "consultFilesBySsin",
        "caller": "fedris",
        "certificate": fingerprint(load_certificate(certificate)),
        "customerTicket": sent.findtext("informationCustomer/ticket"),
        "legalContext": sent.findtext("legalContext"),
        "deliberations": ["DEMO-18/001"],
        "persons": [sent.findtext("criteria/ssin")],
        "asked": list(sources),
        "begin": sent.findtext("criteria/period/beginMonth"),
        "end": sent.findtext("criteria/period/endMonth"),
        "consulted": ["FEDERAL", "WALLONIA"],
        "statuses": dict(zip(sources, codes, strict=True)),
        "status": "MSG00000",
        "request": hashlib.sha256(message.body).hexdigest(),
        "reply": hashlib.sha256(reply.body).hexdigest(),
    }


def test_blocks_withheld_are_on_record_by_source(
    engine: Engine, endpoint: AnyEndpoint, own_demo: Path, tmp_path: Path
) -> None:
    """DEMO-22/014 withholds file numbers at both of its sources (docs/demo-world.md)."""
    customer = tmp_path / "credentials" / "spw-tlpe"
    shutil.copytree(own_demo.parent / "credentials" / "spw-tlpe", customer)
    shutil.copy(own_demo.parent / "credentials" / "service.pem", customer.parent)
    says = (customer / "customer.toml").read_text()
    context = re.sub("legal_context = .*", 'legal_context = "SPW_TLPE:GRANT_CONTROL"', says)
    (customer / "customer.toml").write_text(context)
    message = consultation(customer, CHILD, "2019-01", "2024-12", ["FEDERAL"])
    assert endpoint.handle(message).status == 200
    (record,) = records(engine)
    assert (record["asked"], record["deliberations"]) == (["FEDERAL"], ["DEMO-22/014"])
    assert record["withheld"] == {"FEDERAL": ["file/fileNumber"]}


@pytest.mark.parametrize(
    ("name", "status", "known"),
    [
        ("legal-context-unknown", "MSG00013", "legalContext"),
        ("not-allowed-source", "MSG00027", "deliberations"),
        ("not-inscribed-unknown-number", "MSG00012", "deliberations"),
        ("unknown-number", "MSG00005", "deliberations"),
        ("ssin-30-february", "MSG00011", "persons"),
        ("cbe-number-of-another", "MSG00014", "persons"),
        ("months-begin-after-end", "MSG00008", "begin"),
    ],
)
def test_a_refusal_is_on_record_with_what_was_known(
    engine: Engine,
    endpoint: AnyEndpoint,
    sample: Callable[[str], Message],
    *,
    name: str,
    status: str,
    known: str,
) -> None:
    reply = endpoint.handle(sample(name))
    (record,) = records(engine)
    assert (record["ticket"], record["status"]) == (ticket(reply), status)
    assert record["reply"] == hashlib.sha256(reply.body).hexdigest()
    assert record[known]
    assert {"fault", "statuses", "consulted"}.isdisjoint(record)


def test_faults_after_authentication_are_on_record(
    engine: Engine, endpoint: AnyEndpoint, sample: Callable[[str], Message], own_demo: Path
) -> None:
    """A replay, a violation of the XSD, all sources down, an error that nobody thought of."""
    settings = load_settings(own_demo)
    demo = settings.demo.model_copy(update={"failing_cadastres": frozenset(Operator)})
    down = build_endpoint(settings.model_copy(update={"demo": demo}))

    @dataclass(frozen=True)
    class Broken:
        def authorise(self, *_: object) -> object:
            return {}["a defect"]

    service: Any = replace(endpoint.service, service=Broken())  # type: ignore[type-var]
    broken = replace(endpoint, service=service)
    once = sample("accepted-plain")
    endpoint.handle(once)
    replies = [
        endpoint.handle(once),
        endpoint.handle(sample("refused-xsd-unknown-element")),
        down.handle(sample("refused-all-sources-failed")),
        broken.handle(sample("accepted-plain")),
    ]
    down.close()
    found = records(engine)[1:]
    assert [(r["status"], r["fault"]) for r in found] == [
        ("MSG00014", "wsse:FailedCheck"),
        ("MSG00008", "soapenv:Client"),
        ("MSG00002", "soapenv:Server"),
        ("MSG00003", "soapenv:Server"),
    ]
    assert [r["reply"] for r in found] == [hashlib.sha256(r.body).hexdigest() for r in replies]
    assert all(r["caller"] != "-" for r in found)
    assert found[2]["consulted"]
    assert set(found[2]["statuses"].values()) == {"MSG00002"}
    assert "persons" not in found[1]


@pytest.mark.parametrize(
    "name",
    [
        "refused-xml-not-well-formed",
        "refused-security-none",
        "refused-check-body-tampered",
        "refused-expired-too-old",
    ],
)
def test_nothing_is_kept_of_strangers(
    engine: Engine, endpoint: AnyEndpoint, sample: Callable[[str], Message], name: str
) -> None:
    assert endpoint.handle(sample(name)).status == 500
    endpoint.overloaded(sample("accepted-plain"))
    assert not rows(engine)


@pytest.mark.parametrize("name", ["unregistered", "stranger", "expired", "revoked"])
def test_who_is_registered_to_nobody_is_a_stranger(
    engine: Engine, endpoint: AnyEndpoint, own_demo: Path, name: str
) -> None:
    folder = own_demo.parent / "credentials" / name
    assert endpoint.handle(consultation(folder, CHILD, "2019-01", "2024-12")).status == 500
    assert not rows(engine)


class Refusing:
    """A trail that takes no record."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def arrive(self) -> None:
        """All are welcome."""

    depart = arrive

    def entry(self, record: Record) -> Entry:
        self.records.append(record)
        return Entry(record, "")

    def submit(self, _: Entry, settled: Settled) -> None:
        settled(Unrecorded("no disk"))

    def store(self, record: Record) -> None:
        self.records.append(record)
        raise Unrecorded("no disk")


@pytest.mark.parametrize(
    "name", ["answer-brussels-to-namur", "unknown-number", "refused-xsd-unknown-element"]
)
def test_what_is_not_on_record_does_not_leave(
    endpoint: AnyEndpoint,
    sample: Callable[[str], Message],
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """MSG00001, 503, and no data: not even who asked is echoed (SECURITY 4)."""
    trail = Refusing()
    reply = replace(endpoint, trail=trail).handle(sample(name))
    assert (reply.status, reply.retry_after is not None, is_signed(reply)) == (503, True, False)
    fault = payload(reply.body)
    assert fault.findtext(".//{*}reasonCode") == "MSG00001"
    assert not [e for e in fault.iter() if e.tag in ("informationCustomer", "results", "ssin")]
    (record,) = trail.records
    assert ticket(reply) == record.ticket
    assert "no disk" in [getattr(one, "reason", None) for one in caplog.records]


def test_a_reply_that_cannot_be_signed_is_answered_all_the_same(
    engine: Engine, endpoint: AnyEndpoint, sample: Callable[[str], Message]
) -> None:
    """Nothing escapes: neither when a reply is made, nor when its refusal is."""

    class Broken:
        def at(self, _: datetime) -> object:
            raise ZeroDivisionError("a defect")

    broken = replace(endpoint, keys=Broken())  # type: ignore[arg-type]
    for name in ("accepted-plain", "refused-xsd-unknown-element", "refused-security-none"):
        reply = broken.handle(sample(name))
        assert (reply.status, is_signed(reply)) == (503, False)
        assert payload(reply.body).findtext(".//{*}reasonCode") == "MSG00001"
    assert not rows(engine)


def test_the_record_of_a_maintenance_call(engine: Engine, own_demo: Path, tmp_path: Path) -> None:
    """Each person of the call is found by its number, whoever else was in it."""
    endpoint = build_inscriptions(load_settings(own_demo))
    line = CONTENT.split("<inscriptions>")[1].removesuffix("</inscriptions>")
    content = f"<inscriptions>{line.format(ssin=NOOR)}{line.format(ssin=OTIS)}</inscriptions>"
    folder, now = own_demo.parent / "credentials", datetime.now(UTC)
    for sent in (content, content, "<inscriptions/>"):
        body = signed_call(folder, "fedris", sent)
        endpoint.handle(Message(body, None, None, now))
    wanted = f"<criteria><ssin>{NOOR}</ssin></criteria>"
    body = signed_call(folder, "fedris", wanted, "listInscriptions")
    endpoint.handle(Message(body, None, None, now))
    endpoint.close()
    found = records(engine)
    assert [(r["operation"], r["status"], r.get("persons")) for r in found] == [
        ("registerInscriptions", "begun", [NOOR, OTIS]),
        ("registerInscriptions", "MSG00000", [NOOR, OTIS]),
        ("registerInscriptions", "begun", [NOOR, OTIS]),
        ("registerInscriptions", "MSG00000", [NOOR, OTIS]),
        ("registerInscriptions", "MSG00008", None),
        ("listInscriptions", "MSG00000", [NOOR]),
    ]
    assert [r.get("customerTicket") for r in found] == ["t-1", "t-1", "t-1", "t-1", None, "t-1"]
    assert {r["service"] for r in found} == {"ChildBenefitsInscriptionsService"}


def test_nothing_is_written_of_which_there_is_no_record(
    engine: Engine, own_demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line lets its writer consult: there is a record before there is a line."""

    def lines() -> int:
        with engine.connect() as connection:
            return connection.execute(
                select(func.count()).select_from(repertory_lines)
            ).scalar_one()

    endpoint = build_inscriptions(load_settings(own_demo))
    folder, before = own_demo.parent / "credentials", lines()
    message = [
        Message(
            signed_call(folder, "fedris", CONTENT.format(ssin=NOOR)), None, None, datetime.now(UTC)
        )
        for _ in range(2)
    ]
    trail = Refusing()
    reply = replace(endpoint, trail=trail).handle(message[0])
    assert (reply.status, is_signed(reply), lines()) == (503, False, before)
    assert [one.status for one in trail.records] == ["begun"]
    assert endpoint.handle(message[1]).status == 200
    copies = endpoint.handle(message[1])
    endpoint.close()
    assert (copies.status, lines()) == (500, before + 1)
    begun, done, copy = records(engine)
    assert "reply" not in begun
    assert begun["ticket"] == done["ticket"]
    assert begun["request"] == done["request"] == copy["request"]
    audit.report(own_demo, NOOR)
    told = capsys.readouterr().out
    assert told.count("Answer     begun: how it ended") == 1
    assert told.count("Answer     ") == 2


def test_no_evidence_is_kept_of_copies(
    endpoint: AnyEndpoint, sample: Callable[[str], Message]
) -> None:
    trail, message = Refusing(), sample("answer-brussels-to-namur")
    for _ in range(2):
        replace(endpoint, trail=trail).handle(message)
    assert [one.evidence for one in trail.records] == [True, False]


def test_one_trail_serves_all_endpoints_of_a_worker(own_demo: Path) -> None:
    one, other = build_endpoints(load_settings(own_demo))
    assert isinstance(one, Endpoint)
    assert isinstance(other, Endpoint)
    assert one.trail is other.trail
    assert isinstance(one.trail, AuditTrail)
