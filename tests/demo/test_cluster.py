"""A PostgreSQL server of one's own: it goes with whoever started it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from ksz_childbenefits.demo import cluster as clusters
from ksz_childbenefits.demo.cluster import Cluster, running_cluster
from ksz_childbenefits.errors import UsageError

KILLED_WHILE_IT_RUNS = """
import os, signal, sys
from pathlib import Path
from ksz_childbenefits.demo.cluster import running_cluster

with running_cluster({"fsync": "off"}, Path(sys.argv[1])) as cluster:
    print(cluster.url("postgres"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_without_a_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "find_binaries", lambda: None)
    with pytest.raises(UsageError, match="apt-get install postgresql"), running_cluster():
        pass


@pytest.mark.usefixtures("cluster")
def test_a_server_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(UsageError, match=r"did not start.*shared_buffers"),
        running_cluster({"shared_buffers": "nonsense"}),
    ):
        pass


def test_it_lets_nobody_in_without_its_password(cluster: Cluster) -> None:
    address = cluster.url("postgres").replace(cluster.password, "guessed")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(address)


@pytest.mark.usefixtures("cluster")
def test_it_stops_even_if_its_starter_is_killed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # The server's user must reach it.
        command = [sys.executable, "-c", KILLED_WHILE_IT_RUNS, folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert _ends(done.stdout.strip(), Path(folder))


def test_it_starts_again_where_it_stopped() -> None:
    if clusters.find_binaries() is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    with running_cluster({"fsync": "off"}) as cluster:
        address = cluster.create("kept")
        cluster.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address)
        cluster.stop()
        cluster.start()
        psycopg.connect(address).close()


def _ends(address: str, folder: Path) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            # It lets nobody in while it shuts down; its last act is to take this file away.
            if not list(folder.glob("*/data/postmaster.pid")):
                return True
        time.sleep(0.05)
    return False
