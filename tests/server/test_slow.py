"""Those who are slow, and many of them, in the clear and over TLS (issue 4, item 4)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.run import Tls
from ksz_childbenefits.tls import client_context
from tests.server.serving import (
    LARGE,
    LARGE_BYTES,
    SHORT,
    SLOW,
    Response,
    Site,
    closed_after,
    connect,
    post,
    receive,
    threaded,
)
from tests.tls_files import TlsFiles, tls_files

pytestmark = pytest.mark.once

Open = Callable[[], socket.socket]
Serve = Callable[[Limits], contextlib.AbstractContextManager[tuple[Site, Open]]]

FEW = Limits(connections=5, threads=5)
"""Five connections, with the times of SECURITY 1."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["plain", "TLS"])
def serve(request: pytest.FixtureRequest, files: TlsFiles) -> Serve:
    """A server with these limits, and what opens a connection to it."""

    @contextlib.contextmanager
    def serving(limits: Limits) -> Iterator[tuple[Site, Open]]:
        context, tls = None, None
        if request.param == "TLS":
            context, tls = client_context(files.ca), Tls(files.write("server"))
        with threaded(limits=limits, tls=tls) as site, ExitStack() as stack:
            yield site, lambda: stack.enter_context(_opened(site, context))

    return serving


def _opened(site: Site, context: ssl.SSLContext | None) -> socket.socket:
    stream = connect(site)
    if context is None:
        return stream
    return context.wrap_socket(stream, server_hostname="localhost")


def ask(stream: socket.socket, body: bytes = b"<a/>") -> Response | None:
    stream.sendall(post(body))
    return receive(stream)


def is_open(stream: socket.socket) -> bool:
    """Whether the server keeps a connection on which nothing is being answered."""
    stream.settimeout(0.2)
    try:
        return stream.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def seen(site: Site, reason: str, seconds: float = 5) -> bool:
    """Whether a line with this reason is logged in time."""
    deadline = time.monotonic() + seconds
    while reason not in site.log():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_those_who_say_nothing_give_way_to_those_who_ask(serve: Serve) -> None:
    with serve(FEW) as (site, opened):
        silent = [opened() for _ in range(5)]
        for _ in range(3):
            answer = ask(opened())
            assert answer is not None
            assert answer.status == 200
        assert [is_open(stream) for stream in silent] == [False] * 3 + [True] * 2
        assert seen(site, "too many connections")


def test_who_asked_last_stays_longest(serve: Serve) -> None:
    """The first connection is used again, so the second is the one that has waited longest."""
    with serve(FEW) as (_, opened):
        kept = [opened() for _ in range(5)]
        for stream in (*kept, kept[0]):
            assert ask(stream) is not None
        assert ask(opened()) is not None
        assert [is_open(stream) for stream in kept] == [True, False, True, True, True]


def test_requests_in_hand_are_not_given_up(serve: Serve) -> None:
    with serve(FEW) as (_, opened):
        busy = [opened() for _ in range(5)]
        for stream in busy:
            stream.sendall(post(SLOW))
        time.sleep(0.2)
        newcomers = [opened() for _ in range(3)]
        assert not any(is_open(stream) for stream in newcomers[:2])
        answers = [receive(stream) for stream in busy]
        assert [answer.status for answer in answers if answer is not None] == [200] * 5


def test_a_reply_that_is_taken_byte_by_byte_is_given_up(serve: Serve) -> None:
    """However steadily: the clock runs from when the reply waits to when all of it is taken."""
    with serve(SHORT) as (site, opened):
        stream = opened()
        stream.sendall(post(LARGE))
        started = time.monotonic()
        while "reply not taken in time" not in site.log():
            assert time.monotonic() - started < SHORT.write_seconds + 2
            stream.recv(1)
            time.sleep(0.02)
        assert time.monotonic() - started > SHORT.write_seconds * 0.9


def test_many_slow_readers_keep_nobody_waiting(serve: Serve) -> None:
    with serve(replace(SHORT, threads=2, parallel_requests=4)) as (site, opened):
        slow = [opened() for _ in range(12)]
        for stream in slow:
            stream.sendall(post(LARGE))
            stream.recv(1)
            started = time.monotonic()
            answer = ask(opened())
            assert answer is not None
            assert answer.status == 200
            assert time.monotonic() - started < 0.5
        assert seen(site, "reply not taken in time")


def test_what_is_not_taken_is_bounded_for_all_together(serve: Serve) -> None:
    """Room for one and a half of the replies: the first that is not taken makes room."""
    limits = Limits(unsent_bytes=LARGE_BYTES * 3 // 2)
    with serve(limits) as (site, opened):
        first, second = opened(), opened()
        for stream in (first, second):
            stream.sendall(post(LARGE))
            assert stream.recv(1)
        assert seen(site, "too much that is not taken")
        got = 1
        with contextlib.suppress(OSError):
            while more := first.recv(2**20):
                got += len(more)
        assert got < LARGE_BYTES
        rest = 1
        while rest < LARGE_BYTES:
            more = second.recv(2**20)
            assert more
            rest += len(more)


def test_the_clock_of_reading(serve: Serve) -> None:
    """As test_protocol has it in the clear, for what TLS hides in its records."""
    head = post(b"", "Content-Length: 1000")
    with serve(SHORT) as (_, opened):
        for sent in (b"", head[:20], head, head + b"x" * 999):
            stream = opened()
            started = time.monotonic()
            stream.sendall(sent)
            assert SHORT.read_seconds * 0.9 < closed_after(stream, started) < 2
        stream = opened()
        assert ask(stream) is not None
        started = time.monotonic()
        assert SHORT.idle_seconds * 0.9 < closed_after(stream, started) < SHORT.idle_seconds + 1


PACKETS = """
import socket, ssl, sys, time
port, ca, seconds, rate = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
head = "POST /ChildBenefitsService/v1/consult HTTP/1.1|Host: h|Content-Type: text/xml"
sent = (head + "|Content-Length: 200000||").replace("|", chr(13) + chr(10)).encode()
sent += b"x" * 200_000
stream = socket.create_connection(("127.0.0.1", port))
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if ca:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=ca)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            stream.sendall(outgoing.read())
            incoming.write(stream.recv(65536))
    for start in range(0, len(sent), 16_000):
        tls.write(sent[start:start + 16_000])
    sent = outgoing.read()
begun, done = time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds and done < len(sent):
    while done < min(now * rate, len(sent)):
        stream.send(sent[done:done + 1])
        done += 1
print(done)
"""


@pytest.mark.parametrize("kind", ["plain", "TLS"])
def test_a_request_in_very_many_packets_costs_little(files: TlsFiles, kind: str) -> None:
    """In 10 s at most 0.5 s of CPU, however many packets it comes in: here that for three."""
    ca, tls = ("", None) if kind == "plain" else (str(files.ca), Tls(files.write("server")))
    with threaded(limits=Limits(), tls=tls) as site:
        before = site.cpu_seconds()
        command = [sys.executable, "-c", PACKETS, str(site.port), ca, "3", "25000"]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        spent = site.cpu_seconds() - before
    assert int(done.stdout) > 20_000
    assert spent < 0.5 * 3 / 10


def test_a_request_in_packets_is_served(serve: Serve) -> None:
    """What is read by intervals is read all the same."""
    with serve(Limits()) as (_, opened):
        stream = opened()
        request = post(b"x" * 3_000)
        for start in range(0, len(request), 50):
            stream.sendall(request[start : start + 50])
            time.sleep(0.01)
        answer = receive(stream)
        assert answer is not None
        assert answer.body.startswith(b"3000|")
