"""The long benchmark (issue 5), first half: a register of 10 million persons.

    make bench-full

Takes an hour or so and some 20 GB of disk. Writes bench/results/bench-full-persons.md: what a
question costs in a register of 10,000 persons and in one of 10 million, by turns.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import house
from growth import Point, measure_persons
from machine import describe
from report import conclude, table
from results import FOLDER

from ksz_childbenefits.demo.cluster import running_cluster

PERSONS = 10_000_000
TURNS = 60
GOAL = 1.1
"""At most so many times the CPU."""

REPORT = FOLDER / "bench-full-persons.md"

SERVER = {"shared_buffers": "2GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB"}


def main() -> int:
    """0 where the cost does not grow."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--folder", type=Path, default=None, help="where the data go")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="ksz-bench-", dir=given.folder) as name,
        running_cluster(SERVER, given.folder) as cluster,
    ):
        folder = Path(name)
        machine = describe(folder)
        small = house.build(folder / "small", cluster.create("small"))
        print(f"building a register of {given.persons:,} persons", flush=True)
        large = house.build(folder / "large", cluster.create("large"), given.persons)
        points = measure_persons({house.PERSONS: small, given.persons: large}, TURNS)
    return _report(machine, points)


def _report(machine: dict[str, str], points: list[Point]) -> int:
    small, large = points
    growth = large.signatures / small.signatures
    server = ", ".join(f"{name}={value}" for name, value in SERVER.items())
    return conclude(
        REPORT,
        "a large register",
        growth <= GOAL,
        (
            *table(("machine", ""), [*machine.items(), ("PostgreSQL", server)]),
            "\nPersons drawn from the whole register, asked for at all sources, by turns; its CPU",
            f"in RSA-2048 signatures grows {growth:.2f} times (goal {GOAL}).\n",
            *table(("persons", "CPU", "a caller waits"), map(_row, points)),
        ),
    )


def _row(point: Point) -> tuple[str, ...]:
    return f"{point.x:,}", f"{point.signatures:.2f}", f"{point.seconds * 1000:.1f} ms"


if __name__ == "__main__":
    raise SystemExit(main())
