"""The one fault boundary: whatever happens behind it, the answer is a reply or a typed fault."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.conformance.case import load_case
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.message import compose
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import FAULT, SOAP_ENV, WSSE
from ksz_childbenefits.contract.schemas import validate_reply
from ksz_childbenefits.domain.authorisation import Ground
from ksz_childbenefits.domain.consultation import Code, Outcome, SourceResult, Status, StatusValue
from ksz_childbenefits.domain.files import Bonus, File, FileMember, FileType, Fund
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import CadastreFailure, Unavailable
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.gateway import ConsultationExchange, Gateway
from ksz_childbenefits.logs import JsonLines
from ksz_childbenefits.metrics import exposition
from ksz_childbenefits.runtime import build_endpoint

SAMPLES = Path(__file__).parent.parent / "samples"
SECRET = "a text with personal data"

KszEndpoint = Endpoint[ConsultationExchange]
HEADER = f"{{{SOAP_ENV}}}Header/{{{WSSE}}}Security"


@dataclass(frozen=True)
class Failing:
    """Stands for a register, a store or the service; whatever is asked of it raises."""

    error: Exception

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any, **__: Any) -> Any:
            raise self.error

        return fail


@dataclass(frozen=True)
class Answering:
    """Stands for the service, with an outcome of the test's choosing."""

    outcome: Outcome

    def authorise(self, *_: Any) -> Ground:
        return Ground(date(2024, 6, 1), (), self.outcome.status)

    def consult(self, *_: Any) -> Outcome:
        return self.outcome


class AllDown(Network):
    """No operator answers."""

    def __init__(self) -> None:
        down = {operator: Failing(CadastreFailure(f"{operator} is down")) for operator in Operator}
        super().__init__(down, BackgroundLoop())


@pytest.fixture
def endpoint(demo: Path) -> KszEndpoint:
    return build_endpoint(load_settings(demo))


def of_ksz(endpoint: KszEndpoint) -> Gateway:
    assert isinstance(endpoint.service, Gateway)
    return endpoint.service


def with_parts(endpoint: KszEndpoint, **parts: Any) -> KszEndpoint:
    """The same endpoint whose gateway has other parts."""
    return replace(endpoint, service=replace(of_ksz(endpoint), **parts))


@pytest.fixture
def signed(demo: Path) -> Callable[..., Message]:
    """Message of a sample, signed now."""
    keys = KeyRing(demo.parent / "credentials")

    def sign(name: str = "accepted-plain") -> Message:
        case, now = load_case(SAMPLES / name), datetime.now(UTC)
        return Message(compose(case, keys.identity(case.customer), now).body, None, None, now)

    return sign


def fault_of(reply: Reply) -> etree._Element:
    """The fault, once its detail was held to the XSD."""
    (fault,) = etree.fromstring(reply.body).iterfind(f"{{{SOAP_ENV}}}Body/{{{SOAP_ENV}}}Fault")
    (detail,) = fault.iterfind(f"detail/{FAULT}")
    validate_reply(CONSULTATION, detail)
    return fault


def reason(reply: Reply) -> str | None:
    return fault_of(reply).findtext(f"detail/{FAULT}/detail/reasonCode")


def is_signed(reply: Reply) -> bool:
    return etree.fromstring(reply.body).find(HEADER) is not None


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(map(JsonLines().format, caplog.records))


