"""The long benchmark (issue 5), second half: a million requests.

    make bench-full

Takes half an hour or so. Writes bench/results/bench-full-requests.md: what each worker holds in
memory while a million fresh requests are answered, on SQLite, which must not grow.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import house
from load import provide_wrk
from machine import cores, describe
from report import conclude, table
from results import FOLDER
from rounds import Setting, Subject, measure, warm_up
from served import service

REQUESTS = 1_000_000
WORKERS, CONNECTIONS, ROUND_SECONDS = 2, 64, 30.0
GOAL = 1.05
"""At the end at most so many times what was held after the first tenth, which fills caches."""

REPORT = FOLDER / "bench-full-requests.md"


@dataclass(frozen=True, slots=True)
class Held:
    """After so many requests: what the largest worker holds, in bytes; how fast the round was."""

    requests: int
    memory: int
    signatures: float
    per_second: float


def main() -> int:
    """0 where the memory does not grow."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--folder", type=Path, default=None, help="where the data go")
    given = parser.parse_args()
    provide_wrk()
    with tempfile.TemporaryDirectory(prefix="ksz-bench-", dir=given.folder) as name:
        folder = Path(name)
        machine = describe(folder)
        held = answer_many(folder, given.requests)
    return _report(machine, held)


def answer_many(folder: Path, requests: int) -> list[Held]:
    """Round after round until so many are answered; what was found after each."""
    subject = Subject("SQLite", house.build(folder / "house"), folder)
    setting = Setting(WORKERS, CONNECTIONS, ROUND_SECONDS)
    held: list[Held] = []
    with service(subject.house.config, workers=WORKERS, on=cores()) as served:
        warm_up(served, subject, setting)
        answered = 0
        while answered < requests:
            one = measure(served, subject, setting)
            answered += one.load.requests
            memory = max(served.memory())
            held.append(Held(answered, memory, one.signatures, one.load.per_second))
            print(f"{answered:,} answered, {memory / 1e6:.0f} MB", flush=True)
    return held


def _report(machine: dict[str, str], held: list[Held]) -> int:
    growth = held[-1].memory / held[len(held) // 10].memory
    return conclude(
        REPORT,
        "very many requests",
        growth <= GOAL,
        (
            *table(("machine", ""), list(machine.items())),
            f"\n{WORKERS} workers, {CONNECTIONS} connections, SQLite; the largest worker holds",
            f"{growth:.3f} times what it held after the first tenth (goal {GOAL}).\n",
            *table(("answered", "memory", "CPU", "a second"), map(_row, _some(held))),
        ),
    )


def _some(held: list[Held]) -> list[Held]:
    return [*held[:: max(len(held) // 10, 1)], held[-1]]


def _row(one: Held) -> tuple[str, ...]:
    memory, rate = f"{one.memory / 1e6:.0f} MB", f"{one.per_second:,.0f}"
    return f"{one.requests:,}", memory, f"{one.signatures:.2f}", rate


if __name__ == "__main__":
    raise SystemExit(main())
