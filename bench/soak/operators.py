"""Soak: kill -9 of an operator under load: no wrong answer, and recovery within 5 s of its return.

    .venv/bin/python bench/soak/operators.py [--kills 5]

Eight customers ask without pause. AVIQ is killed with all its processes, left dead for a while and
started again, several times. Every answer must be the undisturbed one, or that with a technical
error at the sources that AVIQ is asked for and nothing else changed. Writes
bench/results/soak-operators.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from processes import Process, ask, client, running, write

from ksz_childbenefits.client import ClientError
from ksz_childbenefits.demo.network import DemoNetwork, create_network
from ksz_childbenefits.domain.sources import Operator

PERSONS = ("84022992778", "12031590217", "83062598055", "15092190833", "14061190206")
"""Persons at one, two and three operators (docs/demo-world.md)."""

CUSTOMERS, DEAD_SECONDS, GOAL_SECONDS = 8, 3.0, 5.0

RESULT = Path(__file__).parents[1] / "results" / "soak-operators.md"

Answers = dict[str, dict[str, str]]


@dataclass
class Tally:
    """What the customers got; ``whole``: when each undisturbed answer about AVIQ's data came."""

    expected: Answers
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    last_whole: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def judge(self, ssin: str, found: dict[str, str]) -> None:
        expected = self.expected[ssin]
        other = {source for source in expected if found.get(source) != expected[source]}
        failed = all("TECHNICAL_ERROR" in found[s] or ">archive<" in found[s] for s in other)
        with self.lock:
            if not other:
                self.counts["whole"] += 1
                if ssin == PERSONS[0]:
                    self.last_whole = time.monotonic()
            elif failed and other <= {"FEDERAL", "WALLONIA", "EASTBELGIUM"}:
                self.counts["with a technical error at AVIQ's sources"] += 1
            else:
                self.wrong.append(f"{sorted(other)}")


def customer(network: DemoNetwork, url: str, tally: Tally) -> None:
    """Ask about one person after the other until told to stop."""
    by = client(network, url)
    for ssin in itertools.cycle(PERSONS):
        if tally.stop.is_set():
            return
        try:
            tally.judge(ssin, ask(by, ssin))
        except ClientError as error:
            # All sources asked failed: the fault of DOMAIN 5, MSG00002.
            with tally.lock:
                if "MSG00002" in str(error):
                    tally.counts["fault MSG00002"] += 1
                else:
                    tally.wrong.append(type(error).__name__)


def recovery(aviq: Process, tally: Tally) -> float:
    """Kill, wait, start again; seconds from its return to the first whole answer."""
    aviq.kill()
    time.sleep(DEAD_SECONDS)
    aviq.start()
    back = time.monotonic()
    while tally.last_whole <= back:
        if time.monotonic() - back > 60:
            return 60.0
        time.sleep(0.01)
    return tally.last_whole - back


def main() -> int:
    """Kill and judge; 0 where no answer was wrong and every recovery was in time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=5)
    kills: int = parser.parse_args().kills
    with tempfile.TemporaryDirectory(prefix="ksz-soak-") as name:
        network = create_network(Path(name) / "network")
        with running(network) as (url, operators):
            by = client(network, url)
            tally = Tally({ssin: ask(by, ssin) for ssin in PERSONS})
            threads = [
                threading.Thread(target=customer, args=(network, url, tally))
                for _ in range(CUSTOMERS)
            ]
            for thread in threads:
                thread.start()
            time.sleep(5)
            times = []
            for _ in range(kills):
                times.append(recovery(operators[Operator.AVIQ], tally))
                time.sleep(2)
            tally.stop.set()
            for thread in threads:
                thread.join()
    passed = not tally.wrong and max(times) <= GOAL_SECONDS
    counted = "\n".join(f"| {what} | {number} |" for what, number in sorted(tally.counts.items()))
    write(
        RESULT,
        f"""# kill -9 of an operator under load

{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores;
`bench/soak/operators.py`: {CUSTOMERS} customers without pause, AVIQ killed {kills} times, dead for {DEAD_SECONDS:.0f} s each.

| answers | number |
|---|---|
{counted}
| wrong | {len(tally.wrong)} (goal: 0) |

First whole answer after its return: {", ".join(f"{seconds:.2f} s" for seconds in times)} (goal: {GOAL_SECONDS:.0f} s).

{"Passed." if passed else f"FAILED: {Counter(tally.wrong).most_common(5)}"}
""",  # noqa: E501
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
