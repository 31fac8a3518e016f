"""Soak: kill -9 of everything under load: no reply without its record, no replay that is taken.

    .venv/bin/python bench/soak/faults.py [--kills 50] [--seed 4]

A service with two workers on SQLite and one on PostgreSQL, side by side. Six customers ask each
without pause; at a random moment all processes of the service are killed at once, some of the times
while it starts, and every third time PostgreSQL's with it. Then it starts again, and customers send
some of their messages once more. In the end what they were told is held against the audit trail.
Writes bench/results/soak-faults.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from processes import Process, write
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, func, select

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo.cluster import Cluster, running_cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.registers.audit_schema import audit_chains
from ksz_childbenefits.registers.database import open_database, reading

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the customers, and what their replies are held against, are tests'

from tests.audit.trails import texts  # noqa: E402
from tests.live.exchanges import (  # noqa: E402
    DATA,
    REPLAYED,
    UNAVAILABLE,
    Crowd,
    Exchange,
    Verdict,
    customers,
    digest,
    exchange,
    verify,
    wrong,
)
from tests.live.killing import kill, servers  # noqa: E402

RESULT = ROOT / "bench" / "results" / "soak-faults.md"

KILLS = LOADED, STARTING, WITH_POSTGRESQL = (
    "kills under load",
    "kills while it started",
    "with PostgreSQL's processes too",
)

WHILE_STARTING = 0.1
"""The share of kills before the service is ready, within ``START_SECONDS``."""

START_SECONDS, LOAD_SECONDS = 2.5, 1.5
EVERY_THIRD = 3
AGAIN = 8
"""How many messages that were answered, and how many that were not, are sent again each time."""

SEAL_SECONDS = 180.0
"""Within how long the chains of the killed must be sealed: 75 s where the machine has time."""


@dataclass
class Lane:
    """A service on one database, killed time and again; what its customers were told."""

    name: str
    config: Path
    cluster: Cluster | None
    chance: random.Random
    stop: threading.Event
    told: list[Exchange] = field(default_factory=list)
    again: list[tuple[Exchange, Exchange]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _last: Sequence[Exchange] = ()

    def __post_init__(self) -> None:
        self.log = self.config.with_name("service.log")
        arguments = ("serve", "--config", str(self.config), "--port", "0", "--workers", "2")
        self.service = Process(arguments, self.log)
        self.customers = customers(self.config)

    def round(self, number: int) -> None:
        """Start, serve, kill."""
        self.service.launch()
        if self.chance.random() < WHILE_STARTING:
            self.stop.wait(self.chance.uniform(0, START_SECONDS))
            self._kill(number, STARTING)
            return
        with self._asked(self.service.ready()):
            self.stop.wait(self.chance.uniform(0, LOAD_SECONDS))
            self._kill(number, LOADED)

    def _kill(self, number: int, when: str) -> None:
        """Kill all at once; with PostgreSQL, the one or the other first."""
        victims = [self.service.kill]
        if self.cluster is not None and number % EVERY_THIRD == 0:
            victims.append(self._kill_server)
        for victim in self.chance.sample(victims, len(victims)):
            victim()
        self.counts[when] += 1
        if len(victims) > 1 and self.cluster is not None:
            self.counts[WITH_POSTGRESQL] += 1
            self.cluster.start()

    def _kill_server(self) -> None:
        if self.cluster is not None:
            kill(servers(self.cluster.process.pid))
            self.cluster.process.wait()

    @contextmanager
    def _asked(self, url: str) -> Iterator[None]:
        """While customers ask, and send again some of what they sent before the last kill."""
        answered = [one for one in self._last if one.said == DATA]
        unanswered = [one for one in self._last if one.said is None]
        chosen = [
            one
            for of in (answered, unanswered)
            for one in self.chance.sample(of, min(AGAIN, len(of)))
        ]
        sender = threading.Thread(target=self._send_again, args=(url, chosen))
        with Crowd(url, self.customers) as crowd:
            sender.start()
            yield
        sender.join()
        self.told += crowd.got
        self._last = crowd.got or self._last

    def _send_again(self, url: str, chosen: Sequence[Exchange]) -> None:
        for one in chosen:
            try:
                second = exchange(one.caller, url, one.request)
            except OSError:
                return  # killed meanwhile
            self.again.append((one, second))
            self.told.append(second)

    def settle(self, engine: Engine) -> None:
        """Serve until somebody has sealed the chains that the killed left, then end."""
        with self._asked(self.service.start()):
            self.stop.wait(LOAD_SECONDS)
        deadline = time.monotonic() + SEAL_SECONDS
        while _open_chains(engine) > 2 and time.monotonic() < deadline:
            self.stop.wait(1)
        self.service.stop()


def _open_chains(engine: Engine) -> int:
    query = select(func.count()).select_from(audit_chains).where(~audit_chains.c.ended)
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found in the end: rows of a table, and what is wrong."""

    rows: list[tuple[str, object]]
    wrong: list[str]


