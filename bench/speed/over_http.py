"""The whole service over HTTP: cost, throughput, latency, memory, and how soon it answers."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from load import ask
from machine import cores
from messages import Order, Template
from rounds import Round, Setting, Subject, measure, median, warm_up
from served import service, variant

WORKERS = (1, 2)
CONNECTIONS = (8, 64)
FEW = CONNECTIONS[0]

ECHOES = 20_000
"""What an echo answers in a second, before it is known."""


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
        with service(config, workers=workers, on=pinned) as served:
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
class Waiting:
    """What callers wait for, in seconds.

    ``p50`` and ``p99`` of answers by one worker, by turns with an echo of the same sizes on the
    same server; ``start``: from the start of the command, two workers, to the first answer.
    """

    p50: float
    p99: float
    echo_p99: float
    start: float

    @property
    def bound(self) -> float:
        """What p99 may be at most (issue 5): twice that of the echo, and three times our p50."""
        return 2 * self.echo_p99 + 3 * self.p50


def measure_waiting(subject: Subject, rounds: int, seconds: float, starts: int) -> Waiting:
    """Medians over rounds with 8 connections, and over so many starts."""
    setting = Setting(1, FEW, seconds)
    config, pinned = subject.house.config, setting.service_cores
    with ExitStack() as stack:
        ours = stack.enter_context(service(config, workers=1, on=pinned))
        size = len(ask(ours.url, Template(Order(subject.house)).make()))
        echo = stack.enter_context(variant(f"echo:{size}", config, workers=1, on=pinned))
        # Each has a supply of its own: an echo uses up more.
        sides = ((ours, replace(subject)), (echo, replace(subject)))
        sides[1][1].supply.expect(ECHOES)
        warm_up(ours, subject, setting)
        pairs = [
            [measure(served, requests, setting) for served, requests in sides]
            for _ in range(rounds)
        ]
    served_rounds, echoed = zip(*pairs, strict=True)
    return Waiting(
        median(served_rounds, lambda one: one.load.p50),
        median(served_rounds, lambda one: one.load.p99),
        median(echoed, lambda one: one.load.p99),
        _first_answer(subject, starts),
    )


def _first_answer(subject: Subject, times: int) -> float:
    template = Template(Order(subject.house))
    return statistics.median(_start(subject, template.make()) for _ in range(times))


def _start(subject: Subject, message: bytes) -> float:
    begun = time.perf_counter()
    with service(subject.house.config, workers=2, on=cores()) as served:
        ask(served.url, message)
        return time.perf_counter() - begun
