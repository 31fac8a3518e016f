"""The benchmark (issue 5): cost, throughput and latency beside the peers' and beside our floor.

    make bench

Takes some eight minutes on two cores. Writes bench/results/bench.md, .json and .png, and the table
in the README. With --only it runs the parts named and shows what they found, and keeps nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import house
import plots
import report
import results
import world
from audit_cost import Cost, measure_cost
from growth import Point, measure_files, measure_persons, measure_sources
from load import provide_wrk
from machine import describe
from over_http import Row, Waiting, measure_rows, measure_waiting
from results import Results
from rounds import Subject
from served import tree_cpu
from stages import Inside, measure_inside

from ksz_childbenefits.demo.cluster import running_cluster

_T = TypeVar("_T")

BLOCKS = 20
ROUNDS, ROUND_SECONDS = 3, 4.0
PAIRS, PAIR_SECONDS = 7, 4.0
STARTS = 5
TURNS = 8
LARGER = 100_000


class Bench:
    """The services that are measured, and the parts of the benchmark."""

    def __init__(self, folder: Path, postgresql: Subject) -> None:
        """Build the one on SQLite."""
        self._folder = folder
        self._embedded = house.build(folder / "sqlite")
        self._subjects = (Subject("SQLite", self._embedded, folder), postgresql)

    def inside(self) -> list[Inside]:
        """(a) In process, RSA-2048 and P-256."""
        return [
            measure_inside(self._embedded, world.RSA, BLOCKS),
            measure_inside(house.with_p256(self._embedded), world.P256, BLOCKS),
        ]

    def http(self) -> list[Row]:
        """(b) Over HTTP."""
        return [r for s in self._subjects for r in measure_rows(s, ROUNDS, ROUND_SECONDS)]

    def waiting(self) -> Waiting:
        """(c) Latency beside an echo, and the first answer."""
        return measure_waiting(self._subjects[0], ROUNDS, ROUND_SECONDS, STARTS)

    def growth(self) -> list[Point]:
        """(d) With the reply, the sources, the register."""
        larger = house.build(self._folder / "larger", persons=LARGER)
        return [
            *measure_files(self._embedded, TURNS),
            *measure_sources(self._embedded, self._folder / "network", TURNS),
            *measure_persons({house.PERSONS: self._embedded, LARGER: larger}, TURNS),
        ]

    def audit(self) -> list[Cost]:
        """(e) The audit trail."""
        return [measure_cost(subject, PAIRS, PAIR_SECONDS) for subject in self._subjects]


def main() -> int:
    """Measure, keep, show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=report.SECTIONS, help="show these, keep nothing"
    )
    only: list[str] | None = parser.parse_args().only
    provide_wrk()
    with tempfile.TemporaryDirectory(prefix="ksz-bench-") as name, running_cluster() as cluster:
        folder = Path(name)
        machine, begun = describe(folder), time.monotonic()
        cpu = partial(tree_cpu, cluster.process.pid)
        on_postgresql = house.build(folder / "postgresql", cluster.create("bench"))
        bench = Bench(folder, Subject("PostgreSQL", on_postgresql, folder, cpu))
        if only:
            for part in only:
                print("\n".join(report.SECTIONS[part](_told(getattr(bench, part)))))
            return 0
        found = Results(
            date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            machine=machine,
            inside=_told(bench.inside),
            http=_told(bench.http),
            waiting=_told(bench.waiting),
            growth=_told(bench.growth),
            audit=_told(bench.audit),
            took=(time.monotonic() - begun) / 60,
        )
    results.keep(found)
    plots.draw(found)
    print(report.write(found))
    return 0


def _told(part: Callable[[], _T]) -> _T:
    print(f"{(part.__doc__ or '').strip()} …", flush=True)
    return part()


if __name__ == "__main__":
    raise SystemExit(main())
