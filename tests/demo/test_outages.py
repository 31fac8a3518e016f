"""The network of the demo with one operator in trouble: it shows on that operator's sources alone.

Four cadastres serve on real sockets; the gateway asks them through relays, one of which is made to
misbehave. What must come is worked out by hand from DOMAIN 1 (who holds which source on which day)
and DOMAIN 5 (what was found is always delivered).
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from ksz_childbenefits.assembly import build_cadastre
from ksz_childbenefits.config import DemoSettings, Settings, load_settings
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.demo.network import create_network
from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.runtime import build_endpoint
from ksz_childbenefits.server.limits import Limits
from tests.cadastres.operators import http, site
from tests.cadastres.test_remote import silent
from tests.consultations import consultation, payload
from tests.server.serving import threaded

pytestmark = pytest.mark.once

DEADLINE = 1.5
BEFORE, SINCE = "2023-12-31", "2024-06-15"
FEDERAL, BRUSSELS, FLANDERS, WALLONIA, EASTBELGIUM = [
    "FEDERAL",
    "BRUSSELS",
    "FLANDERS",
    "WALLONIA",
    "EASTBELGIUM",
]
AVIQ, IRISCARE, OPGROEIEN, ORINT = (
    Operator.AVIQ,
    Operator.IRISCARE,
    Operator.OPGROEIEN,
    Operator.ORINT,
)

HELD: dict[str, dict[str, set[Operator]]] = {
    "16052591791": {FEDERAL: {AVIQ}, WALLONIA: {AVIQ}, EASTBELGIUM: {AVIQ}},
    "12031590217": {FEDERAL: {IRISCARE}, WALLONIA: {AVIQ}},
    "84110590411": {FEDERAL: {AVIQ}, FLANDERS: {OPGROEIEN}, WALLONIA: {AVIQ}},
    "16082392369": {FEDERAL: {IRISCARE}, BRUSSELS: {IRISCARE}, FLANDERS: {OPGROEIEN}},
    "83062598055": {FEDERAL: {IRISCARE, AVIQ}, WALLONIA: {AVIQ}},
}
"""Who is asked since 2024 about these persons, for 2018-01 to 2024-12 (the world's stories)."""

Payloads = dict[str, etree._Element]
"""The reply's payload for each person, without what differs from call to call."""


def asked(person: str, day: str) -> dict[str, set[Operator]]:
    """Who is asked on that day: to 2023 ORINT for all but FLANDERS (DOMAIN 1)."""
    if day == SINCE:
        return HELD[person]
    return {s: operators if s == FLANDERS else {ORINT} for s, operators in HELD[person].items()}


@dataclass
class Gateway:
    """The gateway of a configuration, on a day."""

    config: Path
    settings: Settings
    day: str

    def replies(self) -> Payloads:
        """All persons asked for at once."""
        endpoint = build_endpoint(self.settings, parse_as_of(self.day))
        customer = self.config.parent / "credentials" / "sfpd"

        def ask(person: str) -> etree._Element:
            message = consultation(customer, person, "2018-01", "2024-12", AuthenticSource)
            reply = payload(endpoint.handle(message).body)
            reply.remove(reply.find("informationCBSS"))  # type: ignore[arg-type]
            return reply

        try:
            with ThreadPoolExecutor(len(HELD)) as threads:
                return dict(zip(HELD, threads.map(ask, HELD), strict=True))
        finally:
            endpoint.close()


# Relays: what an operator's address leads to.


def relay(
    url: str, change: Callable[[bytes], bytes], stream: socket.socket, body: bytes, _: object
) -> None:
    """Pass the question on, and the answer back as changed."""
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    answer = httpx.post(url, content=body, headers=headers, trust_env=False)
    stream.sendall(http(change(answer.content), f"{answer.status_code} OK"))


def forged(reply: bytes) -> bytes:
    """The reply with another first character of its signature."""

    def other(found: re.Match[bytes]) -> bytes:
        return found.group(1) + (b"B" if found.group(2) == b"A" else b"A")

    changed, count = re.subn(rb"(SignatureValue>)([A-Za-z0-9+/])", other, reply, count=1)
    assert count == 1
    return changed


@dataclass
class Network:
    """The gateway, and the relays by which it can be led to the cadastres, or elsewhere."""

    gateway: Path
    silent: str
    down: str
    forging: dict[Operator, str]
    honest: dict[Operator, str]

    def settings(self, **troubled: str) -> Settings:
        """The gateway's, with the addresses of some operators others than their own."""
        settings = load_settings(self.gateway)
        urls = self.honest | {Operator(name): url for name, url in troubled.items()}
        operators = {
            operator: given.model_copy(update={"url": urls[operator]})
            for operator, given in settings.operators.items()
        }
        remote = settings.remote.model_copy(update={"deadline_seconds": DEADLINE})
        return settings.model_copy(update={"operators": operators, "remote": remote})

    def trouble(self, operator: Operator, fault: str) -> Settings:
        at = {"down": self.down, "silent": self.silent, "forging": self.forging[operator]}[fault]
        return self.settings(**{operator: at})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = create_network(tmp_path_factory.mktemp("outages") / "network")
    with ExitStack() as running:
        forging: dict[Operator, str] = {}
        honest: dict[Operator, str] = {}
        for operator, config in made.operators.items():
            build = partial(_serving, config)
            port = running.enter_context(threaded(build, Limits())).port  # type: ignore[arg-type]
            url = f"http://127.0.0.1:{port}{CADASTRE.path}"
            for relays, change in ((forging, forged), (honest, bytes)):
                behaviour = partial(relay, url, change)
                relays[operator] = running.enter_context(site(behaviour)).url
        hole = running.enter_context(site(silent)).url
        # Held, so that nobody else gets it, and not listening.
        refusing = running.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{refusing.getsockname()[1]}/"
        yield Network(made.gateway, hole, down, forging, honest)


def _serving(config: Path) -> tuple[Any]:
    return (build_cadastre(load_settings(config)),)


@pytest.fixture(scope="module")
def embedded(demo: Path) -> Callable[..., Payloads]:
    """What the one process of the demo answers, with some cadastres made to fail."""

    @cache
    def replies(day: str, *failing: Operator) -> Payloads:
        outage = DemoSettings(failing_cadastres=frozenset(failing))
        settings = load_settings(demo).model_copy(update={"demo": outage})
        return Gateway(demo, settings, day).replies()

    return replies


def text(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def texts(replies: Payloads) -> dict[str, bytes]:
    return {person: text(reply) for person, reply in replies.items()}


def results(reply: etree._Element) -> dict[str, etree._Element]:
    found = reply.iterfind("results/resultByAuthenticSource")
    return {str(result.get("authenticSource")): result for result in found}


@pytest.mark.parametrize("day", [BEFORE, SINCE])
def test_through_relays_everything_is_as_in_one_process(
    network: Network, embedded: Callable[..., Payloads], day: str
) -> None:
    replies = Gateway(network.gateway, network.settings(), day).replies()
    assert texts(replies) == texts(embedded(day))
    for person, reply in replies.items():
        codes = {source: r.findtext("status/code") for source, r in results(reply).items()}
        called = {source for source, code in codes.items() if code == "MSG00000"}
        assert called == set(asked(person, day))


TROUBLES = [(operator, fault) for operator in Operator for fault in ("down", "silent", "forging")]


@pytest.mark.parametrize(("operator", "fault"), TROUBLES)
def test_an_outage_shows_on_every_source_of_that_operator_and_no_other(
    network: Network, embedded: Callable[..., Payloads], operator: Operator, fault: str
) -> None:
    day = BEFORE if operator is ORINT else SINCE
    began = time.monotonic()
    replies = Gateway(network.gateway, network.trouble(operator, fault), day).replies()
    assert time.monotonic() - began < DEADLINE + 1.5  # what a busy machine needs on top
    assert texts(replies) == texts(embedded(day, operator))
    healthy, met = embedded(day), 0
    for person, reply in replies.items():
        sources = asked(person, day)
        lost = {source for source, operators in sources.items() if operators == {operator}}
        partly = {s for s, operators in sources.items() if operator in operators} - lost
        met += len(lost | partly)
        found, before = results(reply), results(healthy[person])
        assert list(found) == list(before) == list(AuthenticSource)
        for source, result in found.items():
            if source in lost:
                assert result.findtext("status/value") == "TECHNICAL_ERROR"
                assert result.findtext("status/code") == "MSG00002"
                assert result.find("files") is None
            elif source in partly:
                assert result.findtext("status/value") == "DATA_FOUND"
                assert result.findtext("status/information/fieldValue") == operator
                assert (
                    0
                    < len(result.findall("files/file"))
                    < len(before[source].findall("files/file"))
                )
            else:
                assert text(result) == text(before[source])
        value = "INCOMPLETE_DATA" if lost | partly else "DATA_FOUND"
        assert reply.findtext("status/value") == value
        told = {e.text for e in reply.iterfind("status/information/fieldValue")}
        assert told == lost | partly
    assert met
