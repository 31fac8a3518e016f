"""Soak: `repertory import` of 5 million lines against a bare COPY of the same lines.

    .venv/bin/python bench/soak/imports.py [--lines 5000000]

In one run, on a PostgreSQL server of its own: the bare COPY, the import, the bare COPY once more,
each into an empty table with the same indexes; then an import that is killed (-9) half-way and
started again. The imported file has lines that are rejected among the others, in every batch; the
bare COPY gets those that are accepted. Succeeds (exit 0) where the import reaches half the rate of
the bare COPY in under 200 MB, and the killed one ends in the same state, with the same rejected
lines. Writes bench/results/soak-imports.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ksz_childbenefits.bulk.repertory import COLUMNS
from ksz_childbenefits.cli.transfer import REJECTED
from ksz_childbenefits.demo.cluster import Cluster, running_cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.domain.ssin import check_digits
from ksz_childbenefits.registers.database import open_database
from ksz_childbenefits.registers.migrating import migrate

LINES = 5_000_000
REJECTED_EVERY = 1000
"""After so many lines comes one that is rejected: some 30 in each batch."""

GOAL_RATE = 0.5
GOAL_MEMORY = 200
"""Half the rate of a bare COPY, in under so many MB (issue 3)."""

RESULT = Path(__file__).parents[1] / "results" / "soak-imports.md"
PROGRAM = Path(sys.executable).with_name("ksz-childbenefits")
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
"""Everything that makes PostgreSQL durable is left on."""

SOURCES = ("WALLONIA", "BRUSSELS", "FLANDERS", "EASTBELGIUM", "FEDERAL")
_MEGABYTE = 1024 * 1024
_STATE = """
SELECT count(*), sum(hashtextextended(concat_ws('|', ssin, source, sector, quality, phase,
file_type, archive, begin_date, end_date), 0)::numeric) FROM repertory_lines"""


@dataclass(frozen=True)
class Run:
    """How long it took, and the most memory (MB) of the client process."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Found:
    """What was measured; ``killed_at``: the line; ``same``: whether all end states are."""

    lines: int
    rejected: int
    before: Run
    ours: Run
    after: Run
    resumed: Run
    killed_at: int
    same: bool
    version: int


def main() -> int:
    """Measure and report; 0 if the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--bare", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        copy_bare(*arguments.bare)
        return 0
    with tempfile.TemporaryDirectory(prefix="ksz-soak-") as folder, running_cluster(SERVER) as own:
        return soak(own, Path(folder), arguments.lines)


def soak(cluster: Cluster, folder: Path, count: int) -> int:
    """The four loads, one after the other."""
    file, accepted = folder / "lines.csv", folder / "accepted.csv"
    rejected = write_lines(file, accepted, count)
    config = create_demo(folder / "demo")
    told = config.read_text()
    say(f"{count:,} lines, {rejected:,} more to be rejected, {file.stat().st_size // _MEGABYTE} MB")
    before = measure([sys.executable, __file__, "--bare", new(cluster, "before"), str(accepted)])
    say(f"bare COPY {count / before.seconds:,.0f}/s")
    whole = new(cluster, "whole")
    config.write_text(told.replace("sqlite:///registers.sqlite", whole))
    command = [str(PROGRAM), "repertory", "import", str(file), "--config", str(config)]
    ours = measure(command, REJECTED)
    refused = set_aside(folder)
    say(f"import {count / ours.seconds:,.0f}/s, {ours.memory} MB")
    after = measure([sys.executable, __file__, "--bare", new(cluster, "after"), str(accepted)])
    say(f"bare COPY {count / after.seconds:,.0f}/s")
    killed = new(cluster, "killed")
    config.write_text(told.replace("sqlite:///registers.sqlite", killed))
    at = kill_half_way(command, killed, file.stat().st_size)
    resumed = measure(command, REJECTED)
    say(f"killed at line {at:,}, resumed in {resumed.seconds:.0f} s")
    same = len({state(url) for url in (whole, killed, cluster.url("before"))}) == 1
    same &= refused == set_aside(folder) and refused.count(b"\n") == rejected + 1
    bare = (before.seconds + after.seconds) / 2
    ratio = bare / ours.seconds
    passed = same and ratio >= GOAL_RATE and max(ours.memory, resumed.memory) < GOAL_MEMORY
    with psycopg.connect(whole) as connection:
        version = connection.info.server_version // 10000
    report(Found(count, rejected, before, ours, after, resumed, at, same, version), passed)
    say(f"{'passed' if passed else 'FAILED'}: {ratio:.2f} of the bare rate, same state: {same}")
    return 0 if passed else 1


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)


def write_lines(path: Path, accepted: Path, count: int) -> int:
    """Lines of persons in no order, as they come from a source; how many are to be rejected.

    Those that break no rule, ``count``, go to ``accepted`` too.
    """
    chance = random.Random(1)
    rejected = 0
    with path.open("w") as file, accepted.open("w") as good:
        for target in (file, good):
            target.write(",".join(COLUMNS) + "\n")
        numbers = [ssin(index) for index in range(count // 4 + 1)]
        for written, index in enumerate(chance.sample(range(count), count), 1):
            person, turn = divmod(index, 4)
            source = SOURCES[(person + turn) % len(SOURCES)]
            archive = ("Iriscare", "AVIQ")[person % 2] if source == "FEDERAL" else ""
            begin = f"20{4 + person % 20:02d}-{1 + turn * 3:02d}-01"
            end = "" if turn == 3 else f"{begin[:8]}28"
            codes = f"{source},,7,{101 + turn},0,CHILD_BENEFIT,{archive}"
            line = f"{numbers[person]},{codes},{begin},{end}\n"
            file.write(line)
            good.write(line)
            if written % REJECTED_EVERY == 0:
                # A quality that there is not: one of the rules that are judged once for all alike.
                file.write(line.replace(codes, f"{source},,7,108,0,CHILD_BENEFIT,{archive}"))
                rejected += 1
    return rejected


def set_aside(folder: Path) -> bytes:
    """What was rejected, taken away as whoever corrects it would."""
    (path,) = folder.glob("*.rejected.csv")
    content = path.read_bytes()
    path.unlink()
    return content


def ssin(index: int) -> str:
    """The number of an invented person."""
    day, serial = divmod(index, 997)
    year, day = divmod(day, 336)
    nine = f"{year % 20:02d}{1 + day // 28:02d}{1 + day % 28:02d}{1 + serial:03d}"
    return nine + check_digits(nine, born_2000_or_later=True)


def new(cluster: Cluster, name: str) -> str:
    """The address of a migrated, empty database."""
    url = cluster.create(name)
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


def copy_bare(url: str, path: str) -> None:
    """One COPY of the whole file."""
    columns = ", ".join((*COLUMNS[:-2], "begin_date", "end_date"))
    statement = f"COPY repertory_lines ({columns}) FROM STDIN WITH (FORMAT csv, HEADER)"
    with (
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
        Path(path).open("rb") as file,
    ):
        while block := file.read(_MEGABYTE):
            copy.write(block)


def measure(command: list[str], expected: int = 0) -> Run:
    """Run a command to its end, with this exit code."""
    start = time.monotonic()
    memory = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        memory = max(memory, high_water(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - start
    if process.returncode != expected:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Run(seconds, memory)


def high_water(pid: int) -> int:
    """The most memory that the process had so far in MB; 0 if it has ended.

    Not what wait4 tells: that counts what we ourselves had when we started it.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) // 1024 if lines else 0


