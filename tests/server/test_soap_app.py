"""spyne passes messages on: it chooses by nothing in them, and looks at none."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ksz_childbenefits.contract.contracts import CADASTRE, CONSULTATION, INSCRIPTIONS, Contract
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.soap_app import Deliver, operation_of

HREFS = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<a href="#x"/><b id="x">1</b></e:Body></e:Envelope>'
)


class Recorder:
    """Keeps the messages that came."""

    def __init__(self, reply: Reply, contract: Contract) -> None:
        self.reply = reply
        self.contract = contract
        self.messages: list[Message] = []

    def answer(self, message: Message, deliver: Deliver) -> None:
        self.messages.append(message)
        deliver(self.reply)

    def overloaded(self, message: Message) -> Reply:
        raise AssertionError

    def ready(self) -> bool:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("contract", [CONSULTATION, CADASTRE, INSCRIPTIONS], ids=lambda c: c.name)
@pytest.mark.parametrize(
    "body", [b"", b"<", b"\xff\xfe", b"<!DOCTYPE a><a/>", HREFS, b"x" * 3_000_000]
)
def test_any_message_reaches_the_endpoint_as_it_came(contract: Contract, body: bytes) -> None:
    gateway = Recorder(Reply(b"<signed/>", 503, retry_after=7), contract)
    message = Message(body, None, '"urn:other#operation"', datetime.now(UTC))
    delivered: list[Reply] = []
    operation_of(gateway)(message, delivered.append)
    assert delivered == [gateway.reply]
    assert gateway.messages == [message]


def test_spyne_is_imported_without_a_warning() -> None:
    command = [sys.executable, "-W", "error", "-c", "import ksz_childbenefits.spyne_compat"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")
