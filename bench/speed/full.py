"""The long benchmark (issue 5): a register of 10 million persons, and a million requests.

    make bench-full

Takes hours and some 20 GB of disk. Writes bench/results/bench-full.md: what a question costs in a
register of 10,000 persons and in one of 10 million, by turns; and what each worker holds in memory
while a million fresh requests are answered, which must not grow.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import house
from growth import Point, measure_persons
from house import House
from load import provide_wrk
from machine import cores, describe
from report import table
from results import FOLDER
from rounds import Setting, Subject, measure, warm_up
from served import service, tree_cpu

from ksz_childbenefits.demo.cluster import Cluster, running_cluster

PERSONS, REQUESTS = 10_000_000, 1_000_000
TURNS = 60
WORKERS, CONNECTIONS, ROUND_SECONDS = 2, 64, 30.0
GROWTH_GOAL, MEMORY_GOAL = 1.1, 1.05
REPORT = FOLDER / "bench-full.md"

SERVER = {"shared_buffers": "2GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB"}


@dataclass(frozen=True, slots=True)
class Held:
    """After so many requests: what the workers hold, in bytes; how fast the round was."""

    requests: int
    memory: int
    signatures: float
    per_second: float


def main() -> int:
    """0 where neither the cost nor the memory grows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--folder", type=Path, default=None, help="where the data go")
    given = parser.parse_args()
    provide_wrk()
    with (
        tempfile.TemporaryDirectory(prefix="ksz-bench-", dir=given.folder) as name,
        running_cluster(SERVER, given.folder) as cluster,
    ):
        folder = Path(name)
        machine = describe(folder)
        small = house.build(folder / "small", cluster.create("small"))
        large = house.build(folder / "large", cluster.create("large"), given.persons)
        points = measure_persons({house.PERSONS: small, given.persons: large}, TURNS)
        held = answer_many(small, folder, cluster, given.requests)
    passed = _report(machine, points, held)
    print(REPORT.read_text(encoding="utf-8"))
    return 0 if passed else 1


def answer_many(own: House, folder: Path, cluster: Cluster, requests: int) -> list[Held]:
    """Round after round until so many are answered; what was found after each."""
    subject = Subject("PostgreSQL", own, folder, partial(tree_cpu, cluster.process.pid))
    setting = Setting(WORKERS, CONNECTIONS, ROUND_SECONDS)
    held: list[Held] = []
    with service(own.config, workers=WORKERS, on=cores()) as served:
        warm_up(served, subject, setting)
        answered = 0
        while answered < requests:
            one = measure(served, subject, setting)
            answered += one.load.requests
            memory = max(served.memory())
            held.append(Held(answered, memory, one.signatures, one.load.per_second))
            print(f"{answered:,} answered, {memory / 1e6:.0f} MB", flush=True)
    return held


def _report(machine: dict[str, str], points: list[Point], held: list[Held]) -> bool:
    small, large = points
    growth = large.signatures / small.signatures
    # The first tenth fills caches and pools.
    memory = held[-1].memory / held[len(held) // 10].memory
    passed = growth <= GROWTH_GOAL and memory <= MEMORY_GOAL
    verdict = "passed" if passed else "failed"
    text = "\n".join(
        (
            "# Benchmark: a large register, and very many requests\n",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `make bench-full`: **{verdict}**.\n",
            *table(("machine", ""), [*machine.items(), ("PostgreSQL", _server())]),
            "\nPersons drawn from the whole register, asked for at all sources, by turns; its CPU",
            f"in RSA-2048 signatures grows {growth:.2f} times (goal {GROWTH_GOAL}).\n",
            *table(("persons", "CPU", "a caller waits"), map(_person_row, points)),
            f"\n{WORKERS} workers, {CONNECTIONS} connections; the largest worker holds",
            f"{memory:.3f} times what it held after the first tenth (goal {MEMORY_GOAL}).\n",
            *table(("answered", "memory", "CPU", "a second"), map(_held_row, _some(held))),
        )
    )
    REPORT.write_text(text + "\n", encoding="utf-8")
    return passed


def _server() -> str:
    return ", ".join(f"{name}={value}" for name, value in SERVER.items())


def _some(held: list[Held]) -> list[Held]:
    return [*held[:: max(len(held) // 10, 1)], held[-1]]


def _person_row(point: Point) -> tuple[str, ...]:
    return f"{point.x:,}", f"{point.signatures:.2f}", f"{point.seconds * 1000:.1f} ms"


def _held_row(one: Held) -> tuple[str, ...]:
    memory, rate = f"{one.memory / 1e6:.0f} MB", f"{one.per_second:,.0f}"
    return f"{one.requests:,}", memory, f"{one.signatures:.2f}", rate


if __name__ == "__main__":
    raise SystemExit(main())
