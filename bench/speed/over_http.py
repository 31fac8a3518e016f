"""The whole service over HTTP: cost, throughput, latency, memory, and how soon it answers."""

from __future__ import annotations

import http.client
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from machine import cores
from messages import Order, Template
from rounds import Round, Setting, Subject, measure, median, warm_up
from served import service, variant

from ksz_childbenefits.contract.contracts import CONSULTATION

WORKERS = (1, 2)
CONNECTIONS = (8, 64)
FEW = CONNECTIONS[0]


@dataclass(frozen=True, slots=True)
class Row:
    """Rounds with so many workers and connections on a database."""

    database: str
    workers: int
    connections: int
    rounds: tuple[Round, ...]
    memory: int
    """The most that a worker held in memory afterwards, in bytes."""


def measure_rows(subject: Subject, rounds: int, seconds: float) -> list[Row]:
    """Every number of workers with every number of connections, these by turns."""
    rows = []
    for workers in WORKERS:
        settings = [Setting(workers, connections, seconds) for connections in CONNECTIONS]
        found: dict[Setting, list[Round]] = {setting: [] for setting in settings}
        config, pinned = subject.house.config, settings[0].service_cores
        with service(config, workers=workers, cores=pinned) as served:
            for setting in settings:
                warm_up(served, subject, setting)
            for _ in range(rounds):
                for setting in settings:
                    found[setting].append(measure(served, subject, setting))
            memory = max(served.memory())
        rows += [
            Row(subject.database, workers, setting.connections, tuple(of_setting), memory)
            for setting, of_setting in found.items()
        ]
    return rows


@dataclass(frozen=True, slots=True)
class Latency:
    """The service beside an echo of the same sizes on the same server, in seconds, by turns."""

    p50: float
    p99: float
    echo_p99: float

    @property
    def bound(self) -> float:
        """What p99 may be at most (issue 5): twice that of the echo, and three times our p50."""
        return 2 * self.echo_p99 + 3 * self.p50


def measure_latency(subject: Subject, pairs: int, seconds: float) -> Latency:
    """One worker and 8 connections: the medians over rounds by turns."""
    setting = Setting(1, FEW, seconds)
    config, pinned = subject.house.config, setting.service_cores
    with ExitStack() as stack:
        ours = stack.enter_context(service(config, workers=1, cores=pinned))
        size = len(ask(ours.url, Template(Order(subject.house)).make()))
        echo = stack.enter_context(variant(f"echo:{size}", config, workers=1, cores=pinned))
        found: dict[str, list[Round]] = {ours.url: [], echo.url: []}
        for served in (ours, echo):
            warm_up(served, subject, setting)
        for _ in range(pairs):
            for served in (ours, echo):
                found[served.url].append(measure(served, subject, setting))
    return Latency(
        median(found[ours.url], lambda one: one.load.p50),
        median(found[ours.url], lambda one: one.load.p99),
        median(found[echo.url], lambda one: one.load.p99),
    )


def first_answer(subject: Subject, times: int) -> float:
    """Seconds from the start of the command to the first reply, two workers; the median."""
    template = Template(Order(subject.house))
    return statistics.median(_first_answer(subject, template) for _ in range(times))


def _first_answer(subject: Subject, template: Template) -> float:
    message = template.make()
    begun = time.perf_counter()
    with service(subject.house.config, workers=2, cores=cores()) as served:
        ask(served.url, message)
        return time.perf_counter() - begun


def ask(url: str, message: bytes) -> bytes:
    """The reply to one request; SystemExit for anything else."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    connection.request("POST", CONSULTATION.path, message, headers)
    with connection.getresponse() as response:
        body = response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK or b"MSG00000" not in body:
        raise SystemExit(f"HTTP {response.status}, not a reply with data")
    return body
