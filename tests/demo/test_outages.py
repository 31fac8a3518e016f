"""The network of the demo with one operator in trouble: it shows on that operator's sources alone.

Four cadastres serve on real sockets; the gateway asks them through relays, one of which is made to
misbehave. What must come is worked out by hand from DOMAIN 1 (who holds which source on which day)
and DOMAIN 5 (what was found is always delivered).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from ksz_childbenefits.assembly import build_cadastre
from ksz_childbenefits.config import DemoSettings, Settings, load_settings
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.network import create_network
from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.runtime import build_endpoint
from ksz_childbenefits.server.limits import Limits
from tests.cadastres.operators import site
from tests.consultations import consultation, payload
from tests.demo.troubles import Forger, by_itself, relay
from tests.server.serving import threaded

pytestmark = pytest.mark.once

DEADLINE = 1.5
OF_A_GATEWAY = ("background-loop", "look-up", "cadastre")
"""How the threads of a gateway that ask operators are called."""

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


@dataclass
class Network:
    """The gateway, and what it can be led to: the cadastres as they are, or in trouble."""

    gateway: Path
    honest: dict[Operator, str]
    troubled: dict[tuple[Operator, str], str]
    expired: dict[Operator, Path]

    def settings(self, operator: Operator | None = None, fault: str = "") -> Settings:
        """The gateway's, with the address of one operator in trouble.

        Its expired certificate is known to the gateway as well as the one that it has.
        """
        settings = load_settings(self.gateway)
        operators = {}
        for each, given in settings.operators.items():
            url = self.troubled[each, fault] if each is operator else self.honest[each]
            known = (*given.certificates, self.expired[each])
            operators[each] = given.model_copy(update={"url": url, "certificates": known})
        remote = settings.remote.model_copy(update={"deadline_seconds": DEADLINE})
        return settings.model_copy(update={"operators": operators, "remote": remote})


FAULTS = {
    "down": "ConnectError",
    "silent": "no whole reply in time",
    "slow": "no whole reply in time",
    "dripping": "no whole reply in time",
    "refusing": "HTTP 503",
    "resetting mid-reply": "no reply",
    "HTML": "no plain XML",
    "fault": "SOAP fault MSG00003",
    "wrong signature": "FailedCheck",
    "expired certificate": "FailedAuthentication",
    "invalid files": "SchemaViolation",
    "another person": "the person asked for is not",
}
"""What can be wrong with an operator, and the reason that the log gives."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("outages")
    made = create_network(folder / "network")
    keys = made.gateway.parent / "keys"
    authority = pki.load_authority(keys / "authority.key", keys / "authority.pem")
    network = Network(made.gateway, {}, {}, {})
    with ExitStack() as running:
        # Held, so that nobody else gets it, and not listening.
        refusing = running.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{refusing.getsockname()[1]}/"
        for operator, config in made.operators.items():
            build = partial(_serving, config)
            port = running.enter_context(threaded(build, Limits())).port  # type: ignore[arg-type]
            asking = partial(relay, f"http://127.0.0.1:{port}{CADASTRE.path}")
            network.honest[operator] = running.enter_context(site(partial(asking, bytes))).url
            forger = Forger(config, authority)
            expired = forger.expired()
            network.expired[operator] = folder / f"{operator}.pem"
            pki.write_certificate(network.expired[operator], expired.certificate)
            changes = forger.changes(expired).items()
            behaviours = by_itself(2 * DEADLINE) | {n: partial(asking, c) for n, c in changes}
            urls = {n: running.enter_context(site(b)).url for n, b in behaviours.items()}
            for fault, url in ({"down": down} | urls).items():
                network.troubled[operator, fault] = url
        yield network


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


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operator", Operator)
def test_an_outage_shows_on_every_source_of_that_operator_and_no_other(
    network: Network,
    embedded: Callable[..., Payloads],
    caplog: pytest.LogCaptureFixture,
    operator: Operator,
    fault: str,
) -> None:
    day = BEFORE if operator is ORINT else SINCE
    began = time.monotonic()
    replies = Gateway(network.gateway, network.settings(operator, fault), day).replies()
    assert time.monotonic() - began < DEADLINE + 1.5  # what a busy machine needs on top
    assert any(FAULTS[fault] in getattr(record, "reason", "") for record in caplog.records)
    assert not [t.name for t in threading.enumerate() if t.name.startswith(OF_A_GATEWAY)]
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
