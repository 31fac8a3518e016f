"""Fresh signed requests, as many as wanted: each has a ticket, and so a signature, of its own.

One message is made by this project's own client; the others are the same text with another ticket,
and with the digest and the signature that follow from it. So each costs little more than its
signature, and several processes make them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import world
from house import House
from lxml import etree

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import DS, INTF, SOAP_ENV
from ksz_childbenefits.security.detached import signature_value

_TICKET = "00000000-0000-4000-8000-000000000000"
_SHARE = 2_000

_ENVELOPE = f"""\
<soapenv:Envelope xmlns:soapenv="{SOAP_ENV}"><soapenv:Header/><soapenv:Body>
<intf:consultFilesBySsinRequest xmlns:intf="{INTF}">
 <informationCustomer><ticket>{_TICKET}</ticket><timestampSent>2026-01-01T12:00:00.000Z</timestampSent>
  <customerIdentification><cbeNumber>%s</cbeNumber></customerIdentification></informationCustomer>
 <legalContext>{world.LEGAL_CONTEXT}</legalContext>
 <criteria><ssin>%s</ssin>
  <period><beginMonth>%s</beginMonth><endMonth>%s</endMonth></period>
  %s</criteria>
</intf:consultFilesBySsinRequest>
</soapenv:Body></soapenv:Envelope>"""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: about whom, at which sources (none named: all), in which months."""

    ssin: str
    sources: tuple[str, ...] = ("WALLONIA",)
    begin: str = "2021-12"
    end: str = "2026-11"


JOB = Question(world.MOTHERS[world.JOB_FILES])
"""As the known client asks: one source, the last 60 months (DOMAIN 7)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What requests are wanted: to which service, by whom, about what."""

    house: House
    caller: world.Caller = world.RSA
    question: Question = JOB


class Template:
    """A signed message of which others can be made."""

    def __init__(self, order: Order) -> None:
        """Sign the first one."""
        self._ssin = order.question.ssin.encode()
        self._key = order.house.credentials(order.caller).key
        root = _first(order)
        body = next(root.iter(f"{{{SOAP_ENV}}}Body"))
        signed_info = next(root.iter(f"{{{DS}}}SignedInfo"))
        value = next(root.iter(f"{{{DS}}}SignatureValue")).text or ""
        self._body = _canonical(body)
        self._digest = _digest(self._body)
        self._signed_info = _canonical(signed_info)
        if self._signed_info.count(self._digest) != 1:
            raise SystemExit("the signed message does not name the digest of its body")
        self._text = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
        self._value = value.encode()

    def make(self, ssin: str | None = None) -> bytes:
        """Another message; ``ssin``: about somebody else."""
        new = {_TICKET.encode(): str(uuid.uuid4()).encode()}
        if ssin is not None:
            new[self._ssin] = ssin.encode()
        digest = _digest(_replaced(self._body, new))
        signed_info = self._signed_info.replace(self._digest, digest)
        value = base64.b64encode(signature_value(self._key, signed_info))
        return _replaced(self._text, {**new, self._digest: digest, self._value: value})

    def http(self) -> bytes:
        """The same as a whole HTTP request."""
        message = self.make()
        head = (
            f"POST {CONSULTATION.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(message)}\r\n\r\n"
        )
        return head.encode() + message


def _first(order: Order) -> etree._Element:
    question = order.question
    named = "".join(f"<authenticSource>{s}</authenticSource>" for s in question.sources)
    sources = f"<authenticSources>{named}</authenticSources>" if named else ""
    text = _ENVELOPE % (
        order.caller.cbe_number,
        question.ssin,
        question.begin,
        question.end,
        sources,
    )
    root, _ = order.house.signature(order.caller).apply(etree.fromstring(text), {})
    # As the receiver parses it.
    return etree.fromstring(etree.tostring(root))


def _replaced(text: bytes, new: Mapping[bytes, bytes]) -> bytes:
    for old, other in new.items():
        text = text.replace(old, other)
    return text


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def _digest(octets: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(octets).digest())


@dataclass(frozen=True, slots=True)
class Store:
    """Requests in a file, one behind the other, all of the same size."""

    path: Path
    size: int
    count: int


def prepare(path: Path, order: Order, count: int) -> Store:
    """Sign ``count`` requests, each to be sent once, on all cores."""
    shares = [min(_SHARE, count - done) for done in range(0, count, _SHARE)]
    size = len(Template(order).http())
    with path.open("wb") as stream, ProcessPoolExecutor(os.cpu_count()) as pool:
        for requests in pool.map(_share, [order] * len(shares), shares):
            if len(requests) % size:
                raise SystemExit("requests differ in size")
            stream.write(requests)
    return Store(path, size, count)


def _share(order: Order, count: int) -> bytes:
    template = Template(order)
    return b"".join(template.http() for _ in range(count))
