"""Over real sockets, with real workers: no reply without its record, whatever breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import Engine

from ksz_childbenefits.audit import neighbours, writer
from ksz_childbenefits.audit.links import heads_in_log
from ksz_childbenefits.audit.marks import Believed
from ksz_childbenefits.audit.verification import Verification
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.demo.cluster import Cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.identity import identity_of
from ksz_childbenefits.registers.database import open_database, writing
from tests.audit.trails import entries, record, rows
from tests.consultations import consultation, payload
from tests.inscriptions.conftest import own_demo
from tests.live.killing import workers

pytestmark = pytest.mark.once

__all__ = ["own_demo"]

CHILD = "12031590217"


@dataclass
class Site:
    """A service in processes of its own."""

    url: str
    config: Path
    log: Path
    process: subprocess.Popen[str]

    def ask(self) -> httpx.Response:
        """A consultation that finds data, over a connection of its own."""
        message = consultation(
            self.config.parent / "credentials" / "fedris", CHILD, "2017-01", "2024-12"
        )
        headers = {"content-type": "text/xml"}
        return httpx.post(
            f"{self.url}{CONSULTATION.path}", content=message.body, headers=headers, timeout=30
        )


@contextmanager
def serving(config: Path, workers: int) -> Iterator[Site]:
    log = config.with_name("log")
    command = [sys.executable, "-m", "ksz_childbenefits.cli", "serve", "--config", str(config)]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*command, "--port", "0", "--workers", str(workers)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("listening on ").strip()
            assert url.startswith("http"), log.read_text()
            yield Site(url, config, log, process)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def postgresql_demo(cluster: Cluster, tmp_path: Path) -> Path:
    """A demo whose registers are in a PostgreSQL database of this test's own."""
    return create_demo(tmp_path / "pg", cluster.create(f"live_{os.getpid()}_{time.time_ns()}"))


@pytest.fixture(params=["own_demo", "postgresql_demo"])
def config(request: pytest.FixtureRequest) -> Path:
    made: Path = request.getfixturevalue(request.param)
    return made


@contextmanager
def database(config: Path) -> Iterator[Engine]:
    engine = open_database(load_settings(config).database.url)
    try:
        yield engine
    finally:
        engine.dispose()


def replied(response: httpx.Response) -> str | None:
    """The ticket of a reply with data; of MSG00001, which has none, None."""
    answer = payload(response.content)
    if response.status_code == 503:
        assert answer.findtext(".//{*}reasonCode") == "MSG00001"
        assert b"results" not in response.content
        assert "retry-after" in response.headers
        return None
    assert response.status_code == 200
    assert answer.find("results") is not None
    return answer.findtext(".//{*}ticketCBSS")


def tickets(engine: Engine) -> list[str]:
    return [row.ticket for row in rows(engine) if row.signature is None]


def faults(config: Path, engine: Engine) -> list[object]:
    """What is wrong with the trail, by the service's certificate and its log."""
    keys = identity_of(load_settings(config)).keys
    run = Verification(Believed.of([keys.first.certificate]))
    with config.with_name("log").open() as log:
        found = list(run.findings(engine, heads_in_log(log), lambda *_: None))
    return [finding for finding in found if finding.grave]


REFUSALS = {
    "sqlite": (
        "CREATE TRIGGER refusal BEFORE INSERT ON audit_records "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        "DROP TRIGGER refusal",
    ),
    "postgresql": (
        "ALTER TABLE audit_records ADD CONSTRAINT refusal CHECK (false) NOT VALID",
        "ALTER TABLE audit_records DROP CONSTRAINT refusal",
    ),
}
"""No record can be stored any more, though everything else can; and again it can."""


def test_what_cannot_be_recorded_is_not_answered(config: Path) -> None:
    """MSG00001 and no data, nothing half, and no wedge: when it can be written again, it is."""
    with database(config) as engine:
        begin, end = REFUSALS[engine.dialect.name]
        with serving(config, 2) as site:
            told = [replied(site.ask()) for _ in range(4)]
            with writing(engine) as connection:
                connection.exec_driver_sql(begin)
            assert [replied(site.ask()) for _ in range(4)] == [None] * 4
            with writing(engine) as connection:
                connection.exec_driver_sql(end)
            told += [replied(site.ask()) for _ in range(4)]
        assert sorted(tickets(engine)) == sorted(str(ticket) for ticket in told)
        assert not faults(config, engine)
        marks = [json.loads(row.text)["mark"] for row in rows(engine) if row.signature]
        assert marks.count("start") == marks.count("stop")
        assert "not stored" in site.log.read_text()


def test_a_database_that_is_gone_and_back(postgresql_demo: Path, cluster: Cluster) -> None:
    name = load_settings(postgresql_demo).database.url.rpartition("/")[2]

    def allow(connections: bool) -> None:
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            word = "true" if connections else "false"
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {word}'.encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    with serving(postgresql_demo, 2) as site:
        told = [replied(site.ask()) for _ in range(3)]
        allow(False)
        assert [replied(site.ask()) for _ in range(3)] == [None] * 3
        allow(True)
        told += [replied(site.ask()) for _ in range(3)]
    with database(postgresql_demo) as engine:
        assert sorted(tickets(engine)) == sorted(str(ticket) for ticket in told)
        assert not faults(postgresql_demo, engine)


class Load:
    """Customers that ask without a pause, until all is over; what each was told."""

    def __init__(self, ask: Callable[[], httpx.Response]) -> None:
        self.told: list[str] = []
        self._ask = ask
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._customer) for _ in range(6)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _customer(self) -> None:
        while not self._over.is_set():
            try:
                ticket = replied(self._ask())
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if ticket is not None:
                self.told.append(ticket)


def test_processes_that_are_killed_leave_a_record_for_each_reply(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 of all under load: what a customer was told is there, once; and is sealed later."""
    with serving(config, 2) as site, Load(site.ask) as load:
        deadline = time.monotonic() + 30
        while len(load.told) < 40:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for worker in workers(site.process.pid):
            os.kill(worker, signal.SIGKILL)
        site.process.kill()
        time.sleep(0.2)
    with database(config) as engine:
        stored = tickets(engine)
        assert len({*stored}) == len(stored)
        assert {*load.told} <= {*stored}
        assert not faults(config, engine)
        chains = {row.writer for row in rows(engine)}
        monkeypatch.setattr(neighbours, "DEAD_SECONDS", -1)
        monkeypatch.setattr(writer, "PULSE_SECONDS", 0)
        follower = Writer(engine, identity_of(load_settings(config)).keys)
        follower.write(entries(record()))
        follower.attend()
        follower.stop()
        marks = [json.loads(row.text)["mark"] for row in rows(engine) if row.signature]
        assert marks.count("seal") == len(chains)
        assert not faults(config, engine)
