"""What the soaks of the network share: a demo network as processes, and how to ask it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from ksz_childbenefits.client import ChildBenefitsClient, connect, read_credentials
from ksz_childbenefits.demo.network import DemoNetwork
from ksz_childbenefits.domain.sources import Operator

MONTHS = ("2015-01", "2024-12")
CUSTOMER = "sfpd"


@dataclass
class Process:
    """A command of ours that listens, in a session of its own; its log goes nowhere, or there."""

    arguments: tuple[str, ...]
    log: Path = Path(os.devnull)
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> str:
        """Start it and give its address once it is ready."""
        self.launch()
        return self.ready()

    def launch(self) -> None:
        """Start it and wait for nothing."""
        command = [sys.executable, "-m", "ksz_childbenefits.cli", *self.arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def ready(self) -> str:
        """Its address once it is ready; SystemExit where it ends before."""
        for line in (self.process and self.process.stdout) or ():
            if found := re.search(r"https?://\S+", line):
                return found.group()
        raise SystemExit(f"{' '.join(self.arguments)} did not start")

    def kill(self) -> None:
        """Kill -9, supervisor and workers at once."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Let it finish what it has accepted."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, number)
            self.process.wait(30)
            self.process = None


@contextmanager
def running(network: DemoNetwork) -> Iterator[tuple[str, dict[Operator, Process]]]:
    """Operators and gateway; gives the gateway's address, and the operators' processes.

    The one customer of the soaks may ask as fast as it can.
    """
    with network.gateway.open("a", encoding="utf-8") as config:
        config.write(f"\n[limits.rates.{CUSTOMER}]\nper_second = 100000\nburst = 1000000\n")
    with ExitStack() as stack:
        operators = {
            operator: Process(
                ("cadastre", "serve", "--operator", operator, "--config", str(config))
            )
            for operator, config in network.operators.items()
        }
        gateway = Process(("serve", "--config", str(network.gateway), "--port", "0"))
        for process in (*operators.values(), gateway):
            stack.callback(process.stop)
            address = process.start()
        yield address, operators


def client(network: DemoNetwork, url: str) -> ChildBenefitsClient:
    """A customer that may ask everything about everybody; one for each thread."""
    credentials = read_credentials(network.gateway.parent / "credentials" / CUSTOMER)
    return connect(f"{url}/ChildBenefitsService/v1/consult?wsdl", credentials)


def ask(by: ChildBenefitsClient, ssin: str) -> dict[str, str]:
    """What each source gave for a person, as text: its status and files, nothing else."""
    by.consult(ssin, *MONTHS)
    reply = by.last_reply
    if reply is None:
        raise SystemExit("no reply")
    return {
        str(one.get("authenticSource")): etree.tostring(one, method="c14n", exclusive=True).decode()
        for one in reply.iter("resultByAuthenticSource")
    }


def write(path: Path, text: str) -> None:
    """Keep a result beside the others, and show it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(text)
