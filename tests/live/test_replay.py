"""Of many copies of one message, sent at once to all machines, one is served (SECURITY 3)."""

from __future__ import annotations

import shutil
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from ksz_childbenefits.client import Credentials, Signature
from ksz_childbenefits.contract.namespaces import INTF, SOAP_ENV
from ksz_childbenefits.demo.cluster import Cluster
from ksz_childbenefits.demo.init import create_demo
from tests.live.services import CHILD, PATH, ask, client, credentials, serving

pytestmark = pytest.mark.once

COPIES = 200
ROOM = "\n[limits]\nparallel_requests = 200\n"
"""No copy is refused for want of room: each is judged."""

SERVED, REPLAYED = "200 DATA_FOUND", "500 wsse:FailedCheck"


def message(me: Credentials) -> bytes:
    """A signed question, as HTTP."""
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body><i:consultFilesBySsinRequest xmlns:i="{INTF}">'
        "<informationCustomer><customerIdentification>"
        f"<cbeNumber>{me.cbe_number}</cbeNumber></customerIdentification></informationCustomer>"
        f"<legalContext>{me.legal_context}</legalContext><criteria><ssin>{CHILD}</ssin>"
        "<period><beginMonth>2018-01</beginMonth></period></criteria>"
        "</i:consultFilesBySsinRequest></s:Body></s:Envelope>"
    )
    Signature(me.key, me.certificate, me.service_certificates).apply(envelope, {})
    body = etree.tostring(envelope)
    head = f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def send(data: bytes, url: str, pause: Callable[[], object] = bool) -> str:
    """What a message gets; ``pause`` comes before its last octet."""
    parts, answer = urlsplit(url), b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), 30) as stream:
        stream.sendall(data[:-1])
        pause()
        stream.sendall(data[-1:])
        while more := stream.recv(65536):
            answer += more
    return kind(answer)


def at_once(data: bytes, urls: list[str]) -> Counter[str]:
    """What copies get that all lack their last octet until all but that was sent."""
    gate = threading.Barrier(COPIES, timeout=30)
    targets = [urls[index % len(urls)] for index in range(COPIES)]
    with ThreadPoolExecutor(COPIES) as threads:
        return Counter(threads.map(lambda url: send(data, url, gate.wait), targets))


def kind(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    root = etree.fromstring(body)
    said = root.findtext(f"{{{SOAP_ENV}}}Body/*/status/value") or root.findtext(".//faultcode")
    return f"{head.split()[1].decode()} {said}"


def test_two_machines_that_share_a_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """Each machine: processes of its own, two workers, its own folder of configuration."""
    first = create_demo(tmp_path / "first", cluster.create("two_machines"))
    with first.open("a") as stream:
        stream.write(ROOM)
    shutil.copytree(first.parent, tmp_path / "second")
    second = tmp_path / "second" / first.name
    me = credentials(first)
    with serving(first) as one, serving(second) as other:
        for service in (one, other):
            assert ask(client(service, me)) == "DATA_FOUND"
        for _ in range(3):
            got = at_once(message(me), [one.url, other.url])
            assert got == {SERVED: 1, REPLAYED: COPIES - 1}
        # A copy that was served by one machine is refused by the other, later too.
        data = message(me)
        said = [send(data, url) for url in (one.url, other.url, one.url)]
        assert said == [SERVED, REPLAYED, REPLAYED]


def test_four_workers_that_share_an_sqlite(tmp_path: Path) -> None:
    config = create_demo(tmp_path / "demo")
    with config.open("a") as stream:
        stream.write(ROOM)
    me = credentials(config)
    with serving(config, "serve", "--port", "0", "--workers", "4") as service:
        for _ in range(3):
            assert at_once(message(me), [service.url]) == {SERVED: 1, REPLAYED: COPIES - 1}
