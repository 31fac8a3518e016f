"""Renewing the workers while they serve, and telling load balancers before the end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.serving import (
    SECRET,
    SLOW,
    UNFORESEEN,
    Response,
    Site,
    ask,
    connect,
    get,
    post,
    receive,
    spawned,
)
from tests.server.test_run import alive, workers_of

pytestmark = pytest.mark.once


class Load:
    """Clients that send without a pause, or now and then on a connection that they keep."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.answers: list[Response | None] = []
        self._over = threading.Event()
        clients: list[Callable[[], None]] = [self._new, self._new]
        clients += [lambda pause=pause: self._kept(pause) for pause in (0.01, 0.2)]  # type: ignore[misc]
        self._threads = [threading.Thread(target=client) for client in clients]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def lost(self) -> list[Response | None]:
        return [a for a in self.answers if a is None or a.status != 200]

    def _new(self) -> None:
        while not self._over.is_set():
            answer = None
            with suppress(OSError):
                answer = ask(self.site, post(b"x" * 1000))
            self.answers.append(answer)

    def _kept(self, pause: float) -> None:
        """As a good client does: what the server says to close is not used again."""
        stream = connect(self.site)
        while not self._over.is_set():
            answer = None
            with suppress(OSError):
                stream.sendall(post())
                answer = receive(stream)
            self.answers.append(answer)
            if answer is None or answer.headers.get("connection") == "close":
                stream.close()
                stream = connect(self.site)
            time.sleep(pause)
        stream.close()


def renew(site: Site, word: str) -> None:
    """SIGHUP, and wait until the log says ``word`` once more."""
    assert site.process is not None
    before = site.log().count(word)
    site.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 30
    while site.log().count(word) == before:
        assert time.monotonic() < deadline, site.log()
        time.sleep(0.05)


def test_no_request_is_lost_while_workers_are_renewed(tmp_path: Path) -> None:
    with spawned(1, tmp_path / "stderr") as site, Load(site) as load:
        old = workers_of(site)
        (tmp_path / "settings").write_text("2 0")
        renew(site, '"reloaded"')
        (tmp_path / "settings").write_text("many 0")
        renew(site, '"reload refused"')
        answered = len(load.answers)
        deadline = time.monotonic() + 10
        while any(map(alive, old)) or len(load.answers) < answered + 20:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(workers_of(site)) == 2
        assert not load.lost()
        # The file is named, not where it lies.
        assert '"reason": "settings: many is no number"' in site.log()


def test_an_error_that_nobody_thought_of_ends_everything_and_says_so(tmp_path: Path) -> None:
    """Better than a supervisor that is none any more: what runs the service starts it again."""
    with spawned(2, tmp_path / "stderr") as site, connect(site) as stream:
        assert site.process is not None
        workers = workers_of(site)
        stream.sendall(post(SLOW))
        time.sleep(0.2)
        (tmp_path / "settings").write_text(f"{UNFORESEEN} 0")
        site.process.send_signal(signal.SIGHUP)
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert site.process.wait(10) == 1
        assert not any(map(alive, workers))
        assert '"uncaught error"' in site.log()
        assert "ValueError at" in site.log()
        assert SECRET not in site.log()
        assert "Traceback" not in site.log()


def test_it_is_not_ready_before_it_stops_listening(tmp_path: Path) -> None:
    """What a load balancer needs: a time in which it is still served, but told to go elsewhere."""
    with spawned(1, tmp_path / "stderr", drain_seconds=0.6) as site:
        assert site.process is not None
        ready = ask(site, get("/health/ready"))
        assert ready is not None
        assert ready.status == 200
        started = time.monotonic()
        site.process.terminate()
        while ready.status == 200:
            assert time.monotonic() < started + 5
            ready = ask(site, get("/health/ready"))
            assert ready is not None
        assert ready.status == 503
        live, served = ask(site, get("/health/live")), ask(site, post())
        assert live is not None
        assert served is not None
        assert (live.status, served.status) == (200, 200)
        idle = connect(site)
        assert site.process.wait(10) == 0
        assert time.monotonic() > started + 0.6
        assert receive(idle) is None
