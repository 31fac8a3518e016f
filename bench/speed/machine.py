"""The machine that is measured on, and the unit of measure: one RSA-2048 signature by OpenSSL.

Figures of one machine say little about another. So cost is told in signatures, and throughput as a
share of the signatures that one core makes in a second, measured beside it in the same minute.
"""

from __future__ import annotations

import os
import platform
import ssl
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SIGNATURES = 250
_BLOCKS = 5
_FSYNCS = 300
_PAGE = bytes(4096)

_key = rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True, slots=True)
class Unit:
    """One signature: the seconds of CPU that it takes."""

    seconds: float

    @property
    def per_second(self) -> float:
        """How many one core makes in a second."""
        return 1 / self.seconds

    @classmethod
    def mean(cls, units: Iterable[Unit]) -> Unit:
        """Of several measures, as of before and after a round."""
        return cls(statistics.mean(unit.seconds for unit in units))


def measure_unit(cores: Iterable[int] | None = None) -> Unit:
    """Sign some 1,250 times on these cores; the median of blocks, in CPU time of this thread.

    CPU time, so that others who use the core meanwhile do not count.
    """
    with on_cores(cores):
        return Unit(statistics.median(_block() for _ in range(_BLOCKS)))


def _block() -> float:
    begun = time.thread_time()
    for _ in range(_SIGNATURES):
        _key.sign(b"what is signed", padding.PKCS1v15(), hashes.SHA256())
    return (time.thread_time() - begun) / _SIGNATURES


@contextmanager
def on_cores(cores: Iterable[int] | None) -> Iterator[None]:
    """Run this thread on these cores alone; None: where it may."""
    before = os.sched_getaffinity(0)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def fsync_rate(folder: Path) -> float:
    """How many times a second one process can append a page to a file and have it on the disk."""
    path = folder / "fsync"
    with path.open("wb", buffering=0) as stream:
        begun = time.perf_counter()
        for _ in range(_FSYNCS):
            stream.write(_PAGE)
            os.fdatasync(stream.fileno())
        seconds = time.perf_counter() - begun
    path.unlink()
    return _FSYNCS / seconds


def cores() -> list[int]:
    """The cores that we may use."""
    return sorted(os.sched_getaffinity(0))


def describe(folder: Path) -> dict[str, str]:
    """What a reader wants to know of the machine; the disk is that of ``folder``."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((line.split(": ")[1] for line in info.splitlines() if "model name" in line), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{model}, {len(cores())} cores, {memory:.0f} GB",
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "OpenSSL": f"{backend.openssl_version_text()} (signatures), {ssl.OPENSSL_VERSION} (Python)",
        "signatures": f"{measure_unit().per_second:,.0f} RSA-2048 signatures a second on one core",
        "disk": f"{fsync_rate(folder):,.0f} fsyncs a second, one after the other",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
