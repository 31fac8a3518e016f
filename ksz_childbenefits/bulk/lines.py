"""A file of lines, packed with gzip or not: surveyed as a whole before its first line is used."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from ksz_childbenefits.errors import DataError

LONGEST_LINE = 4 * 1024 * 1024
"""The longest line in bytes: what bounds the memory of an import."""

_BLOCK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file is: SHA-256 (hex) as it lies on the disk, and its size in bytes, unpacked."""

    path: Path
    digest: str
    size: int
    packed: bool


def survey(path: Path) -> Survey:
    """Read the whole file once; DataError if it is missing, damaged, cut off or no lines.

    So that a damaged file is refused before a line of it is imported.
    """
    digest, unpacked, longest = hashlib.sha256(), 0, _Longest()
    with _readable(path), path.open("rb") as raw:
        packed = raw.peek(2)[:2] == _GZIP
        while block := raw.read(_BLOCK):
            digest.update(block)
        raw.seek(0)
        with _unpacked(raw, packed) as stream:
            while block := stream.read(_BLOCK):
                unpacked += len(block)
                longest.add(block)
    if longest.exceeded:
        raise DataError(f"{path} has a line of more than {LONGEST_LINE} bytes")
    return Survey(path, digest.hexdigest(), unpacked, packed)


class _Longest:
    """Whether a line is longer than allowed, seen block by block (a block is shorter than that)."""

    def __init__(self) -> None:
        self.exceeded = False
        self._open = 0

    def add(self, block: bytes) -> None:
        first = block.find(b"\n")
        self.exceeded |= self._open + (len(block) if first < 0 else first) > LONGEST_LINE
        self._open = self._open + len(block) if first < 0 else len(block) - block.rfind(b"\n") - 1


@contextmanager
def opened(surveyed: Survey, position: int = 0) -> Iterator[BufferedIOBase]:
    """The file's bytes, unpacked, from ``position`` on; DataError if it cannot be read."""
    with (
        _readable(surveyed.path),
        surveyed.path.open("rb") as raw,
        _unpacked(raw, surveyed.packed) as stream,
    ):
        # Packed files are read up to there again: gzip cannot jump.
        stream.seek(position)
        yield stream


@contextmanager
def _unpacked(raw: BufferedIOBase, packed: bool) -> Iterator[BufferedIOBase]:
    if not packed:
        yield raw
        return
    with gzip.GzipFile(fileobj=raw) as stream:
        yield stream


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(f"{path} is damaged or cut off: {error}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
