"""How many requests a customer may make: one beyond that gets MSG00001, HTTP 503, Retry-After.

Each caller has a bucket of tokens, ``burst`` when it is full, refilled at ``per_second``; a request
takes one. All workers of a machine take from the same bucket, several machines have one each
(docs/decisions/0015): a bucket in the database would cost a round trip for each request.

A bucket is one number, the instant at which it will be full again, in a file that the workers map.
Nothing has to be undone when one of them is killed: the lock on a file goes with its holder.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import mmap
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ksz_childbenefits.errors import Unavailable

_SECOND: Final = 1_000_000_000
"""In nanoseconds of the machine's monotonic clock, which all its processes share."""

_WAYS: Final = 8
_SETS: Final = 1024
_SET: Final = struct.Struct(f"<{2 * _WAYS}q")
"""The buckets of callers with the same hash: their keys, then their instants."""

_FILE: Final = "KSZ_RATES_FILE"
"""The environment variable by which workers learn where the buckets are."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one caller may do: ``per_second`` for ever, ``burst`` at once."""

    per_second: float
    burst: int


class Buckets:
    """When each caller's bucket is full again, for up to some thousands of callers."""

    def __init__(self, file: IO[bytes] | None) -> None:
        """In ``file``, shared by all that open it; None: for this process alone."""
        self._file = file
        self._memory = mmap.mmap(-1 if file is None else file.fileno(), _SETS * _SET.size)
        self._mine = threading.Lock()

    def full_at(self, caller: str) -> int:
        """The instant, or one that has passed for a caller of whom nothing is known."""
        key, offset = _place(caller)
        words = _SET.unpack_from(self._memory, offset)
        return max(
            (
                full
                for known, full in zip(words[:_WAYS], words[_WAYS:], strict=True)
                if known == key
            ),
            default=0,
        )

    def take(self, caller: str, nanoseconds: int) -> None:
        """Take from the caller's bucket what needs so long to come back."""
        key, offset = _place(caller)
        with self._mine, self._alone():
            words = list(_SET.unpack_from(self._memory, offset))
            keys, fulls = words[:_WAYS], words[_WAYS:]
            # A caller that is new takes the place of who was away longest: a full bucket, or none.
            way = keys.index(key) if key in keys else fulls.index(min(fulls))
            since = fulls[way] if keys[way] == key else 0
            words[way], words[_WAYS + way] = key, max(since, time.monotonic_ns()) + nanoseconds
            _SET.pack_into(self._memory, offset, *words)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process writes."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def _place(caller: str) -> tuple[int, int]:
    """The key of a caller, which is never 0, and the offset of the set that it is in."""
    digest = hashlib.blake2b(caller.encode(), digest_size=10).digest()
    key = int.from_bytes(digest[:8], "little", signed=True) | 1
    return key, int.from_bytes(digest[8:], "little") % _SETS * _SET.size


class Rates:
    """The rates of a service's callers, kept."""

    def __init__(
        self, service: str, usual: Rate, others: Mapping[str, Rate], buckets: Buckets
    ) -> None:
        """``others``: callers, by name, that have another than the usual rate.

        At each ``service`` a caller has a bucket of its own.
        """
        self._service = service
        self._usual = usual
        self._others = dict(others)
        self._buckets = buckets

    def refuse_beyond(self, caller: str) -> None:
        """Raise Unavailable, with the seconds until there is one, if the caller has no token left.

        Only a look: what is refused can be sent again as it is, and takes no token.
        """
        rate = self._of(caller)
        wait = self._buckets.full_at(f"{self._service} {caller}") - time.monotonic_ns()
        missing = wait / _SECOND - (rate.burst - 1) / rate.per_second
        if missing > 0:
            raise Unavailable("more requests than the caller's rate", math.ceil(missing))

    def count(self, caller: str) -> None:
        """Take a token for a request that is served.

        Requests that were let in together all take theirs, so a bucket can be short of some.
        """
        nanoseconds = round(_SECOND / self._of(caller).per_second)
        self._buckets.take(f"{self._service} {caller}", nanoseconds)

    def _of(self, caller: str) -> Rate:
        return self._others.get(caller, self._usual)


class Unlimited:
    """No rates: for an operator's cadastre, which only KSZ asks, with bounds of its own."""

    def refuse_beyond(self, caller: str) -> None:
        """Never refuse."""

    def count(self, caller: str) -> None:
        """Count nothing."""


@contextmanager
def shared_between_workers() -> Iterator[None]:
    """A file in which the workers started meanwhile keep their callers' buckets together."""
    with tempfile.NamedTemporaryFile(prefix="ksz-rates-") as file:
        file.truncate(_SETS * _SET.size)
        os.environ[_FILE] = file.name
        try:
            yield
        finally:
            del os.environ[_FILE]


def buckets() -> Buckets:
    """Those of this machine's workers, or of this process alone where no file is shared."""
    name = os.environ.get(_FILE)
    return Buckets(None if name is None else Path(name).open("r+b"))
