"""Revocation lists by HTTP: bounded, checked, never replaced by older ones, kept as a whole."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ksz_childbenefits.security.list_fetching import (
    FetchLimits,
    NotFetched,
    fetch_list,
    kept_list,
)
from ksz_childbenefits.security.revocation import CheckedList, check_list
from tests.list_site import Handler, ListSite, list_site
from tests.security.pki import NOW, Party, pki, revocation_list

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIMITS = FetchLimits(seconds=20, list_bytes=100_000)
SHORT = FetchLimits(seconds=0.5, list_bytes=100_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "root.crl"


@pytest.fixture
def site() -> Iterator[ListSite]:
    with list_site() as found:
        yield found


def fetch(url: str, path: Path, limits: FetchLimits = LIMITS) -> CheckedList:
    return asyncio.run(fetch_list(url, pki().root.certificate, path, limits, NOW))


def not_fetched(url: str, path: Path, reason: str, limits: FetchLimits = LIMITS) -> None:
    """The fetch fails for this reason, and what was kept is left."""
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(NotFetched, match=reason):
        fetch(url, path, limits)
    assert (path.read_bytes() if path.exists() else None) == before
    assert [entry for entry in path.parent.iterdir() if entry != path] == []


def numbered(number: int, *revoked: Party, made: timedelta = DAY) -> bytes:
    """The list made so long ago; its extension is critical, which we understand."""
    extension = x509.CRLNumber(number)
    return revocation_list(pki().root, *revoked, begin=NOW - made, extension=extension)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_list_is_kept_as_it_came(site: ListSite, path: Path, encoding: Encoding) -> None:
    data = revocation_list(pki().root, pki().revoked, encoding=encoding)
    site.publish(data)
    fetched = fetch(site.url, path)
    assert path.read_bytes() == data
    assert fetched.serials == {pki().revoked.certificate.serial_number}
    assert kept_list(path, pki().root.certificate) == fetched


def test_the_same_list_is_not_written_again(site: ListSite, path: Path) -> None:
    site.publish(numbered(1))
    fetch(site.url, path)
    before = path.stat()
    fetch(site.url, path)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("kept", "offered", "taken"),
    [
        (lambda: numbered(1, made=2 * HOUR), lambda: numbered(2, made=HOUR), True),
        (lambda: numbered(2, made=HOUR), lambda: numbered(1, made=2 * HOUR), False),
        # Made in the same second: the number decides.
        (lambda: numbered(1), lambda: numbered(2, pki().revoked), True),
        (lambda: numbered(2, pki().revoked), lambda: numbered(1), False),
        # An authority that begins to count anew.
        (lambda: numbered(9, made=2 * HOUR), lambda: numbered(1, made=HOUR), True),
        (lambda: b"no list", lambda: numbered(1), True),
        (lambda: revocation_list(pki().root, signer=pki().stranger), lambda: numbered(1), True),
        # What is kept is stale: still nothing older comes in its place.
        (lambda: stale(HOUR), lambda: numbered(1, made=2 * HOUR), False),
        (lambda: stale(2 * HOUR), lambda: numbered(1, made=HOUR), True),
    ],
)
def test_only_a_later_list_takes_the_place_of_one(
    kept: Callable[[], bytes],
    offered: Callable[[], bytes],
    taken: bool,
    site: ListSite,
    path: Path,
) -> None:
    path.write_bytes(kept())
    data = offered()
    site.publish(data)
    if taken:
        fetch(site.url, path)
        assert path.read_bytes() == data
    else:
        not_fetched(site.url, path, "older than the one that is kept")


def stale(made: timedelta) -> bytes:
    return revocation_list(pki().root, begin=NOW - made, end=NOW - timedelta(seconds=1))


UNFIT: dict[str, Callable[[], bytes]] = {
    "is not signed by its issuer": lambda: revocation_list(pki().root, signer=pki().stranger_root),
    "is of another issuer": lambda: revocation_list(pki().intermediate),
    "holds a critical extension": lambda: revocation_list(
        pki().root, extension=x509.DeltaCRLIndicator(1)
    ),
    "cannot be read": lambda: b"<html>Please log in</html>",
    "the list is not fresh": lambda: stale(DAY),
}


@pytest.mark.parametrize("reason", UNFIT)
@pytest.mark.parametrize("there", [True, False])
def test_a_list_of_no_use_is_not_kept(reason: str, there: bool, site: ListSite, path: Path) -> None:
    if there:
        path.write_bytes(numbered(1, made=2 * DAY))
    site.publish(UNFIT[reason]())
    not_fetched(site.url, path, reason)


def test_a_list_from_the_future_does_not_shut_everyone_out(site: ListSite, path: Path) -> None:
    """The authority's clock is ahead: the list that is kept goes on until the new one begins."""
    path.write_bytes(numbered(1))
    site.publish(revocation_list(pki().root, begin=NOW + timedelta(seconds=1)))
    not_fetched(site.url, path, "the list is not fresh")


