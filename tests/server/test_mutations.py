"""Broken HTTP of every kind: 4xx, or what the request deserves; never an exception."""

from __future__ import annotations

import random
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.serving import CHUNKED_HEAD, PATH, Site, chunked, connect, get, post
from tests.server.test_protocol import ODDITIES

pytestmark = pytest.mark.once

CASES = 1500
SEEDS = [
    post(),
    post(b"x" * 1000, "Connection: close"),
    post(b"<a/>", "Expect: 100-continue"),
    post(b"<abc/>", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"),
    CHUNKED_HEAD + chunked(b"a" * 10, b"b"),
    get(f"{PATH}?wsdl"),
    *(request[:2000] for request in ODDITIES.values()),
]
PIECES = [
    *(b"\r\n", b"\r", b"\n", b"\0", b":", b" ", b"\xff", b"%00", b"HTTP/1.1", b"CONNECT "),
    *(b"Host: x\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Expect: 100-continue\r\n"),
]


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        length = chance.choice([0, 0, 0, 1, 5])
        data[place : place + length] = chance.choice([*PIECES, chance.randbytes(1), b""])
    return bytes(data) + chance.choice([b"", b"", chance.choice(SEEDS)])


def statuses(site: Site, seed: int) -> list[int]:
    """What one broken request gets; it is sent in two parts, and the sending side closed."""
    chance = random.Random(seed)
    data = mutated(chance)
    cut, answer = chance.randrange(len(data) + 1), b""
    with connect(site) as stream:
        try:
            stream.sendall(data[:cut])
            stream.sendall(data[cut:])
            stream.shutdown(socket.SHUT_WR)
            while more := stream.recv(65536):
                answer += more
        except OSError:
            pass  # the server was quicker
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_broken_requests_break_nothing(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda seed: statuses(site, seed), range(CASES))
        counted = Counter(status for result in results for status in result)
    assert set(counted) <= {100, 200, 400, 404, 405, 413, 415, 431}
    assert counted[200] > 10
    assert counted[400] > CASES / 2
