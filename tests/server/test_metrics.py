"""GET /metrics: on a listener of its own, one truth of several workers."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.serving import (
    SLOW,
    Response,
    Site,
    ask,
    connect,
    get,
    post,
    receive,
    spawned,
    threaded,
)
from tests.server.test_run import workers_of

pytestmark = pytest.mark.once


def inner(site: Site, request: bytes, method: str = "GET") -> Response:
    """The answer at the listener for metrics."""
    with socket.create_connection(("127.0.0.1", site.metrics_port), timeout=10) as stream:
        stream.sendall(request)
        answer = receive(stream, method)
    assert answer is not None
    return answer


def value(site: Site, name: str) -> float:
    text = inner(site, get("/metrics")).body.decode()
    families = text_string_to_metric_families(text)
    return sum(s.value for family in families for s in family.samples if s.name == name)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/metrics"), 200),
        (get("/health/live"), 200),
        (get("/health/ready"), 200),
        (get("/metrics", method="HEAD"), 405),
        (post(path="/metrics"), 405),
        (get("/metrics?name[]=x"), 404),
        (post(), 404),
    ],
)
def test_the_inner_listener(request_: bytes, status: int) -> None:
    with threaded() as site:
        answer = inner(site, request_, "HEAD" if request_.startswith(b"HEAD") else "GET")
        assert answer.status == status
        if status == 405:
            assert answer.headers["allow"] == "GET"
        if request_ == get("/metrics"):
            assert answer.headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize("host", ["h", "127.0.0.1:{port}"])
def test_the_service_itself_shows_no_metrics(host: str) -> None:
    """Whatever the Host header pretends."""
    with threaded() as site:
        claimed = host.format(port=site.metrics_port)
        answer = ask(site, get("/metrics", f"Host: {claimed}"))
        assert answer is not None
        assert answer.status == 404


def folder_of(site: Site) -> Path:
    """Where the workers share their numbers."""
    (found,) = {
        line.partition(b"=")[2]
        for worker in workers_of(site)
        for line in Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        if line.startswith(b"PROMETHEUS_MULTIPROC_DIR=")
    }
    return Path(os.fsdecode(found))


def test_workers_share_their_numbers_and_the_dead_are_forgotten(tmp_path: Path) -> None:
    with spawned(2, tmp_path / "stderr") as site, connect(site) as a, connect(site) as b:
        folder = folder_of(site)
        deadline = time.monotonic() + 20
        for stream in (a, b):
            stream.sendall(post(SLOW))
        while value(site, "ksz_requests_in_flight") != 2:
            assert time.monotonic() < deadline
        for worker in workers_of(site):
            os.kill(worker, signal.SIGKILL)
        assert (receive(a), receive(b)) == (None, None)
        while value(site, "ksz_requests_in_flight") != 0:
            assert time.monotonic() < deadline
    assert not folder.exists()
