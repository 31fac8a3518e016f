"""spyne passes messages on: it chooses by nothing in them, and looks at none."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.soap_app import RECEIVED, soap_application

HREFS = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<a href="#x"/><b id="x">1</b></e:Body></e:Envelope>'
)


class Recorder:
    """Keeps the messages that came."""

    contract = CONSULTATION

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.messages: list[Message] = []

    def handle(self, message: Message) -> Reply:
        self.messages.append(message)
        return self.reply

    def overloaded(self, message: Message) -> Reply:
        raise AssertionError

    def ready(self) -> bool:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def call(gateway: Recorder, body: bytes, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    started: list[Any] = []
    given = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "h",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    reply = soap_application(gateway)(given, lambda *arguments: started.extend(arguments))
    content = b"".join(reply)
    return started[0], dict(started[1]), content


@pytest.mark.parametrize(
    "body", [b"", b"<", b"\xff\xfe", b"<!DOCTYPE a><a/>", HREFS, b"x" * 3_000_000]
)
def test_any_bytes_reach_the_operation_unchanged(body: bytes) -> None:
    gateway = Recorder(Reply(b"<signed/>", 200))
    assert call(gateway, body, HTTP_SOAPACTION='"urn:other#operation"') == (
        "200 OK",
        {"Content-Type": "text/xml; charset=utf-8", "Content-Length": "9"},
        b"<signed/>",
    )
    (message,) = gateway.messages
    assert (message.body, message.soap_action) == (body, '"urn:other#operation"')
    assert datetime.now(UTC) - message.received < timedelta(seconds=5)


def test_status_and_retry_after_are_the_gateway_s() -> None:
    gateway = Recorder(Reply(b"<fault/>", 503, retry_after=7))
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    status, headers, body = call(gateway, b"<a/>", **{RECEIVED: moment})
    assert (status, headers["Retry-After"], body) == ("503 Service Unavailable", "7", b"<fault/>")
    assert gateway.messages[0].received == moment


def test_spyne_is_imported_without_a_warning() -> None:
    command = [sys.executable, "-W", "error", "-c", "import ksz_childbenefits.spyne_compat"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")
