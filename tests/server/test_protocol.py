"""Time, size and the oddities of HTTP (SECURITY 1, RFC 9112)."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.serving import (
    CHUNKED_HEAD,
    LARGE,
    LARGE_BYTES,
    PATH,
    SHORT,
    SLOW,
    Site,
    ask,
    chunked,
    closed_after,
    connect,
    get,
    post,
    receive,
)

HEAD = post(b"", "Content-Length: 1000")
EARLY = post(b"", "Content-Length: 1000", path="/nowhere")
"""A head that is answered before its body is sent."""
DRIP_SECONDS = 0.1
LATEST = SHORT.idle_seconds + 2
"""When every bound must have worked, on a busy machine."""


def drip(stream: socket.socket, data: bytes) -> float:
    """Send byte after byte; seconds until the server has closed."""
    started = time.monotonic()
    try:
        for byte in data:
            stream.sendall(bytes([byte]))
            time.sleep(DRIP_SECONDS)
            if time.monotonic() - started > LATEST:
                break
    except ConnectionError:
        return time.monotonic() - started
    return closed_after(stream, started)


def answered(stream: socket.socket, request: bytes, status: int = 200) -> None:
    stream.sendall(request)
    answer = receive(stream)
    assert answer is not None
    assert answer.status == status


def silent(stream: socket.socket) -> float:
    return closed_after(stream, time.monotonic())


def dripping_headers(stream: socket.socket) -> float:
    return drip(stream, HEAD)


def dripping_body(stream: socket.socket) -> float:
    stream.sendall(HEAD)
    return drip(stream, b"x" * 1000)


def dripping_chunks(stream: socket.socket) -> float:
    stream.sendall(CHUNKED_HEAD)
    return drip(stream, chunked(b"x", end=b"") * 100)


def dripping_second_request(stream: socket.socket) -> float:
    """Its clock is its own: the time before it does not count."""
    answered(stream, post())
    time.sleep(SHORT.read_seconds / 2)
    return drip(stream, HEAD)


def second_request_begun_and_left(stream: socket.socket) -> float:
    """Its first bytes come with the last of a request that was answered early."""
    answered(stream, EARLY, 404)
    stream.sendall(b"x" * 1000 + HEAD[:20])
    return closed_after(stream, time.monotonic())


def dripping_after_the_answer(stream: socket.socket) -> float:
    answered(stream, EARLY, 404)
    return drip(stream, b"x" * 1000)


def dripping_empty_lines(stream: socket.socket) -> float:
    answered(stream, post())
    return drip(stream, b"\r\n" * 100)


def idle(stream: socket.socket) -> float:
    answered(stream, post())
    return closed_after(stream, time.monotonic())


def idle_after_an_early_answer(stream: socket.socket) -> float:
    answered(stream, EARLY, 404)
    stream.sendall(b"x" * 1000)
    return closed_after(stream, time.monotonic())


ABUSES = (
    silent,
    dripping_headers,
    dripping_body,
    dripping_chunks,
    dripping_second_request,
    second_request_begun_and_left,
    dripping_after_the_answer,
    dripping_empty_lines,
    idle,
    idle_after_an_early_answer,
)


@pytest.fixture(scope="module")
def durations(running: Site) -> dict[str, float]:
    """How long the server bears each abuse, all at the same time (to save time)."""

    def bear(abuse: Callable[[socket.socket], float]) -> float:
        with connect(running) as stream:
            return abuse(stream)

    with ThreadPoolExecutor(len(ABUSES)) as pool:
        names = [abuse.__name__ for abuse in ABUSES]
        return dict(zip(names, pool.map(bear, ABUSES), strict=True))


@pytest.mark.parametrize("abuse", ABUSES, ids=lambda abuse: abuse.__name__)
def test_time_is_bounded(
    site: Site, durations: dict[str, float], abuse: Callable[[socket.socket], float]
) -> None:
    """Reading has its clock; a connection on which nothing is asked has the longer one."""
    bound = (
        SHORT.idle_seconds if abuse in {idle, idle_after_an_early_answer} else SHORT.read_seconds
    )
    assert bound * 0.9 <= durations[abuse.__name__] < bound + 1.1


def test_a_reply_that_is_never_read_is_given_up(site: Site) -> None:
    """The rest of the 20 MB is dropped: when the client reads at last, it finds the end."""
    with connect(site) as stream:
        stream.sendall(post(LARGE))
        time.sleep(SHORT.write_seconds + 0.5)
        got = 0
        try:
            while more := stream.recv(2**20):
                got += len(more)
        except ConnectionError:
            pass
        assert got < LARGE_BYTES


def test_a_reply_that_is_read_arrives_whole(site: Site) -> None:
    answer = ask(site, post(LARGE))
    assert answer is not None
    assert len(answer.body) == LARGE_BYTES


def test_a_long_answer_is_no_slow_request(site: Site) -> None:
    """Reading is over when the body is in; the work takes the time it takes."""
    with connect(site) as stream:
        time.sleep(SHORT.read_seconds / 2)
        stream.sendall(post(SLOW))
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200


ODDITIES = {
    "both lengths": post(b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    "two lengths": post(b"<a/>", "Content-Length: 4", "Content-Length: 4"),
    "two lengths in one": post(b"<a/>", "Content-Length: 4, 4"),
    "signed length": post(b"<a/>", "Content-Length: +4"),
    "empty length": post(b"<a/>", "Content-Length:"),
    "length without end": post(b"<a/>", "Content-Length: " + "9" * 40),
    "unknown transfer coding": CHUNKED_HEAD.replace(b"chunked", b"xchunked") + chunked(b"a"),
    "chunked not last": CHUNKED_HEAD.replace(b"chunked", b"chunked, gzip") + chunked(b"a"),
    "bad chunk size": CHUNKED_HEAD + b"zz\r\nab\r\n",
    "huge chunk size": CHUNKED_HEAD + b"f" * 20 + b"\r\nab\r\n",
    "huge chunk": CHUNKED_HEAD + b"7fffffff\r\n" + b"x" * 300_000,
    "negative chunk size": CHUNKED_HEAD + b"-1\r\nab\r\n",
    "endless chunk extension": CHUNKED_HEAD + b"1;" + b"x" * 100_000,
    "endless trailer": CHUNKED_HEAD + b"1\r\na\r\n0\r\nx: " + b"x" * 100_000,
    "NUL in a header": post(b"<a/>", "X: a\0b"),
    "blank before the colon": post(b"<a/>", "X : a"),
    "folded header": post(b"<a/>", "X: a\r\n b"),
    "header without a name": post(b"<a/>", ": a"),
    "bare line feeds": post().replace(b"\r\n", b"\n"),
    "two hosts": post(b"<a/>", "Host: a", "Host: b"),
    "no host": post().replace(b"Host: h\r\n", b""),
    "absolute target": post(path=f"http://other.example{PATH}"),
    "authority": get("h:443", method="CONNECT"),
    "tunnel to a path": get(PATH, method="CONNECT"),
    "asterisk": get("*", method="OPTIONS"),
    "no target": b"POST  HTTP/1.1\r\nHost: h\r\n\r\n",
    "fragment": get(f"{PATH}#x"),
    "backslashes": get("\\..\\.."),
    "not ASCII": get("/\xe9"),
    "blank in the target": get("/a b"),
    "unknown method": get(PATH, method="FROBNICATE"),
    "lower-case method": get(PATH, method="get"),
    "long method": get(PATH, method="A" * 70_000),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": f"GET {PATH}?wsdl\r\n\r\n".encode(),
    "HTTP/2.0": get(PATH).replace(b"HTTP/1.1", b"HTTP/2.0"),
    "HTTP/1.2": get(PATH).replace(b"HTTP/1.1", b"HTTP/1.2"),
    "TLS to a plain port": bytes.fromhex("16030100a5010000a10303") + b"\0" * 100,
    "random bytes": bytes(range(256)) * 8,
    "long header": post(b"<a/>", "X: " + "x" * 17_000),
    "endless header": post(b"<a/>", "X: " + "x" * 70_000),
    "many headers": post(b"<a/>", *["X: y"] * 3_000),
    "long target": get("/" + "x" * 70_000),
}


@pytest.mark.parametrize("request_", ODDITIES.values(), ids=ODDITIES.keys())
def test_oddities_are_4xx_or_closed(site: Site, request_: bytes) -> None:
    with connect(site) as stream:
        with contextlib.suppress(ConnectionError):
            stream.sendall(request_)
        answer = receive(stream)
        assert answer is None or 400 <= answer.status < 500
        started = time.monotonic()
        if answer is not None and answer.headers.get("connection") == "close":
            assert closed_after(stream, started) < LATEST
            assert len(answer.body) < 50


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("both lengths", 400),
        ("two lengths", 400),
        ("bad chunk size", 400),
        ("huge chunk", 413),
        ("absolute target", 400),
        ("tunnel to a path", 400),
        ("no host", 400),
        ("long header", 431),
        ("endless header", 431),
        ("many headers", 431),
        ("endless trailer", 431),
    ],
)
def test_the_status_of_some(site: Site, name: str, status: int) -> None:
    answer = ask(site, ODDITIES[name])
    assert answer is not None
    assert (answer.status, answer.headers["connection"]) == (status, "close")


def test_16_kib_of_headers_pass(site: Site) -> None:
    answer = ask(site, post(b"x" * 20_000, "X: " + "x" * 16_000))
    assert answer is not None
    assert answer.status == 200


def test_expect_100_continue(site: Site) -> None:
    with connect(site) as stream:
        stream.sendall(post(b"", "Content-Length: 4", "Expect: 100-continue"))
        interim = receive(stream)
        assert interim is not None
        assert interim.status == 100
        stream.sendall(b"<a/>")
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200


def test_who_expects_100_and_is_refused_must_connect_again(site: Site) -> None:
    head = ["Content-Length: 4", "Expect: 100-continue", "Content-Type: text/plain"]
    with connect(site) as stream:
        stream.sendall(post(b"", *head))
        answer = receive(stream)
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (415, "close")
        assert receive(stream) is None


def test_chunks_with_extensions_and_trailers(site: Site) -> None:
    """Trailers are no headers: a media type there changes nothing."""
    body = b"2;a=b\r\n<a\r\n2\r\n/>\r\n0\r\nContent-Type: text/plain\r\nSOAPAction: x\r\n\r\n"
    answer = ask(site, CHUNKED_HEAD + body)
    assert answer is not None
    assert answer.status == 200
    assert answer.body.split(b"|")[:3] == [b"4", b"None", b"None"]


def test_an_offer_of_http_2_is_declined(site: Site) -> None:
    """Java's HttpClient makes it with its first request."""
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIA"]
    with connect(site) as stream:
        for _ in range(2):
            stream.sendall(post(b"<abc/>", *offer))
            answer = receive(stream)
            assert answer is not None
            assert (answer.status, answer.body[:2]) == (200, b"6|")


