"""The import of a file: batch by batch, each in one transaction with how far it is.

Killed at any moment it goes on, when started again, after the last batch that was committed. Which
lines are taken does not depend on where the batches end. The next batch is read and judged in a
thread while the database takes the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from ksz_childbenefits.bulk import progress
from ksz_childbenefits.bulk.lines import Survey, opened, survey
from ksz_childbenefits.bulk.progress import Progress
from ksz_childbenefits.bulk.rejections import Rejection, rejections_path, write_rejections
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import storing, without_deadline
from ksz_childbenefits.registers.rules import Rule

BATCH_BYTES = 1024 * 1024
"""About how many bytes of the file one batch takes."""

Judged = TypeVar("Judged")

Watch = Callable[[int, int], None]
"""Told the bytes done and all bytes."""


class Intake(Protocol[Judged]):
    """What is particular to a kind of file."""

    kind: str
    """What the import is called in the database: with the file it is the import's identity."""
    header: bytes | None
    """The first line that the file must have."""

    def judge(self, lines: Sequence[bytes], first: int) -> tuple[Judged, list[Rejection]]:
        """Check all that can be checked without the database; ``first``: the first one's number."""

    def store(self, connection: Connection, judged: Judged) -> tuple[int, list[Rejection]]:
        """Check the rest and store; how many lines were taken, and which were not."""


@dataclass(frozen=True, slots=True)
class _Batch[Judged]:
    """Lines that were read and judged; ``end``: where the next begins."""

    judged: Judged
    rejected: list[Rejection]
    end: int
    lines: int