def kill_half_way(command: list[str], url: str, size: int) -> int:
    """Start the command, kill -9 it when half of the file is stored; how many lines that were."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for position, lines in progress(url):
        if position > size // 2:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return lines
        if process.poll() is not None:
            raise SystemExit("the import ended before it was killed")
    raise AssertionError


def progress(url: str) -> Iterator[tuple[int, int]]:
    """How far the import is, again and again."""
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT position, lines FROM imports").fetchone()
            yield row or (0, 0)
            time.sleep(0.05)


def state(url: str) -> tuple[int, int]:
    """How many lines there are, and a sum over what they say."""
    with psycopg.connect(url) as connection:
        count, total = connection.execute(_STATE.encode()).fetchone() or (0, 0)
    return int(count), int(total or 0)


def report(found: Found, passed: bool) -> None:
    """Write the result with the machine that it was found on."""
    count, at, same, version = found.lines, found.killed_at, found.same, found.version
    before, ours, after, resumed = found.before, found.ours, found.after, found.resumed
    bare = (before.seconds + after.seconds) / 2
    text = f"""# Soak: import of {count:,} repertory lines

`bench/soak/imports.py --lines {count}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: \
**{"passed" if passed else "FAILED"}**. Machine: {machine()}. PostgreSQL {version} on the same \
machine ({", ".join(f"{name} {value}" for name, value in SERVER.items())}, durable), \
Python {platform.python_version()}.

| load | seconds | lines/s | memory of the client |
|---|---|---|---|
| bare COPY, before | {before.seconds:.1f} | {count / before.seconds:,.0f} | {before.memory} MB |
| `repertory import` | {ours.seconds:.1f} | {count / ours.seconds:,.0f} | {ours.memory} MB |
| bare COPY, after | {after.seconds:.1f} | {count / after.seconds:,.0f} | {after.memory} MB |

Rate of the import: {bare / ours.seconds:.2f} of the mean of the two bare COPYs (goal: at least \
{GOAL_RATE}). Memory: goal under {GOAL_MEMORY} MB. The import checks every line (SSIN, codes, days,
overlap with all lines that are there) and commits about 33 times per million lines; of its file, \
{found.rejected:,} more lines, one after each {REJECTED_EVERY}, are rejected. The rates include \
the start of the program.

Killed (-9) after line {at:,}, the import started again took {resumed.seconds:.1f} s and \
{resumed.memory} MB; its end state (count and sum of hashes of all \
lines, and the file of rejected ones) is \
{"the same as" if same else "NOT that of"} the uninterrupted import and the bare COPY.
"""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)


def machine() -> str:
    """Processors, memory and system, as far as the system tells."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**3
    load = os.getloadavg()[2]
    return (
        f"{os.cpu_count()} cores, {model}, {memory} GiB, {platform.system()} {platform.release()}, "
        f"load of the last 15 minutes {load:.1f}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
