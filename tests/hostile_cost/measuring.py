"""What an endpoint spends on a message: CPU seconds, and memory at its peak above where it was.

Run as a program it takes a kind of endpoint, a configuration, an ordinary message and others, and
answers each of these in a process of its own, forked before there is an endpoint, so that none
finds memory that another has left behind. CPU is that of all threads of the process.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from ksz_childbenefits.assembly import build_cadastre
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.contract.envelope import SECURITY
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.logs import configure_logging
from ksz_childbenefits.runtime import build_endpoint, build_inscriptions

CPU_SECONDS = 0.5
MEGABYTES = 50.0
"""The bounds of issue 4, item 4."""

_ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Cost:
    """Of one message; ``code`` is that of the status or the fault, to see how far it came.

    With "unsigned" where the reply is: it was refused before anybody looked at its signature.
    """

    cpu_seconds: float
    megabytes: float
    code: str

    def within(self) -> bool:
        return self.cpu_seconds <= CPU_SECONDS and self.megabytes <= MEGABYTES


def costs(
    kind: str, config: Path, ordinary: bytes, messages: Mapping[str, bytes], folder: Path
) -> dict[str, Cost]:
    """Of each message at an endpoint of ``kind``, warmed up by an ``ordinary`` one."""
    files = [folder / str(number) for number in range(len(messages) + 1)]
    for file, content in zip(files, [ordinary, *messages.values()], strict=True):
        file.write_bytes(content)
    path = os.pathsep.join(p for p in (str(_ROOT), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_cost.measuring", kind, str(config), *map(str, files)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found = (Cost(**json.loads(line)) for line in done.stdout.splitlines())
    return dict(zip(messages, found, strict=True))


class Spender:
    """An endpoint that spends what the message says, to prove the measuring."""

    def handle(self, message: Message) -> Reply:
        what, _, amount = message.body.decode().partition(" ")
        until = time.process_time() + float(amount)
        if what == "memory":
            _ = b"x" * int(float(amount) * 2**20)
        while what == "cpu" and time.process_time() < until:
            pass
        return Reply(b"<spent/>")


def _spender(_: Settings) -> Spender:
    return Spender()


_KINDS: Mapping[str, Callable[[Settings], Any]] = {
    "consultation": build_endpoint,
    "inscriptions": build_inscriptions,
    "cadastre": build_cadastre,
    "spender": _spender,
}


def _main(kind: str, config: str, ordinary: str, *files: str) -> None:
    configure_logging("INFO")
    for file in files:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            cost = _measured(_KINDS[kind](load_settings(Path(config))), Path(ordinary), Path(file))
            os.write(writing, json.dumps(cost).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as stream:
            print(stream.read(), flush=True)
        os.waitpid(child, 0)


def _measured(endpoint: Any, ordinary: Path, file: Path) -> dict[str, Any]:
    def handle(path: Path) -> Reply:
        reply = endpoint.handle(Message(content[path], None, None, datetime.now(UTC)))
        assert isinstance(reply, Reply)
        return reply

    content = {path: path.read_bytes() for path in (ordinary, file)}
    handle(ordinary)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    before, begun = _kilobytes("VmRSS"), resource.getrusage(resource.RUSAGE_SELF)
    reply = handle(file)
    spent, peak = resource.getrusage(resource.RUSAGE_SELF), _kilobytes("VmHWM")
    return {
        "cpu_seconds": spent.ru_utime + spent.ru_stime - begun.ru_utime - begun.ru_stime,
        "megabytes": (peak - before) / 1024,
        "code": next(_codes(reply.body), "none"),
    }


def _kilobytes(name: str) -> int:
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(name))
    return int(line.split()[1])


def _codes(body: bytes) -> Iterator[str]:
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
    signed = next(root.iter(SECURITY), None) is not None
    for name in ("faultcode", "code"):
        yield from (f"{found.text}{'' if signed else ' unsigned'}" for found in root.iter(name))


if __name__ == "__main__":
    _main(*sys.argv[1:])
