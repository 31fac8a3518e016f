"""The lines that an import refuses, in a file beside its own: ``FILE.<content>.rejected.csv``.

Of its own for each content: what an earlier file under the same name had refused may still be
uncorrected.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.rules import Rule

COLUMNS = ("line", "error", "reason", "text")
"""The columns of the file: line number from 1, name of the rule, why, the line as it was."""


_DIGITS = 12
"""How much of the SHA-256 of a file's content is in the name of its rejected lines."""


class Rejection(NamedTuple):
    """One line, by its number in the file (the first is 1), and why it is refused."""

    line: int
    rule: Rule
    reason: str
    text: bytes


def rejections_path(path: Path, digest: str) -> Path:
    """Where the rejected lines of the file at ``path`` go; ``digest``: its SHA-256 in hex."""
    return path.with_name(f"{path.name}.{digest[:_DIGITS]}.rejected.csv")


def refuse_foreign(path: Path) -> None:
    """DataError if there are rejected lines at ``path`` before the import has begun.

    They are of an import of the same content into another database, or as another operator's.
    """
    if path.exists():
        raise DataError(f"{path} holds what another import of the same file rejected: move it away")


def write_rejections(path: Path, size: int, rows: Iterable[Rejection]) -> int:
    """Append to the file at ``path``, first cut back to its ``size`` bytes; gives its new size.

    What a run that was killed wrote beyond ``size`` was of a batch that never was committed. The
    rows are on the disk when this returns. DataError if the file is shorter than ``size``, or if it
    cannot be written.
    """
    rows = sorted(rows)
    found = path.stat().st_size if path.exists() else 0
    if found < size:
        raise DataError(f"{path} lacks lines that were rejected before: put it back")
    if found == size and not rows:
        return size
    if not rows and not size:
        path.unlink()
        return 0
    data = b"" if size else _encoded([COLUMNS])
    data += _encoded((row.line, row.rule, row.reason, _shown(row.text)) for row in rows)
    try:
        # For its owner only: the lines hold personal data.
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.truncate(size)
            file.seek(size)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
    return size + len(data)


def _shown(text: bytes) -> str:
    return text.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def _encoded(rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()
