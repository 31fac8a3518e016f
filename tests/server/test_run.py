"""Starting, stopping and mending the server."""

from __future__ import annotations

import os
import signal
import socket
import time
from functools import partial
from pathlib import Path

import pytest

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.server.run import Work, serve
from tests.live.killing import fork_servers, kill, workers
from tests.server.serving import (
    CLOSED,
    SLOW,
    Site,
    ask,
    connect,
    post,
    receive,
    seeing,
    spawned,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("workers", "order"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_what_was_accepted_is_answered_before_the_end(
    workers: int, order: signal.Signals, tmp_path: Path
) -> None:
    with spawned(workers, tmp_path / "stderr") as site, connect(site) as stream:
        assert site.process is not None
        stream.sendall(post(SLOW))
        time.sleep(0.2)
        site.process.send_signal(order)
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert site.process.wait(10) == 0
        with pytest.raises(ConnectionError):
            connect(site)
        assert "Traceback" not in site.log()
        assert site.log().count(f'"{CLOSED}"') == workers


def workers_of(site: Site) -> set[int]:
    assert site.process is not None
    return set(workers(site.process.pid))


def alive(process: int) -> bool:
    try:
        return b"forkserver" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_killed_worker_is_replaced_and_a_killed_supervisor_followed(tmp_path: Path) -> None:
    with spawned(2, tmp_path / "stderr") as site:
        before = workers_of(site)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        deadline = time.monotonic() + 15
        while len(workers_of(site) - {min(before)}) < 2 and time.monotonic() < deadline:
            answer = ask(site, post())
            assert answer is None or answer.status == 200
            time.sleep(0.1)
        after = workers_of(site)
        assert len(after - {min(before)}) == 2
        answer = ask(site, post())
        assert answer is not None
        assert answer.status == 200
        assert site.process is not None
        site.process.kill()
        while any(alive(worker) for worker in after) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(alive(worker) for worker in after)


def test_all_processes_may_be_told_to_stop(tmp_path: Path) -> None:
    """As systemd tells them: what was accepted is answered before the supervisor ends."""
    with spawned(2, tmp_path / "stderr") as site, connect(site) as stream:
        assert site.process is not None
        everybody = [*fork_servers(site.process.pid), *workers_of(site)]
        assert len(everybody) == 3
        stream.sendall(post(SLOW))
        time.sleep(0.2)
        for process in everybody:
            os.kill(process, signal.SIGTERM)
        site.process.send_signal(signal.SIGTERM)
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert site.process.wait(10) == 0
        assert site.log().count(f'"{CLOSED}"') == 2
        assert "died" not in site.log()


def test_workers_end_with_their_fork_server_and_are_replaced(tmp_path: Path) -> None:
    with spawned(2, tmp_path / "stderr") as site:
        assert site.process is not None
        before = workers_of(site)
        kill(fork_servers(site.process.pid))
        deadline = time.monotonic() + 15
        while len(workers_of(site)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(workers_of(site)) == 2
        while any(alive(worker) for worker in before) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(alive(worker) for worker in before)
        answer = ask(site, post())
        assert answer is not None
        assert answer.status == 200


SLOW_START = """
import os, time
from pathlib import Path

os.register_at_fork(after_in_child=lambda: Path({flag!r}).exists() and time.sleep(8))
"""
"""In every Python that can import it: once there is a flag, workers take long to start."""


def test_a_worker_that_starts_slowly_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine it takes longer than a worker that serves has to react, 5 s."""
    flag = tmp_path / "slow"
    (tmp_path / "sitecustomize.py").write_text(SLOW_START.format(flag=str(flag)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with spawned(1, tmp_path / "stderr") as site:
        flag.touch()
        (first,) = workers_of(site)
        os.kill(first, signal.SIGKILL)
        with connect(site) as stream:
            stream.settimeout(30)
            stream.sendall(post())
            answer = receive(stream)
        assert answer is not None
        assert answer.status == 200
        assert site.log().count('"worker died"') == 1


def test_an_address_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(partial(Work, seeing), host="127.0.0.1", port=port)
    with pytest.raises(ConfigurationError, match=r"cannot listen on no\.such\.invalid"):
        serve(partial(Work, seeing), host="no.such.invalid", port=0)


def test_a_public_address_that_is_none_is_said() -> None:
    with pytest.raises(ConfigurationError, match="public_url"):
        serve(partial(Work, seeing, public_url="b2b.example/SOA"), host="127.0.0.1", port=0)
