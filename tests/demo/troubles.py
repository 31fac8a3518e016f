"""What an operator of the demo's network can do wrong, seen from the gateway."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
from lxml import etree

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.envelope import BODY
from ksz_childbenefits.contract.xmlio import parse
from ksz_childbenefits.demo import pki
from ksz_childbenefits.identity import identity_of
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.signing import sign
from tests.cadastres.operators import Behaviour, http, sending
from tests.cadastres.test_remote import dripping, reset, silent, soap_fault
from tests.contract.canonical import canonical
from tests.registers.numbers import OTIS

Change = Callable[[bytes], bytes]
"""What becomes of an operator's reply on its way."""


def relay(url: str, change: Change, stream: socket.socket, body: bytes, _: object) -> None:
    """Pass the question on, and the answer back as changed."""
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    answer = httpx.post(url, content=body, headers=headers, trust_env=False)
    stream.sendall(http(change(answer.content), f"{answer.status_code} OK"))


def late(seconds: float, stream: socket.socket, body: bytes, stop: threading.Event) -> None:
    """Say nothing for so long, and then something."""
    stop.wait(seconds)
    sending(http(b"<a/>"))(stream, body, stop)


def by_itself(late_after: float) -> dict[str, Behaviour]:
    """Troubles in which the operator's own answer has no part; ``late_after`` in seconds."""
    return {
        "silent": silent,
        "slow": partial(late, late_after),
        "dripping": dripping,
        "refusing": sending(http(b"<a/>", "503 Service Unavailable")),
        "resetting mid-reply": reset,
        "HTML": sending(http(b"<html/>", media="text/html")),
        "fault": soap_fault(True),
    }


@dataclass(frozen=True)
class Forger:
    """Changes the replies of an operator, whose configuration it has, and signs them anew."""

    config: Path
    authority: pki.Authority

    @property
    def own(self) -> ServiceCredentials:
        """What the operator signs with."""
        return identity_of(load_settings(self.config)).keys.at(datetime.now(UTC))

    def expired(self) -> ServiceCredentials:
        """The same with a certificate that is no longer valid."""
        then = datetime.now(UTC) - timedelta(days=pki.CERTIFICATE_DAYS + 1)
        return ServiceCredentials(
            self.own.key, pki.issue(self.authority, self.own.key, "Old", then)
        )

    def changes(self, expired: ServiceCredentials) -> dict[str, Change]:
        """Troubles in what the operator answers."""
        return {
            "wrong signature": forged,
            "expired certificate": partial(resigned, expired, lambda _: None),
            "invalid files": partial(resigned, self.own, _invalid),
            "another person": partial(resigned, self.own, _of_another),
        }


def forged(reply: bytes) -> bytes:
    """The reply with another first character of its signature."""

    def other(found: re.Match[bytes]) -> bytes:
        return found.group(1) + (b"B" if found.group(2) == b"A" else b"A")

    changed, count = re.subn(rb"(SignatureValue>)([A-Za-z0-9+/])", other, reply, count=1)
    assert count == 1
    return changed


def resigned(
    by: ServiceCredentials, alter: Callable[[etree._Element], None], reply: bytes
) -> bytes:
    """What the reply says, altered, and signed by ``by``."""
    payload = parse(reply, None).find(f"{BODY}/*")
    assert payload is not None
    alter(payload)
    return sign(canonical(payload), by, datetime.now(UTC))


def _invalid(payload: etree._Element) -> None:
    for fund in payload.iterfind("files/file/childBenefitsFund"):
        fund[0].text = "12"


def _of_another(payload: etree._Element) -> None:
    """All files name somebody else wherever they named the person asked for."""
    asked = payload.findtext("criteria/ssin")
    for element in payload.iterfind("files/file//*"):
        if element.text == asked:
            element.text = OTIS
