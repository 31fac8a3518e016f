"""Soak: `audit verify` over a million records, of which one byte was changed.

    .venv/bin/python bench/soak/audit.py [--records 1000000] [--seed 4]

Four writers fill a trail through the real chain code, on SQLite and on PostgreSQL. It is verified
as it is, then with one byte changed of a record somewhere: that record must be named, and no other.
Writes bench/results/soak-audit.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from processes import write
from rich.progress import track
from sqlalchemy import Engine, event, select, update

from ksz_childbenefits.audit.record import Entry, Particulars, Record
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo.cluster import running_cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.identity import identity_of
from ksz_childbenefits.registers.audit_schema import audit_records
from ksz_childbenefits.registers.database import open_database, writing

WRITERS, GROUP = 4, 1000
PERSONS = 200_000

SERVER = {"max_wal_size": "8GB"}

RESULT = Path(__file__).parents[1] / "results" / "soak-audit.md"


def records(chance: random.Random, count: int) -> Iterator[Record]:
    """Consultations by a few customers about many persons, one every 10 ms, up to now."""
    began = datetime.now(UTC) - timedelta(milliseconds=10 * count)
    for number in range(count):
        at = began + timedelta(milliseconds=10 * number)
        particulars = Particulars(
            ticket=str(uuid.UUID(int=chance.getrandbits(128))),
            legal_context="PCSA:SOCIAL_INQUIRY",
            deliberations=("DEMO-18/004",),
            persons=(f"{80_000_000_000 + chance.randrange(PERSONS)}",),
            begin="2019-01",
            end="2024-12",
            consulted=("WALLONIA",),
            statuses={"FEDERAL": "MSG00021", "WALLONIA": "MSG00000"},
        )
        yield Record(
            ticket=str(uuid.UUID(int=chance.getrandbits(128))),
            service="ChildBenefitsService",
            operation="consultFilesBySsin",
            caller=f"customer-{chance.randrange(12)}",
            certificate="c0" * 32,
            particulars=particulars,
            status="MSG00000",
            fault=None,
            received=at,
            replied=at,
            request=b"the request %d" % number,
            reply=b"the reply %d" % number,
        )


def fill(engine: Engine, config: Path, count: int, chance: random.Random) -> tuple[float, str]:
    """Write so many records, by turns of the writers: in what time, and the ticket of one."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _with_memory)
    keys = identity_of(load_settings(config)).keys
    writers = [Writer(engine, keys) for _ in range(WRITERS)]
    made, drawn, ticket = records(chance, count), chance.randrange(count), ""
    began = time.monotonic()
    for first in track(range(0, count, GROUP), f"{engine.dialect.name}: {count:,} records"):
        group = list(islice(made, GROUP))
        if first <= drawn < first + len(group):
            ticket = group[drawn - first].ticket
        writers[first // GROUP % WRITERS].write([Entry(one, one.body()) for one in group])
    for writer in writers:
        writer.stop()
    return time.monotonic() - began, ticket


def _with_memory(connection: sqlite3.Connection, _record: object) -> None:
    """For indexes of hundreds of megabytes, filled at random."""
    connection.execute("PRAGMA cache_size = -800000")
    connection.execute("PRAGMA synchronous = OFF")


def change_one_byte(engine: Engine, ticket: str, chance: random.Random) -> str:
    """Change one byte of a record's text; how `audit verify` must begin the line about it."""
    items = audit_records.c
    with writing(engine) as connection:
        row = connection.execute(select(audit_records).where(items.ticket == ticket)).one()
        position = chance.randrange(len(row.text))
        other = chr(ord(row.text[position]) ^ 1)
        text = row.text[:position] + other + row.text[position + 1 :]
        of_record = (items.writer == row.writer) & (items.number == row.number)
        connection.execute(update(audit_records).where(of_record).values(text=text))
    return f"{row.writer}: item {row.number} (ticket {ticket}): changed"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ``audit verify``: what it said, how long it took, how much CPU of its own."""

    code: int
    lines: list[str]
    seconds: float
    cpu: float

    @property
    def items(self) -> int:
        """How many items it verified."""
        return int(self.lines[-1].split()[1].replace(",", ""))

    def told(self) -> str:
        """Items, time and rate, as a cell of the table."""
        rate = self.items / self.seconds
        return f"{self.items:,} in {self.seconds:.0f} s, {rate:,.0f}/s ({self.cpu:.0f} s CPU)"


def verify(config: Path) -> Run:
    """Run it as an operator does."""
    command = [sys.executable, "-m", "ksz_childbenefits.cli", "audit", "verify"]
    began, before = time.monotonic(), getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--config", str(config)], check=False, stdout=subprocess.PIPE, text=True
    )
    after = getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [line for line in done.stdout.splitlines() if line]
    return Run(done.returncode, lines, time.monotonic() - began, cpu)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured on one database, and whether the record was found."""

    cells: list[str]
    found: bool


def soak(config: Path, count: int, seed: int) -> Outcome:
    """Fill, verify, change a byte, verify."""
    chance = random.Random(seed)
    engine = open_database(load_settings(config).database.url)
    try:
        seconds, ticket = fill(engine, config, count, chance)
        whole = verify(config)
        expected = change_one_byte(engine, ticket, chance)
    finally:
        engine.dispose()
    changed = verify(config)
    sound = whole.code == 0 and len(whole.lines) == 1
    named = changed.code == 1 and len(changed.lines) == 2 and changed.lines[0].startswith(expected)
    cells = [
        f"{count:,} in {seconds:.0f} s, {count / seconds:,.0f}/s",
        whole.told(),
        whole.lines[-1],
        changed.told(),
        "<br>".join(changed.lines),
    ]
    return Outcome(cells, sound and named)


def main() -> int:
    """Fill and verify; 0 where the changed record was named and no other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="ksz-soak-") as name, running_cluster(SERVER) as pg:
            folder = Path(name)
            outcomes = {
                "SQLite": soak(create_demo(folder / "sqlite"), given.records, given.seed),
                "PostgreSQL": soak(
                    create_demo(folder / "pg", pg.create("registers")), given.records, given.seed
                ),
            }
    except KeyboardInterrupt:
        print("stopped")
        return 130
    passed = all(outcome.found for outcome in outcomes.values())
    rows = zip(
        ("records written", "verified as it is", "said", "verified with one byte changed", "said"),
        *(outcome.cells for outcome in outcomes.values()),
        strict=True,
    )
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    write(
        RESULT,
        f"""# One byte changed among {given.records:,} audit records

{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores;
`bench/soak/audit.py`, seed {given.seed}: {WRITERS} chains, one byte of one record's text changed, `audit verify` as an operator runs it.

| | {" | ".join(outcomes)} |
|---|---|---|
{table}

{"Passed: the record is named, and no other." if passed else "FAILED."}
""",  # noqa: E501
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
