"""A customer beyond its rate: MSG00001, HTTP 503, Retry-After, whichever worker it comes to."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.conformance.case import load_case
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.message import compose
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.gateway import ConsultationExchange
from ksz_childbenefits.rates import Buckets, Rate, Rates
from ksz_childbenefits.runtime import build_endpoint
from tests.conftest import LiveService, copy_of, live

SAMPLES = Path(__file__).parent.parent / "samples"
OTHER = "ocmw-of-ghent-by-sector"
"""A sample by another customer than that of accepted-plain."""

Signed = Callable[[str], Message]


@pytest.fixture
def signed(demo: Path) -> Signed:
    """The message of a sample, signed now."""
    keys = KeyRing(demo.parent / "credentials")

    def sign(name: str = "accepted-plain") -> Message:
        case, now = load_case(SAMPLES / name), datetime.now(UTC)
        identity = keys.identity(case.sign.credentials or case.customer)
        return Message(compose(case, identity, now).body, None, None, now)

    return sign


@pytest.fixture
def endpoint(demo: Path) -> Iterator[Endpoint[ConsultationExchange]]:
    """One that lets each customer ask twice, and once more every second."""
    built = build_endpoint(load_settings(demo))
    yield replace(built, rates=Rates("x", Rate(1, 2), {}, Buckets(None)))
    built.close()


def code(reply: Reply) -> str:
    root = etree.fromstring(reply.body)
    return next(element.text or "" for element in root.iter("reasonCode", "code"))


def test_what_is_refused_may_be_sent_again_as_it_is(
    endpoint: Endpoint[ConsultationExchange], signed: Signed
) -> None:
    assert [endpoint.handle(signed("accepted-plain")).status for _ in range(2)] == [200, 200]
    third = signed("accepted-plain")
    refused = endpoint.handle(third)
    assert (refused.status, refused.retry_after, code(refused)) == (503, 1, "MSG00001")
    time.sleep(1)
    assert endpoint.handle(third).status == 200


def test_the_rate_is_of_one_customer(
    endpoint: Endpoint[ConsultationExchange], signed: Signed
) -> None:
    assert [endpoint.handle(signed("accepted-plain")).status for _ in range(3)] == [200, 200, 503]
    assert endpoint.handle(signed(OTHER)).status == 200


def test_copies_of_a_message_use_up_nothing(
    endpoint: Endpoint[ConsultationExchange], signed: Signed
) -> None:
    """Whoever overheard a message could else keep its sender from asking."""
    message = signed("accepted-plain")
    assert endpoint.handle(message).status == 200
    copies = [code(endpoint.handle(message)) for _ in range(20)]
    assert copies == ["MSG00014"] * 20
    assert endpoint.handle(signed("accepted-plain")).status == 200


def test_strangers_use_up_nothing(endpoint: Endpoint[ConsultationExchange], signed: Signed) -> None:
    for _ in range(5):
        assert code(endpoint.handle(signed("refused-certificate-unregistered"))) == "MSG00014"
        assert code(endpoint.handle(signed("refused-check-body-tampered"))) == "MSG00014"
    assert endpoint.handle(signed("accepted-plain")).status == 200


@pytest.fixture(scope="module")
def limited(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """Four workers that together let a customer ask 12 times, and one customer 20 times."""
    config = copy_of(demo, tmp_path_factory.mktemp("limited") / "world")
    rates = (
        "\n[limits.rate]\nper_second = 0.1\nburst = 12\n"
        "\n[limits.rates.ocmw-gent]\nper_second = 0.1\nburst = 20\n"
    )
    config.write_text(config.read_text() + rates)
    yield from live(config, 4)


def ask(url: str, message: Message) -> tuple[int, str | None, bytes]:
    """Over a connection of its own, so that all workers get some."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"Content-Type": "text/xml; charset=utf-8", "Connection": "close"}
    connection.request("POST", CONSULTATION.path, message.body, headers)
    reply = connection.getresponse()
    return reply.status, reply.getheader("Retry-After"), reply.read()


@pytest.mark.parametrize(("name", "burst"), [("accepted-plain", 12), (OTHER, 20)])
def test_all_workers_together_keep_the_rate(
    limited: LiveService, signed: Signed, name: str, burst: int
) -> None:
    """The world is a copy of the demo's, with the same keys."""
    answers = [ask(limited.url, signed(name)) for _ in range(30)]
    assert Counter(status for status, _, _ in answers) == {200: burst, 503: 30 - burst}
    status, again, body = answers[-1]
    assert status == 503
    assert again is not None
    assert 1 <= int(again) <= 10
    assert b"MSG00001" in body
    assert b"Signature" not in body
