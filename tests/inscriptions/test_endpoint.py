"""The whole way of a call, in process with real signatures, and once through HTTP with zeep."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.client import (
    Inscription,
    connect,
    connect_inscriptions,
    read_credentials,
)
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import INSCRIPTIONS
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_FAULT, SOAP_ENV
from ksz_childbenefits.contract.schemas import validate_reply
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.exchange import Message
from ksz_childbenefits.inscriptions import InscriptionsExchange
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.runtime import build_endpoint, build_inscriptions
from ksz_childbenefits.security.credentials import load_certificate
from ksz_childbenefits.security.trust import fingerprint
from tests.conftest import LiveService
from tests.inscriptions.messages import CONTENT, signed_call
from tests.registers.numbers import ssin


@pytest.fixture
def endpoint(own_demo: Path) -> Endpoint[InscriptionsExchange]:
    return build_inscriptions(load_settings(own_demo))


@pytest.fixture
def signed(own_demo: Path) -> Callable[..., Message]:
    """A call by whoever has these credentials, signed now; ``says``: whose number it gives."""

    def sign(*given: str, **named: str) -> Message:
        body = signed_call(own_demo.parent / "credentials", *given, **named)
        return Message(body, None, None, datetime.now(UTC))

    return sign


def answered(endpoint: Endpoint[InscriptionsExchange], message: Message) -> tuple[str | None, ...]:
    """Value and code of the status of a signed reply, or code and reason of the typed fault."""
    (content,) = etree.fromstring(endpoint.handle(message).body).iterfind(f"{{{SOAP_ENV}}}Body/*")
    if content.tag == f"{{{SOAP_ENV}}}Fault":
        (detail,) = content.iterfind(f"detail/{INSCRIPTIONS_FAULT}")
        validate_reply(INSCRIPTIONS, detail)
        return content.findtext("faultcode"), detail.findtext("detail/reasonCode")
    validate_reply(INSCRIPTIONS, content)
    return content.findtext("status/value"), content.findtext("status/code")


SOMEBODY = ssin("950702901", since_2000=False)
"""A valid number that the demo's register does not know."""


def test_who_may_call(
    endpoint: Endpoint[InscriptionsExchange],
    signed: Callable[..., Message],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    own, wallonia = CONTENT.format(ssin=SOMEBODY), "<authenticSource>WALLONIA</authenticSource>"
    line = own.replace(
        'sector="0" quality="0"', 'sector="7" quality="104" fileType="CHILD_BENEFIT"'
    )
    assert answered(endpoint, signed("fedris", own)) == ("OK", "MSG00000")
    assert answered(endpoint, signed("ocmw-namur", own)) == ("OK", "MSG00000")  # by its CBE number
    assert answered(endpoint, signed("fedris", wallonia + line)) == ("NOK", "MSG00008")  # ticket
    assert answered(endpoint, signed("operator-aviq", wallonia + line)) == ("OK", "MSG00000")
    for writer in ("operator-iriscare", "operator-orint", "orint", "swl"):
        assert answered(endpoint, signed(writer, wallonia + line)) == ("NOK", "MSG00027")
    assert answered(endpoint, signed("fedris", own, says="swl")) == ("NOK", "MSG00014")
    assert answered(endpoint, signed("operator-aviq", own, says="fedris")) == ("NOK", "MSG00014")
    assert answered(endpoint, signed("fedris", own, ticket="")) == ("NOK", "MSG00008")
    for stranger in ("stranger", "revoked", "unregistered"):
        assert answered(endpoint, signed(stranger, own, says="fedris")) == (
            "wsse:FailedAuthentication",
            "MSG00014",
        )
    assert answered(endpoint, signed("fedris", "<inscriptions/>")) == ("soapenv:Client", "MSG00008")
    once = signed("fedris", own)
    assert answered(endpoint, once) == ("OK", "MSG00000")  # the same ticket, signed anew
    assert answered(endpoint, once) == ("wsse:FailedCheck", "MSG00014")  # a replay
    assert SOMEBODY not in caplog.text


def test_an_operators_certificate_is_nobodys_at_the_consultation(
    own_demo: Path, signed: Callable[..., Message]
) -> None:
    """DOMAIN 7: separate credentials, even under an anchor that ORINT is recognised by."""
    settings = load_settings(own_demo)
    engine = open_database(settings.database.url)
    customers = CustomerRegister(engine)
    anchor = load_certificate(settings.security.anchors[0].certificate)
    folder = own_demo.parent / "credentials"
    own, other = (
        load_certificate(folder / n / "certificate.pem") for n in ("orint", "operator-orint")
    )
    customers.add_anchor("orint", anchor)
    assert customers.identify(own, frozenset({fingerprint(anchor)})) is not None
    assert customers.identify(other, frozenset({fingerprint(anchor)})) is None
    assert OperatorRegister(engine).identify(own) is None
    message = build_endpoint(settings).handle(signed("operator-orint", CONTENT))
    assert b"MSG00008" in message.body  # no request of that contract, and not signed


def test_through_http_a_new_inscription_lets_the_customer_consult(service: LiveService) -> None:
    """DOMAIN 5: MSG00012 until the number is inscribed; from then on whether it exists is told."""
    folder = service.credentials / "ocmw-namur"
    me = read_credentials(folder)
    wsdl = f"{service.url}{INSCRIPTIONS.path}?wsdl"
    client = connect_inscriptions(wsdl, me)
    consultation = connect(f"{service.url}/ChildBenefitsService/v1/consult?wsdl", me)
    person = SOMEBODY
    month = datetime.now(UTC).strftime("%Y-%m")
    assert consultation.consult(person, month).status.code == "MSG00012"
    line = Inscription(person, date(2020, 1, 1), sector=17, quality=1)
    assert [client.register([line], "t-live").status.value for _ in range(2)] == ["OK", "OK"]
    assert consultation.consult(person, month).status.code == "MSG00005"
    listed = client.list(person)
    assert [one.ssin for one in listed.inscriptions.inscription] == [person]
    ended = Inscription(person, date(2020, 1, 1), date(2020, 1, 1), sector=17, quality=1)
    assert client.close([ended], "t-live-2").status.code == "MSG00000"
    assert client.list(person, begin=date(2020, 1, 2)).inscriptions is None
    refused = client.register([line], "t-live-2")
    assert (refused.status.value, refused.status.information[0].fieldName) == ("NOK", "ticket")
    aviq = connect_inscriptions(wsdl, read_credentials(service.credentials / "operator-aviq"))
    assert aviq.list(person, source="BRUSSELS").status.code == "MSG00027"
    assert aviq.list(person, source="WALLONIA").status.value == "OK"