def judged(lane: Lane, engine: Engine, cut: Verdict) -> Findings:
    """What customers were told held against the trail; ``cut``: how it was before the seals."""
    found = wrong(engine, lane.told)
    found += [
        f"a replay: {second.said}"
        for first, second in lane.again
        if first.said == DATA and second.said not in (REPLAYED, None)
    ]
    whole = verify(lane.config, lane.log)
    found += [
        f"verify: {line}" for one in (cut, whole) if one.code for line in one.text.split("\n")
    ]
    found += [f"not sealed: {whole.text}"] if OPEN in whole.text else []
    trail = texts(engine)
    records = [told for told in trail if "mark" not in told]
    marks = Counter(told.get("mark") for told in trail)
    answered = {digest(one.request) for one in lane.told if one.said == DATA}
    served = {told["request"] for told in records if "fault" not in told}
    said = Counter(one.said for one in lane.told)
    resent = Counter((first.said == DATA, second.said) for first, second in lane.again)
    rows: list[tuple[str, object]] = [
        *((name, lane.counts[name]) for name in KILLS),
        ("**messages sent**", len(lane.told)),
        *((f"answered {name}", said.pop(name, 0)) for name in (DATA, REPLAYED, UNAVAILABLE)),
        ("no answer, or part of it", said.pop(None, 0)),
        ("other answers", dict(said) or 0),
        ("sent again, answered before: refused as replays", resent[True, REPLAYED]),
        ("sent again, not answered before: refused as replays", resent[False, REPLAYED]),
        ("sent again, not answered before: served now, for the first time", resent[False, DATA]),
        ("sent again, cut off by the next kill", resent[True, None] + resent[False, None]),
        ("**records**", len(records)),
        ("of replies with data that a customer got", len(answered & served)),
        ("of replies that were cut off before the customer had them", len(served - answered)),
        ("of refusals", sum("fault" in told for told in records)),
        ("chains", marks["start"]),
        ("chains sealed by another writer, as their own was killed", marks["seal"]),
        ("`audit verify` after the last kill: items, faults", f"{cut.items}, {cut.faults}"),
        ("chains whose newest items are not sealed yet then", cut.text.count(OPEN)),
        ("`audit verify` once all are sealed: items, faults", f"{whole.items}, {whole.faults}"),
        ("**wrong** (a reply without its one record, a record twice, a replay taken)", len(found)),
    ]
    return Findings(rows, found)


OPEN = "not sealed yet"
"""What ``audit verify`` says of a chain whose newest items no mark seals."""


def run(lane: Lane, kills: int, bar: Progress) -> Findings:
    """All rounds of a lane, and what is found in the end."""
    task = bar.add_task(lane.name, total=kills)
    for number in range(kills):
        if lane.stop.is_set():
            return Findings([], [])
        lane.round(number)
        bar.advance(task)
    bar.update(task, description=f"{lane.name}: waits for the seals")
    engine = open_database(load_settings(lane.config).database.url)
    try:
        cut = verify(lane.config, lane.log)
        lane.settle(engine)
        return judged(lane, engine, cut)
    finally:
        engine.dispose()


def soak(folder: Path, cluster: Cluster, kills: int, seed: int) -> dict[str, Findings]:
    """Both lanes side by side; Ctrl-C ends them after the round that they are in."""
    stop = threading.Event()
    configs = {
        "SQLite": (create_demo(folder / "sqlite"), None),
        "PostgreSQL": (create_demo(folder / "postgresql", cluster.create("registers")), cluster),
    }
    lanes = [
        Lane(name, config, server, random.Random(f"{seed} {name}"), stop)
        for name, (config, server) in configs.items()
    ]
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns) as bar, ThreadPoolExecutor(len(lanes)) as threads:
        running = {lane.name: threads.submit(run, lane, kills, bar) for lane in lanes}
        try:
            return {name: future.result() for name, future in running.items()}
        except BaseException:
            stop.set()
            raise


def main() -> int:
    """Kill and judge; 0 where nothing is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50, help="of each of the two services")
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="ksz-soak-") as name, running_cluster() as cluster:
            found = soak(Path(name), cluster, given.kills, given.seed)
    except KeyboardInterrupt:
        print("stopped")
        return 130
    passed = not any(of.wrong for of in found.values())
    rows = zip(*(of.rows for of in found.values()), strict=True)
    table = [f"| {of[0][0]} | {' | '.join(str(count) for _, count in of)} |" for of in rows]
    wrongs = [f"{lane}: {one}" for lane, of in found.items() for one in of.wrong]
    write(
        RESULT,
        f"""# kill -9 of everything under load

{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores, {time.monotonic() - began:.0f} s;
`bench/soak/faults.py`, seed {given.seed}: two services of two workers side by side, each asked by six customers without pause.

| | {" | ".join(found)} |
|---|{"---|" * len(found)}
{chr(10).join(table)}

{"Passed." if passed else "FAILED: " + str(wrongs[:10])}
""",  # noqa: E501
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
