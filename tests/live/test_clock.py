"""The service's clock jumps: no message is taken twice, and the audit trail can be verified."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.inscriptions.conftest import own_demo
from tests.live.exchanges import (
    DATA,
    REPLAYED,
    STALE,
    Crowd,
    Customer,
    Exchange,
    exchange,
    recorded_as_told,
)
from tests.live.services import serving, until

__all__ = ["own_demo"]

pytestmark = pytest.mark.live

SERVE = ("serve", "--port", "0", "--workers", "2")
HOUR = 3600


class MovedClock:
    """The real time of a service, seconds ahead of that of everybody."""

    def __init__(self, folder: Path) -> None:
        self.seconds = 0
        self._file, library = folder / "moved", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        source = Path(__file__).with_name("clock.c")
        command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        self.environment = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(self._file)}

    def jump(self, seconds: int) -> None:
        """Be so far ahead from now on."""
        with self._file.open("r+b") as stream:
            stream.write(struct.pack("q", seconds))
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    if shutil.which("cc") is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler to make a clock that can be moved")
    return MovedClock(tmp_path)


def test_a_clock_that_jumps_forward_and_back(own_demo: Path, clock: MovedClock) -> None:
    """By more than a replay key is kept, while a customer's clock jumps too, with workers new."""
    credentials = own_demo.parent / "credentials"
    right, moved = Customer(credentials / "fedris"), Customer(credentials / "sfpd", clock.now)
    told: list[Exchange] = []
    with serving(own_demo, *SERVE, **clock.environment) as service:

        def say(customer: Customer, message: bytes | None = None) -> str | None:
            told.append(exchange(customer.name, service.url, message or customer.message()))
            return told[-1].said

        with Crowd(service.url, [right] * 4) as crowd:
            crowd.more()
        told += crowd.got
        assert say(right) == DATA
        first = told[-1]
        clock.jump(3 * HOUR)
        assert say(right, first.request) == say(right) == STALE
        # A writer that has not said for so long that it lives is taken for dead, and its chain
        # sealed; it lives, and begins another.
        with Crowd(service.url, [moved] * 4) as crowd:
            until(lambda: "audit chain sealed" in service.log(), service.log)
            crowd.more()
        told += crowd.got
        # Workers that begin now remove at once what they think has expired long ago.
        service.reload()
        with Crowd(service.url, [moved] * 4) as crowd:
            crowd.more()
        told += crowd.got
        assert say(moved) == DATA
        second = told[-1]
        clock.jump(0)
        assert say(right, first.request) == REPLAYED
        assert say(moved, second.request) == STALE
        assert say(right) == DATA
        clock.jump(3 * HOUR)
        assert say(moved, second.request) == REPLAYED
        assert say(moved) == DATA
        clock.jump(0)
        assert say(right) == DATA
    assert {*crowd.counts()} == {DATA}
    recorded_as_told(own_demo, service.log_file, told)
