"""The import of a file: batch by batch, each in one transaction with how far it is.

Killed at any moment it goes on, when started again, after the last batch that was committed. Which
lines are taken does not depend on where the batches end. The next batch is read and judged in a
thread while the database takes the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, text

from ksz_childbenefits.bulk import progress
from ksz_childbenefits.bulk.lines import Survey, opened, survey
from ksz_childbenefits.bulk.progress import Progress
from ksz_childbenefits.bulk.rejections import (
    Rejection,
    refuse_foreign,
    rejections_path,
    write_rejections,
)
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import storing, without_deadline

BATCH_BYTES = 2 * 1024 * 1024
"""About how many bytes of the file one batch takes."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Judged = TypeVar("Judged")

Watch = Callable[[int, int], None]
"""Told how many bytes are done, of how many."""


class Intake(Protocol[Judged]):
    """What is particular to a kind of file."""

    @property
    def kind(self) -> str:
        """What the import is called in the database; with the file it is its identity."""

    @property
    def header(self) -> bytes | None:
        """The first line that the file must have, without its end; None: there is none."""

    def judge(self, lines: Sequence[bytes], first: int) -> tuple[Judged, list[Rejection]]:
        """Check what can be checked without the database; ``first``: the first line's number."""

    def store(self, connection: Connection, judged: Judged) -> tuple[int, list[Rejection]]:
        """Check the rest and store it; how many lines were taken, and those that were not."""


@dataclass(frozen=True, slots=True)
class _Batch(Generic[Judged]):
    """Lines that were read and judged, and how many bytes and lines they were."""

    judged: Judged
    rejected: list[Rejection]
    size: int
    lines: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many lines of a file were taken and rejected, and where these are, if there are any.

    ``repeated``: that came of an earlier import, and the file was not read again.
    """

    imported: int
    rejected: int
    rejections: Path
    repeated: bool


def _ignore(_done: int, _all: int) -> None:
    """Watch nothing."""


def run_import(
    engine: Engine,
    intake: Intake[Judged],
    path: Path,
    *,
    watch: Watch = _ignore,
    batch_bytes: int = BATCH_BYTES,
) -> Outcome:
    """Import the file, or what is left of it.

    A file that was imported before is not read again, whatever became of its rows since. DataError
    if the file cannot be used as a whole, Unavailable when the database does not answer.
    """
    surveyed = survey(path)
    run = _Run(engine, intake, surveyed, rejections_path(path, surveyed.digest))
    reached = run.begin(Progress(*_checked_header(surveyed, intake.header)))
    watch(reached.position, surveyed.size)
    repeated = reached.finished
    if not repeated:
        reached = _go_on(run, reached, watch, batch_bytes)
    return Outcome(reached.imported, reached.rejected, run.rejections, repeated)


def _go_on(run: _Run[Judged], reached: Progress, watch: Watch, batch_bytes: int) -> Progress:
    """Import what is left of the file after what was reached."""
    with (
        opened(run.file, reached.position) as stream,
        ThreadPoolExecutor(max_workers=1) as pool,
    ):
        coming = pool.submit(run.read, stream, reached.lines + 1, batch_bytes)
        while batch := coming.result():
            after = reached.lines + batch.lines + 1
            coming = pool.submit(run.read, stream, after, batch_bytes)
            reached = run.store(batch, reached)
            watch(reached.position, run.file.size)
    return run.finish(reached)


def _checked_header(surveyed: Survey, header: bytes | None) -> tuple[int, int]:
    """The bytes and lines that come before the first line of data."""
    with opened(surveyed) as stream:
        line = stream.readline()
    mark = len(_BYTE_ORDER_MARK) if line.startswith(_BYTE_ORDER_MARK) else 0
    if header is None:
        return mark, 0
    if line[mark:].rstrip(b"\r\n") != header:
        raise DataError(f"{surveyed.path} has not the header {header.decode()}")
    return len(line), 1


def _defer_flush(connection: Connection) -> None:
    """Let PostgreSQL flush this batch to the disk later: with ``finish`` at the latest.

    What a crash of the server takes back is read again, because it takes back how far we were too.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = off"))


@dataclass(frozen=True, slots=True)
class _Run(Generic[Judged]):
    """One import on one database; ``rejections``: the file of the rejected lines."""

    engine: Engine
    intake: Intake[Judged]
    file: Survey
    rejections: Path

    def begin(self, start: Progress) -> Progress:
        """How far the import is: at its start, if it is new."""
        with storing(self.engine) as connection:
            known = progress.find(connection, self.intake.kind, self.file.digest)
            if known is None:
                refuse_foreign(self.rejections)
                progress.begin(connection, self.intake.kind, self.file.digest, start)
        return known or start

    def read(self, stream: BufferedIOBase, first: int, size: int) -> _Batch[Judged] | None:
        """The next lines, judged, of about so many bytes; None at the end of the file."""
        lines = stream.readlines(size)
        if not lines:
            return None
        judged, rejected = self.intake.judge(lines, first)
        return _Batch(judged, rejected, sum(map(len, lines)), len(lines))

    def store(self, batch: _Batch[Judged], reached: Progress) -> Progress:
        """Store a batch with what was reached by it, all or nothing."""
        with storing(self.engine) as connection:
            without_deadline(connection)
            _defer_flush(connection)
            progress.claim(connection, self.intake.kind, self.file.digest, reached)
            taken, refused = self.intake.store(connection, batch.judged)
            rejected = [*batch.rejected, *refused]
            further = replace(
                reached,
                position=reached.position + batch.size,
                lines=reached.lines + batch.lines,
                imported=reached.imported + taken,
                rejected=reached.rejected + len(rejected),
                rejected_bytes=self._reject(reached, rejected),
            )
            progress.advance(connection, self.intake.kind, self.file.digest, further)
        return further

    def finish(self, reached: Progress) -> Progress:
        """Note that no line is left; DataError if the file was changed meanwhile."""
        if reached.position != self.file.size:
            raise DataError(f"{self.file.path} was changed while it was imported")
        with storing(self.engine) as connection:
            progress.claim(connection, self.intake.kind, self.file.digest, reached)
            self._reject(reached, [])
            finished = replace(reached, finished=True)
            progress.advance(connection, self.intake.kind, self.file.digest, finished)
        return finished

    def _reject(self, reached: Progress, rows: list[Rejection]) -> int:
        # On the disk before the commit: what is there beyond it is cut off by the next run.
        return write_rejections(self.rejections, reached.rejected_bytes, rows)
