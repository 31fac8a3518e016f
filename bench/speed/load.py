"""Load over HTTP by wrk: every request is sent once, and every answer must be HTTP 200."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from inside import has_data
from machine import cores, measure_unit
from messages import Order, Store, prepare

from ksz_childbenefits.contract.contracts import CONSULTATION

_SCRIPT = Path(__file__).with_suffix(".lua")
_SPARE = 500
_INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "wrk")


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw of a round: times in seconds, of an answer from sending to its last byte."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.requests / self.seconds


def provide_wrk() -> None:
    """Install wrk where it is missing and we may; else say what to do."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(("apt-get", "update", "--quiet"), check=False, stdout=subprocess.DEVNULL)
        subprocess.run(_INSTALL, check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")


class Supply:
    """Fresh requests for one round after the other, as many as it can use up."""

    def __init__(self, order: Order, folder: Path) -> None:
        """Keep them in ``folder``."""
        self._order = order
        self._path = folder / "requests"
        self._per_second: float | None = None

    def sign(self, seconds: float) -> Store:
        """Requests for so many seconds: by the rate of the rounds so far, and half as many more.

        Before the first: no service answers more often than its cores can sign.
        """
        rate = self._per_second or len(cores()) * measure_unit().per_second
        return prepare(self._path, self._order, _SPARE + int(1.5 * rate * seconds))

    def learn(self, seen: Load) -> None:
        """Take note of how fast a round was."""
        self.expect(seen.per_second)

    def expect(self, per_second: float) -> None:
        """Be ready for so many a second, at least."""
        self._per_second = max(self._per_second or 0, per_second)


def run(url: str, store: Store, *, connections: int, seconds: float, on: list[int]) -> Load:
    """Send requests over so many connections; SystemExit when one of them fails.

    ``on``: the cores on which wrk runs, with a thread for each.
    """
    command = (
        *("taskset", "--cpu-list", ",".join(map(str, on))),
        *("wrk", "--threads", str(len(on)), "--connections", str(connections)),
        *("--duration", f"{seconds:.0f}s", "--timeout", "30s", "--script", str(_SCRIPT), url, "--"),
        *map(str, (store.path, store.size, store.count, len(on))),
    )
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.strip().rpartition("\n")[2])
    if told.pop("bad"):
        raise SystemExit(f"not every answer is a reply:\n{done.stdout}")
    if told.pop("exhausted"):
        raise SystemExit("too few requests were prepared for this round")
    return Load(**told)


def ask(url: str, message: bytes) -> bytes:
    """The reply to one request; SystemExit for anything else."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    connection.request("POST", CONSULTATION.path, message, headers)
    with connection.getresponse() as response:
        body = response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK or not has_data(body):
        raise SystemExit(f"HTTP {response.status}, not a reply with data")
    return body
