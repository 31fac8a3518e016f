"""Faults survived: after each no reply without its record, none twice, no replay that is taken."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from ksz_childbenefits.demo.cluster import Cluster, find_binaries, running_cluster
from ksz_childbenefits.demo.init import create_demo
from tests.audit.trails import texts
from tests.inscriptions.conftest import own_demo
from tests.live.exchanges import (
    DATA,
    UNAVAILABLE,
    Crowd,
    customers,
    database,
    recorded_as_told,
)
from tests.live.killing import kill, servers, workers
from tests.live.services import Service, change, serving, until
from tests.postgres import UNSAFE_BUT_FAST

__all__ = ["own_demo"]

pytestmark = pytest.mark.live

SERVE = ("serve", "--port", "0", "--workers", "2")
HOUR = 3600


@pytest.fixture
def postgresql_demo(cluster: Cluster, tmp_path: Path) -> Path:
    """A demo whose registers are in a PostgreSQL database of this test's own."""
    return create_demo(tmp_path / "pg", cluster.create(f"faults_{os.getpid()}_{time.time_ns()}"))


@pytest.fixture(params=["own_demo", "postgresql_demo"])
def config(request: pytest.FixtureRequest) -> Path:
    made: Path = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that the test may stop."""
    if find_binaries() is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    with running_cluster(UNSAFE_BUT_FAST) as running:
        yield running


# The database is gone, and back.


def killed(cluster: Cluster) -> None:
    kill(servers(cluster.process.pid))
    cluster.process.wait()


@pytest.mark.parametrize("end", [Cluster.stop, killed], ids=["stopped", "killed"])
def test_a_server_that_goes_with_requests_in_hand_and_comes_back(
    own_cluster: Cluster, tmp_path: Path, end: Callable[[Cluster], None]
) -> None:
    config = create_demo(tmp_path / "demo", own_cluster.create("registers"))
    with serving(config, *SERVE) as service:
        before = workers(service.process.pid)
        with Crowd(service.url, customers(config)) as crowd:
            crowd.more()
            end(own_cluster)
            crowd.more(said=UNAVAILABLE)
            own_cluster.start()
            crowd.more()
        assert workers(service.process.pid) == before
    assert {*crowd.counts()} == {DATA, UNAVAILABLE}
    recorded_as_told(config, service.log_file, crowd.got)


# The disk is full.


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of 24 MB, of everybody."""
    folder = Path(tempfile.mkdtemp(prefix="ksz-disk-"))
    try:
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "ksz-disk", str(folder)]
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"only root can mount a small file system: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """While there is no space on it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(4096))
    assert shutil.disk_usage(disk).free == 0
    yield
    ballast.unlink()


@contextmanager
def limited(service: Service) -> Iterator[None]:
    """While no worker can write behind the first 64 KB of any file."""
    for worker in workers(service.process.pid):
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
    yield
    for worker in workers(service.process.pid):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)


def full_for_a_while(config: Path, full: Callable[[Service], AbstractContextManager[None]]) -> None:
    """MSG00001 and no data while no record can be written; then data again, without a restart."""
    with serving(config, *SERVE) as service:
        before = workers(service.process.pid)
        with Crowd(service.url, customers(config)) as crowd:
            crowd.more()
            with full(service):
                crowd.more(200, UNAVAILABLE)
            crowd.more()
        assert workers(service.process.pid) == before
    assert {*crowd.counts()} == {DATA, UNAVAILABLE}
    recorded_as_told(config, service.log_file, crowd.got)


def test_a_full_disk_under_sqlite(own_demo: Path) -> None:
    with small_disk() as disk:
        for file in own_demo.parent.glob("registers.sqlite*"):
            shutil.move(file, disk)
        change(own_demo, ("sqlite:///registers.sqlite", f"sqlite:///{disk}/registers.sqlite"))
        full_for_a_while(own_demo, lambda _: filled(disk))


def test_files_that_may_not_grow_under_sqlite(own_demo: Path) -> None:
    """As a quota, or a file system whose files have a greatest size."""
    full_for_a_while(own_demo, limited)


@contextmanager
def stopped_at_last(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    finally:
        cluster.stop()


def test_a_full_disk_under_postgresql(own_cluster: Cluster, tmp_path: Path) -> None:
    """Under records and replay keys; where that of the WAL is full, the server ends itself."""
    config = create_demo(tmp_path / "demo", own_cluster.create("registers"))
    with small_disk() as disk, stopped_at_last(own_cluster):
        space = disk / "tablespace"
        space.mkdir()
        shutil.chown(space, own_cluster.log.parent.owner())
        with psycopg.connect(own_cluster.url("registers"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
            for table in ("audit_records", "replay"):
                connection.execute(f"ALTER TABLE {table} SET TABLESPACE small".encode())
        full_for_a_while(config, lambda _: filled(disk))


# Processes end, one or all.


def test_workers_that_are_killed_under_load(config: Path) -> None:
    """Each is replaced; what it had in hand gets no answer, or its record is there."""
    chance = random.Random(4)
    with serving(config, *SERVE) as service, Crowd(service.url, customers(config)) as crowd:
        crowd.more()
        for count in (1, 2, 3):
            kill([chance.choice(workers(service.process.pid))])
            until(partial(_died, service, count), service.log)
            crowd.more()
    assert {*crowd.counts()} <= {DATA, None}
    recorded_as_told(config, service.log_file, crowd.got)


def _died(service: Service, count: int) -> bool:
    return service.log().count("worker died") == count


def test_an_orderly_end_under_load(own_demo: Path) -> None:
    """What was accepted is answered and recorded: no record without its answer either."""
    with serving(own_demo, *SERVE) as service, Crowd(service.url, customers(own_demo)) as crowd:
        crowd.more()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
    assert {*crowd.counts()} <= {DATA, None}
    recorded_as_told(own_demo, service.log_file, crowd.got)
    with database(own_demo) as engine:
        recorded = [told["ticket"] for told in texts(engine) if "mark" not in told]
    assert sorted(recorded) == sorted(str(one.ticket) for one in crowd.got if one.whole)
