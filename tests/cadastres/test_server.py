"""An operator's cadastre as a service: KSZ alone is answered, with what the operator holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import Engine

from ksz_childbenefits.audit.trail import AuditTrail
from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre, FailingCadastre
from ksz_childbenefits.cadastres.server import CadastreService
from ksz_childbenefits.contract.cadastre_codec import decode_holdings, encode_call
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.contract.envelope import BODY
from ksz_childbenefits.contract.namespaces import CADASTRE_FAULT, SOAP_ENV
from ksz_childbenefits.contract.schemas import validate_reply
from ksz_childbenefits.contract.xmlio import XmlLimits, parse
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.selection import LIMIT
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.volume import entries
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.exchange import Exchange, Message, Reply
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.rates import Unlimited
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.security.credentials import ServiceKeys
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.signing import sign
from tests.cadastres.holdings import PARENTIA, file, store
from tests.cadastres.holdings import HeldFile as Held
from tests.cadastres.operators import CALL, LIMITS, Behaviour, background, http, remote, site
from tests.contract.canonical import canonical, read
from tests.registers.databases import migrated
from tests.registers.databases import sqlite as engine
from tests.registers.numbers import NOOR, OTIS, PARENT
from tests.security.pki import Party, pki

__all__ = ["engine", "migrated"]

WALLONIA = AuthenticSource.WALLONIA
LIVE = file(
    [NOOR, OTIS], date(2019, 6, 1), fund=PARENTIA, beneficiaries=[PARENT], number="1"
)._replace()


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    with background() as loop:
        yield loop


@pytest.fixture
def endpoint(engine: Engine) -> Iterator[Endpoint[Exchange]]:
    built = made(engine)
    yield built
    built.close()


def made(engine: Engine) -> Endpoint[Exchange]:
    ksz = KnownCertificates([pki().rsa.certificate])
    keys = ServiceKeys(pki().service.credentials)
    trail = AuditTrail(engine, keys)
    return Endpoint(
        service=CadastreService(
            EmbeddedCadastre(engine, Operator.AVIQ), "0900020141", ksz, Pseudonymiser(b"k" * 32)
        ),
        limits=XmlLimits(),
        trust=pki().trust(),
        certificates=ksz,
        replays=SqlReplayStore(engine),
        keys=keys,
        rates=Unlimited(),
        trail=trail,
        available=lambda: True,
        close=trail.close,
    )


def message(
    call: CadastreCall = CALL,
    by: Party | None = None,
    change: Callable[[etree._Element], object] = lambda _: None,
) -> Message:
    payload = read(encode_call(call))
    change(payload)
    now = datetime.now(UTC)
    signed = sign(canonical(payload), (by or pki().rsa).credentials, now)
    return Message(signed, None, None, now)


def faultcode(reply: Reply) -> str:
    fault = parse(reply.body, None).find(f"{BODY}/{{{SOAP_ENV}}}Fault")
    assert fault is not None
    entry = fault.find(f"detail/{CADASTRE_FAULT}")
    assert entry is not None
    validate_reply(CADASTRE, entry)
    return f"{fault.findtext('faultcode')} {entry.findtext('detail/reasonCode')}"


def test_ksz_gets_the_files_under_its_own_ticket(
    engine: Engine, endpoint: Endpoint[Exchange]
) -> None:
    store(engine, [Held(Operator.AVIQ, WALLONIA, LIVE)])
    reply = endpoint.handle(message())
    assert reply.status == 200
    payload = parse(reply.body, None).find(f"{BODY}/*")
    assert payload is not None
    assert payload.findtext("ticketCBSS") == CALL.ticket
    assert decode_holdings(payload, CALL) == Holdings((LIVE,))


def test_nothing_found_is_an_answer(endpoint: Endpoint[Exchange]) -> None:
    reply = endpoint.handle(message())
    payload = parse(reply.body, None).find(f"{BODY}/*")
    assert payload is not None
    assert payload.findtext("status/code") == "MSG00100"
    assert decode_holdings(payload, CALL) == Holdings(())


def test_nobody_else_is_answered(endpoint: Endpoint[Exchange]) -> None:
    """Not even who has a certificate of the same authority."""
    assert faultcode(endpoint.handle(message(by=pki().p256))) == (
        "wsse:FailedAuthentication MSG00014"
    )


def test_a_call_is_taken_once(endpoint: Endpoint[Exchange]) -> None:
    sent = message()
    assert endpoint.handle(sent).status == 200
    assert faultcode(endpoint.handle(sent)) == "wsse:FailedCheck MSG00014"


def period(begin: str, end: str | None) -> Callable[[etree._Element], None]:
    def change(payload: etree._Element) -> None:
        element = payload.find("criteria/period")
        assert element is not None
        for child, text in zip(list(element), (begin, end), strict=True):
            child.text = text
            if text is None:
                element.remove(child)

    return change


@pytest.mark.parametrize(
    ("begin", "end"),
    [("2020-01", None), ("2020-02", "2020-01"), ("1899-12", "2020-01"), ("2020-01", "3000-01")],
)
def test_months_that_cannot_be(endpoint: Endpoint[Exchange], begin: str, end: str | None) -> None:
    reply = endpoint.handle(message(change=period(begin, end)))
    assert faultcode(reply) == "soapenv:Client MSG00008"


def test_a_zone_on_a_month_is_ignored(endpoint: Endpoint[Exchange]) -> None:
    assert endpoint.handle(message(change=period("2019-01Z", "2024-12+02:00"))).status == 200


def test_digits_that_are_not_ascii_are_refused(endpoint: Endpoint[Exchange]) -> None:
    def change(payload: etree._Element) -> None:
        number = payload.find("informationCustomer/customerIdentification/cbeNumber")
        assert number is not None
        number.text = "\N{ARABIC-INDIC DIGIT ZERO}" * 10

    assert faultcode(endpoint.handle(message(change=change))) == "soapenv:Client MSG00008"


def test_a_database_that_does_not_answer(endpoint: Endpoint[Exchange]) -> None:
    service = replace(endpoint.service, cadastre=FailingCadastre(Operator.AVIQ))  # type: ignore[type-var]
    reply = replace(endpoint, service=service).handle(message())
    assert reply.status == 503
    assert faultcode(reply) == "soapenv:Server MSG00001"


def test_a_file_that_breaks_a_rule_is_not_sent(
    engine: Engine, endpoint: Endpoint[Exchange]
) -> None:
    store(engine, [Held(Operator.AVIQ, WALLONIA, LIVE._replace(entitled_person=PARENT))])
    assert faultcode(endpoint.handle(message())) == "soapenv:Server MSG00003"


def test_what_ksz_withholds_does_not_leave_the_operator(
    engine: Engine, endpoint: Endpoint[Exchange]
) -> None:
    """DOMAIN 7; not even where it breaks a rule, which then is nobody's concern."""
    broken = LIVE._replace(entitled_person=OTIS)
    store(engine, [Held(Operator.AVIQ, WALLONIA, broken)])
    blocks = frozenset(("file/fileNumber", "file/entitledPersonSsin", "file/beneficiaries"))
    call = replace(CALL, withheld=blocks)
    reply = endpoint.handle(message(call))
    payload = parse(reply.body, None).find(f"{BODY}/*")
    assert payload is not None
    assert PARENT not in reply.body.decode()
    (file,) = decode_holdings(payload, call).files
    assert file == LIVE._replace(file_number=None, beneficiaries=())


