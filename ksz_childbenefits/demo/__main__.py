"""``make demo`` and ``make conformance``: a service on embedded defaults, used, and stopped."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ksz_childbenefits.demo.init import create_demo

CHILD = "12031590217"
"""The child of Brussels that moved to Namur on 2019-06-01 (docs/demo-world.md)."""

_COMMAND = (sys.executable, "-m", "ksz_childbenefits.cli")


def main() -> int:
    """Create a demo, start the service, consult it (or run the conformance kit), stop."""
    conformance = sys.argv[1:] == ["conformance"]
    with tempfile.TemporaryDirectory(prefix="ksz-demo-") as name:
        folder = Path(name) / "demo"
        print("Creating keys, certificates and a database of invented persons ...", flush=True)
        config = create_demo(folder)
        with running_service(config) as url:
            print(f"The service listens at {url}", flush=True)
            if conformance:
                arguments = ("--url", url, "--credentials", str(folder / "credentials"))
                return _run("conformance", "run", *arguments)
            codes = [_consult(customer, config, url) for customer in ("fedris", "ocmw-gent")]
    return max(codes)


def _consult(customer: str, config: Path, url: str) -> int:
    print(f"\n=== {customer} asks for {CHILD} over 2017-01 to 2024-12 ===", flush=True)
    months = ("--from", "2017-01", "--to", "2024-12")
    return _run("consult", CHILD, *months, "--as", customer, "--config", str(config), "--url", url)


def _run(*arguments: str) -> int:
    return subprocess.run([*_COMMAND, *arguments], check=False).returncode  # noqa: S603 - our own command


@contextmanager
def running_service(config: Path, *options: str) -> Iterator[str]:
    """A service of its own process on a free port; gives its address, stops it at the end."""
    command = [*_COMMAND, "serve", "--config", str(config), "--port", "0", *options]
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