def compressed(handler: Handler) -> None:
    handler.say(200, gzip.compress(numbered(1)), Content_Encoding="gzip")


def too_long(handler: Handler) -> None:
    handler.say(200, b"x" * 100_001)


def too_long_in_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")


def cut_short(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"x" * 100)


def silent(handler: Handler) -> None:
    threading.Event().wait(2)


def dripping_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.02)


def dripping_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        handler.wfile.write(b"X-%d: y\r\n" % number)
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [silent, dripping_body, dripping_headers])
def test_an_answer_that_does_not_come_is_not_waited_for(
    answer: Callable[[Handler], None], site: ListSite, path: Path
) -> None:
    site.answer = answer
    started = time.monotonic()
    not_fetched(site.url, path, "no whole answer in time", SHORT)
    assert SHORT.seconds <= time.monotonic() - started < SHORT.seconds + 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda handler: handler.say(404), "HTTP 404"),
        (lambda handler: handler.say(304), "HTTP 304"),
        (lambda handler: handler.say(503, numbered(1)), "HTTP 503"),
        (lambda handler: handler.say(206, numbered(1)), "HTTP 206"),
        (compressed, "compressed"),
        (too_long, "too long"),
        (too_long_in_chunks, "too long"),
        (cut_short, "RemoteProtocolError"),
    ],
)
def test_a_bad_answer_is_a_failure(
    answer: Callable[[Handler], None], reason: str, site: ListSite, path: Path
) -> None:
    site.answer = answer
    not_fetched(site.url, path, reason)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int, site: ListSite, path: Path) -> None:
    with list_site() as other:
        other.publish(numbered(1))
        site.answer = lambda handler: handler.say(status, Location=other.url)
        not_fetched(site.url, path, f"HTTP {status}")
        assert other.requests == []


@pytest.mark.parametrize("url", ["http://no.such.invalid/x", "http://[::1/", "https://127.0.0.1:1"])
def test_an_address_that_leads_nowhere(url: str, path: Path) -> None:
    not_fetched(url, path, "no answer|no whole answer in time")


def test_a_proxy_of_the_environment_is_not_asked(
    site: ListSite, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.publish(numbered(1))
    assert fetch(site.url, path).number == 1


def test_a_folder_that_is_gone_is_a_failure(site: ListSite, tmp_path: Path) -> None:
    site.publish(numbered(1))
    with pytest.raises(NotFetched, match="cannot be kept: No such file or directory"):
        fetch(site.url, tmp_path / "gone" / "root.crl")


def test_a_full_disk_leaves_what_was_kept(
    site: ListSite, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(numbered(1))
    site.publish(numbered(2))
    full = OSError(28, "No space left on device")

    def fsync(_: int) -> None:
        raise full

    monkeypatch.setattr("ksz_childbenefits.security.list_fetching.os.fsync", fsync)
    not_fetched(site.url, path, "cannot be kept: No space left on device")


def test_no_reader_ever_sees_half_a_list(site: ListSite, path: Path) -> None:
    root = pki().root.certificate
    many = [pki().revoked, *pki().good]
    path.write_bytes(numbered(0))
    over = threading.Event()
    seen: set[int | None] = set()

    def read() -> None:
        while not over.is_set():
            seen.add(check_list(path.read_bytes(), root).number)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 60):
            site.publish(numbered(number, *many[: number % 5]))
            fetch(site.url, path)
    finally:
        over.set()
        reader.join()
    assert len(seen) > 5


def test_a_site_that_closes_at_once(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    not_fetched(f"http://127.0.0.1:{port}/", path, "ConnectError")