def test_what_is_withheld_does_not_count_as_too_much(
    engine: Engine, endpoint: Endpoint[Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for what may be read nor for what may be sent: the difference would show."""
    blocks = frozenset(("file/beneficiaries", "bonuses", "paymentPeriods"))
    (left,) = Holdings((LIVE,)).without(blocks).files
    bound = entries([left])
    assert bound < entries([LIVE])
    monkeypatch.setattr("ksz_childbenefits.cadastres.embedded.HELD_ENTRIES", bound)
    store(engine, [Held(Operator.AVIQ, WALLONIA, LIVE)])
    service = replace(endpoint.service, reply_entries=bound)  # type: ignore[type-var]
    bounded = replace(endpoint, service=service)
    assert bounded.handle(message(replace(CALL, withheld=blocks))).status == 200
    assert bounded.handle(message()).status != 200


def test_more_than_a_reply_holds_is_not_sent(engine: Engine, endpoint: Endpoint[Exchange]) -> None:
    """One file and its persons pass a bound of as many entries, and not one of fewer."""
    store(engine, [Held(Operator.AVIQ, WALLONIA, LIVE)])
    size = entries([LIVE])
    for bound, expected in ((size, 200), (size - 1, 500)):
        service = replace(endpoint.service, reply_entries=bound)  # type: ignore[type-var]
        reply = replace(endpoint, service=service).handle(message())
        assert reply.status == expected
    assert faultcode(reply) == "soapenv:Server MSG00003"


def test_the_gateway_gets_what_the_operator_selects_and_cuts(
    tmp_path: Path, engine: Engine, loop: BackgroundLoop
) -> None:
    """Of 101 files the 100 latest, and the word that some were left out (DOMAIN 5)."""
    many = [
        LIVE._replace(begin=date(2019, 6, 1 + n % 28), file_number=f"{n:03d}") for n in range(101)
    ]
    outside = LIVE._replace(begin=date(2018, 1, 1), end=date(2018, 12, 31))
    store(engine, [Held(Operator.AVIQ, WALLONIA, one) for one in (*many, outside)])
    endpoint = made(engine)
    months = MonthRange(YearMonth(2019, 7), YearMonth(2020, 1))
    behaviour: Behaviour = lambda stream, body, _: stream.sendall(  # noqa: E731
        http(endpoint.handle(Message(body, "utf-8", None, datetime.now(UTC))).body)
    )
    with site(behaviour) as operator:
        cadastre = remote(operator.url, loop, replace(LIMITS, seconds=10))
        held = cadastre.files(replace(CALL, months=months))
        endpoint.close()
        loop.close()
    assert len(held.files) == LIMIT
    assert held.truncated == ("file",)
    assert held.files[0].file_number == "028"  # of those that begin on the first, 000 is left out
    assert all(member.bonuses == () for one in held.files for member in one.children)
