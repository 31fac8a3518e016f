"""Soak: how long an answer takes when operators are slow, drip, or never answer.

    .venv/bin/python bench/soak/network.py

The demo as a network, with a relay before each operator. First three operators that take 300 ms
each, asked by turns with the same three without delay, twenty times: the median must be at most
1.3 x 300 ms. Then one that sends a byte a second, and one that accepts and never answers: the rest
must be delivered within the deadline plus 10%. Writes bench/results/soak-network.md.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from processes import ask, client, running, write

from ksz_childbenefits.client import ChildBenefitsClient
from ksz_childbenefits.demo.network import create_network
from ksz_childbenefits.domain.sources import Operator

PARENT = "84022992778"
"""Of children at three operators: one call to each of them."""

DELAY, DEADLINE, ROUNDS = 0.3, 2.0, 20
GOAL_RATIO, GOAL_OVERRUN = 1.3, 1.1

RESULT = Path(__file__).parents[1] / "results" / "soak-network.md"


class Relay:
    """Stands before an operator; ``mode``: direct, delay, drip or silent."""

    def __init__(self, port: int) -> None:
        self.mode = "direct"
        self._target = port
        self.port = 0

    async def listen(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await asyncio.open_connection("127.0.0.1", self._target)
        asked = asyncio.Event()
        with suppress(OSError):
            await asyncio.gather(
                self._pass(reader, onward, asked), self._answer(upstream, writer, asked)
            )

    async def _pass(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            asked.set()
            onward.write(data)
        onward.close()

    async def _answer(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        while data := await upstream.read(1 << 20):
            if self.mode == "silent":
                continue
            if self.mode == "delay" and asked.is_set():
                await asyncio.sleep(DELAY)  # once for each request, however its answer comes
            asked.clear()
            step = 1 if self.mode == "drip" else len(data)
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
                await writer.drain()
                if self.mode == "drip":
                    await asyncio.sleep(1)
        writer.close()


def relays(ports: dict[Operator, int]) -> dict[Operator, Relay]:
    """A relay for each operator, on an event loop in the background."""
    made, loop = (
        {operator: Relay(port) for operator, port in ports.items()},
        asyncio.new_event_loop(),
    )
    threading.Thread(target=loop.run_forever, daemon=True).start()
    for relay in made.values():
        asyncio.run_coroutine_threadsafe(relay.listen(), loop).result(5)
    return made


def timed(by: ChildBenefitsClient) -> tuple[float, dict[str, str]]:
    begun = time.perf_counter()
    found = ask(by, PARENT)
    return time.perf_counter() - begun, found


def set_all(made: dict[Operator, Relay], mode: str) -> None:
    for relay in made.values():
        relay.mode = mode


def by_turns(by: ChildBenefitsClient, made: dict[Operator, Relay]) -> tuple[float, float]:
    """The median with the delay and without, of runs that take turns; the answer is the same."""
    direct: list[float] = []
    delayed: list[float] = []
    _, expected = timed(by)
    for _ in range(ROUNDS):
        for mode, times in (("direct", direct), ("delay", delayed)):
            set_all(made, mode)
            seconds, found = timed(by)
            times.append(seconds)
            if found != expected:
                raise SystemExit("a delay changed the answer")
    set_all(made, "direct")
    return statistics.median(delayed), statistics.median(direct)


def with_one(by: ChildBenefitsClient, made: dict[Operator, Relay], mode: str) -> float:
    """How long the answer takes while AVIQ is in that mode, the worst of three."""
    expected = ask(by, PARENT)
    worst = 0.0
    for _ in range(3):
        made[Operator.AVIQ].mode = mode
        seconds, found = timed(by)
        worst = max(worst, seconds)
        lost = {source for source, text in found.items() if text != expected[source]}
        if lost != {"WALLONIA"} or "TECHNICAL_ERROR" not in found["WALLONIA"]:
            raise SystemExit(f"with a {mode} AVIQ, other answers from {sorted(lost)}")
        made[Operator.AVIQ].mode = "direct"
        time.sleep(0.2)
        if ask(by, PARENT) != expected:
            raise SystemExit(f"no recovery after {mode}")
    return worst


def main() -> int:
    """Measure, keep the result; 0 where both goals are met."""
    with tempfile.TemporaryDirectory(prefix="ksz-soak-") as name:
        network = create_network(Path(name) / "network")
        ports = {o: int(u.split(":")[2].split("/")[0]) for o, u in network.urls.items()}
        made = relays(ports)
        text = network.gateway.read_text(encoding="utf-8")
        for operator, port in ports.items():
            text = text.replace(f":{port}/", f":{made[operator].port}/")
        network.gateway.write_text(text, encoding="utf-8")
        with running(network) as (url, _):
            by = client(network, url)
            for _ in range(20):
                ask(by, PARENT)  # every worker has compiled its schemas
            delayed, direct = by_turns(by, made)
            drip, silent = (with_one(by, made, mode) for mode in ("drip", "silent"))
    passed = delayed <= GOAL_RATIO * DELAY and max(drip, silent) <= GOAL_OVERRUN * DEADLINE
    write(
        RESULT,
        f"""# Operators that are slow, drip or say nothing

{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores;
`bench/soak/network.py`, gateway with two workers, four operators, all as processes on one machine.

| case | measured at the client | goal |
|---|---|---|
| three operators without delay, median of {ROUNDS} | {direct * 1000:.0f} ms | |
| the same that take {DELAY * 1000:.0f} ms each, by turns with these | {delayed * 1000:.0f} ms, {delayed / DELAY:.2f} x | at most {GOAL_RATIO} x |
| one sends a byte a second: the rest, worst of 3 | {drip:.2f} s | at most {GOAL_OVERRUN * DEADLINE:.1f} s (deadline {DEADLINE:.0f} s) |
| one accepts and never answers: the rest, worst of 3 | {silent:.2f} s | at most {GOAL_OVERRUN * DEADLINE:.1f} s |

{"Passed." if passed else "FAILED."}
""",  # noqa: E501
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
