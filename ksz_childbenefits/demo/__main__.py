"""``make demo``, ``conformance``, ``attack``, ``network``: services started, used, and stopped."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ksz_childbenefits.demo.cluster import running_cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.demo.network import create_network

CHILD = "12031590217"
"""The child of Brussels that moved to Namur on 2019-06-01 (docs/demo-world.md)."""

_COMMAND = (sys.executable, "-m", "ksz_childbenefits.cli")


def main() -> int:
    """Do what the Makefile's target of that name says; the highest exit code of what was run."""
    targets = {"conformance": _conformance, "attack": _attack, "network": _network}
    target = targets.get("".join(sys.argv[1:]), _demo)
    with tempfile.TemporaryDirectory(prefix="ksz-demo-") as name:
        return target(Path(name) / "demo")


def _demo(folder: Path) -> int:
    """The service on embedded defaults, consulted by two customers."""
    with _embedded(folder) as (config, url):
        return _consult_twice(config, url)


def _conformance(folder: Path) -> int:
    """The same service, and every sample sent to it."""
    with _embedded(folder) as (config, url):
        return _conform(config, url)


def _attack(folder: Path) -> int:
    """The same service, and every hostile case sent to it."""
    with _embedded(folder) as (config, url):
        return _conform(config, url, "attack")


def _network(folder: Path) -> int:
    """Gateway, four operators and PostgreSQL, each in processes of its own."""
    print("Starting PostgreSQL, creating keys and five databases ...", flush=True)
    with ExitStack() as running:
        cluster = running.enter_context(running_cluster())
        network = create_network(folder, cluster.create)
        for operator, config in network.operators.items():
            serve = ("cadastre", "serve", "--operator", operator, "--config", str(config))
            address = running.enter_context(running_process(*serve))
            print(f"{operator:9} serves its cadastre at {address}", flush=True)
        url = running.enter_context(running_service(network.gateway))
        print(f"The gateway listens at {url}", flush=True)
        return max(_consult_twice(network.gateway, url), _conform(network.gateway, url))


@contextmanager
def _embedded(folder: Path) -> Iterator[tuple[Path, str]]:
    print("Creating keys, certificates and a database of invented persons ...", flush=True)
    config = create_demo(folder)
    with running_service(config) as url:
        print(f"The service listens at {url}", flush=True)
        yield config, url


def _consult_twice(config: Path, url: str) -> int:
    return max(_consult(customer, config, url) for customer in ("fedris", "ocmw-gent"))


def _conform(config: Path, url: str, command: str = "run") -> int:
    credentials = str(config.parent / "credentials")
    return _run("conformance", command, "--url", url, "--credentials", credentials)


def _consult(customer: str, config: Path, url: str) -> int:
    print(f"\n=== {customer} asks for {CHILD} over 2017-01 to 2024-12 ===", flush=True)
    months = ("--from", "2017-01", "--to", "2024-12")
    return _run("consult", CHILD, *months, "--as", customer, "--config", str(config), "--url", url)


def _run(*arguments: str) -> int:
    return subprocess.run([*_COMMAND, *arguments], check=False).returncode  # noqa: S603 - our own command


@contextmanager
def running_service(config: Path, *options: str) -> Iterator[str]:
    """The service in processes of its own, on a free port; gives its address, stops it at last."""
    with running_process("serve", "--config", str(config), "--port", "0", *options) as address:
        yield address


@contextmanager
def running_process(*arguments: str) -> Iterator[str]:
    """A command of ours that listens; gives the address that it prints, stops it at the end."""
    command = [*_COMMAND, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(process: subprocess.Popen[str]) -> str:
    """The address in the line that the service prints once it is ready."""
    for line in process.stdout or ():
        if found := re.search(r"https?://\S+", line):
            return found.group()
    raise SystemExit(f"the service ended before it was ready (exit code {process.wait()})")


if __name__ == "__main__":
    raise SystemExit(main())