def test_http_1_0(site: Site) -> None:
    request = post().replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: h\r\n", b"")
    with connect(site) as stream:
        stream.sendall(request)
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert receive(stream) is None


def test_a_client_that_has_no_more_to_say_is_answered(site: Site) -> None:
    with connect(site) as stream:
        stream.sendall(post(SLOW))
        stream.shutdown(socket.SHUT_WR)
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert receive(stream) is None


def test_a_client_that_went_away_is_forgotten(site: Site) -> None:
    for request in (post(SLOW), HEAD, HEAD[:20], CHUNKED_HEAD + b"5\r\nab"):
        connect(site).close()
        with connect(site) as stream:
            stream.sendall(request)
    time.sleep(0.1)


def test_requests_follow_each_other_on_one_connection(site: Site) -> None:
    with connect(site) as stream:
        for request, status in [
            (post(), 200),
            (post(b"x" * 1000, path="/nowhere"), 404),
            (post(b"<a/>", "Content-Type: a/b"), 415),
            (CHUNKED_HEAD + chunked(b"<a/>"), 200),
            (get("/health/live"), 200),
            (b"\r\n" + post(), 200),
        ]:
            stream.sendall(request)
            answer = receive(stream)
            assert answer is not None
            assert answer.status == status


def test_nonsense_after_an_early_answer_is_answered(site: Site) -> None:
    with connect(site) as stream:
        answered(stream, EARLY, 404)
        stream.sendall(b"x" * 1000)
        answered(stream, b"GARBAGE", 400)


def test_a_request_in_the_tail_of_another_is_not_served(site: Site) -> None:
    """Nor garbage there: one answer, then the connection ends (RFC 9112, 9.3.2)."""
    for tail in (post(b"<hidden/>"), b"GARBAGE", b"\r\n" * 20_000):
        with connect(site) as stream:
            stream.sendall(post() + tail)
            answer = receive(stream)
            assert answer is not None
            assert (answer.status, answer.body[:2]) == (200, b"4|")
            assert receive(stream) is None