def test_what_nobody_foresaw_is_a_signed_fault(
    endpoint: KszEndpoint,
    signed: Callable[..., Message],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """DOMAIN 5: faultstring as KSZ's, informationCustomer echoed; SECURITY 4: nothing else said."""
    service: Any = Failing(ZeroDivisionError(SECRET))
    reply = with_parts(endpoint, service=service).handle(signed())
    fault = fault_of(reply)
    assert (reply.status, reply.retry_after, is_signed(reply)) == (500, None, True)
    assert fault.findtext("faultcode") == "soapenv:Server"
    assert fault.findtext("faultstring") == "An error occurred while servicing your request."
    assert reason(reply) == "MSG00003"
    assert fault.find(f"detail/{FAULT}/informationCustomer/customerIdentification") is not None
    assert SECRET not in reply.body.decode() + logged(caplog)
    ticket = fault.findtext(f"detail/{FAULT}/informationCBSS/ticketCBSS")
    assert f'"ticket": "{ticket}", "caller": "fedris"' in logged(caplog)
    assert "ZeroDivisionError at" in logged(caplog)


def test_a_reply_that_would_not_be_valid_is_not_sent(
    endpoint: KszEndpoint, signed: Callable[..., Message]
) -> None:
    bonus = Bonus(date(2020, 1, 1), "no category of the contract")
    file = File(
        *(FileType.CHILD_BENEFIT, date(2020, 1, 1), None, Fund(None, "104"), None, None),
        children=(FileMember("12031590217", (bonus,)),),
        beneficiaries=(),
    )
    status = Status(StatusValue.DATA_FOUND, Code.SUCCESS)
    outcome = Outcome(status, None, (SourceResult(AuthenticSource.WALLONIA, status, (file,)),))
    service: Any = Answering(outcome)
    reply = with_parts(endpoint, service=service).handle(signed())
    assert (reply.status, reason(reply)) == (500, "MSG00003")


@pytest.mark.parametrize("store", ["customers", "replays", "service"])
def test_a_store_that_does_not_answer_is_a_503(
    endpoint: KszEndpoint, signed: Callable[..., Message], store: str
) -> None:
    """SECURITY 4: MSG00001, unsigned, with Retry-After; the next request is served."""
    down: Any = {store: Failing(Unavailable("the database does not answer"))}
    swap: Any = replace if store == "replays" else with_parts
    message = signed()
    reply = swap(endpoint, **down).handle(message)
    assert (reply.status, reason(reply), is_signed(reply)) == (503, "MSG00001", False)
    assert reply.retry_after is not None
    assert endpoint.handle(signed()).status == 200
    # What was refused before its key was stored can be sent again as it is.
    assert (endpoint.handle(message).status == 200) is (store != "service")


def test_a_request_without_room_is_a_503(
    endpoint: KszEndpoint, signed: Callable[..., Message]
) -> None:
    reply = endpoint.overloaded(signed())
    assert (reply.status, reason(reply), is_signed(reply)) == (503, "MSG00001", False)
    assert reply.retry_after is not None
    assert fault_of(reply).find(f"detail/{FAULT}/informationCustomer") is None


def test_it_is_ready_while_its_stores_answer(endpoint: KszEndpoint) -> None:
    assert endpoint.ready()
    assert not replace(endpoint, available=lambda: False).ready()


@pytest.mark.parametrize(
    "sample",
    [
        "answer-brussels-to-namur",
        "unknown-number",
        "number-replaced-first",
        "ssin-30-february",
        "refused-xsd-ssin-ten-digits",
        "refused-xsd-unknown-element",
    ],
)
def test_no_line_of_the_log_holds_a_number(
    endpoint: KszEndpoint,
    signed: Callable[..., Message],
    caplog: pytest.LogCaptureFixture,
    sample: str,
) -> None:
    """SECURITY 5: a keyed pseudonym stands for it, the same each time."""
    caplog.set_level(logging.DEBUG)
    message = signed(sample)
    ssin = next(etree.fromstring(message.body).iter("ssin")).text
    assert ssin
    reply = endpoint.handle(message)
    assert logged(caplog)
    assert ssin not in logged(caplog)
    if reply.status == 200:
        assert f'"person": "{of_ksz(endpoint).pseudonymiser.of(ssin)}"' in logged(caplog)


def test_a_failing_cadastre_is_logged_without_its_question(
    endpoint: KszEndpoint,
    signed: Callable[..., Message],
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = replace(of_ksz(endpoint).service, cadastres=AllDown())
    message = signed("answer-brussels-to-namur")
    reply = with_parts(endpoint, service=service).handle(message)
    assert reply.status == 200  # three of five sources were not consulted: INCOMPLETE_DATA
    assert "AVIQ is down" in logged(caplog)
    assert str(next(etree.fromstring(message.body).iter("ssin")).text) not in logged(caplog)


def counted() -> dict[tuple[str, ...], float]:
    """Requests by caller, fault, service and status; and the replays."""
    families = text_string_to_metric_families(exposition().decode())
    wanted = {"ksz_requests_total", "ksz_replays_refused_total"}
    found = (s for family in families for s in family.samples if s.name in wanted)
    return {tuple(value for _, value in sorted(s.labels.items())): s.value for s in found}


def test_each_exchange_is_counted_by_caller_and_status(
    endpoint: KszEndpoint, signed: Callable[..., Message]
) -> None:
    before = counted()
    message = signed("answer-brussels-to-namur")
    assert [endpoint.handle(message).status for _ in range(3)] == [200, 500, 500]
    endpoint.handle(replace(message, body=b"<a>" + message.body))
    endpoint.overloaded(message)
    grown = {labels: n - before.get(labels, 0) for labels, n in counted().items()}
    service = CONSULTATION.name
    assert {labels: n for labels, n in grown.items() if n} == {
        ("fedris", "-", service, "MSG00000"): 1,
        ("fedris", "wsse:FailedCheck", service, "MSG00014"): 2,
        ("-", "soapenv:Client", service, "MSG00008"): 1,
        ("-", "soapenv:Server", service, "MSG00001"): 1,
        (): 2,
    }
    assert str(next(etree.fromstring(message.body).iter("ssin")).text) not in exposition().decode()
