"""Searching texts for SSINs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ksz_childbenefits.domain.ssin import fits_pattern, is_valid

_ROOT = Path(__file__).parent.parent.parent
_SOURCES = ("tests/**/*.py", "samples/**/*", "ksz_childbenefits/demo/world/*.toml")

_RUN = re.compile(r"[0-9]{11,}")
_TOKEN = re.compile(r"(?<![0-9A-Za-z.])[0-9]{11}(?![0-9A-Za-z])")


@cache
def written() -> frozenset[str]:
    """Every number in tests, samples and the demo world that looks like an SSIN, valid or not."""
    texts = (
        file.read_bytes().decode("utf-8", "replace")
        for pattern in _SOURCES
        for file in _ROOT.glob(pattern)
        if file.is_file()
    )
    return frozenset(
        number for text in texts for number in _TOKEN.findall(text) if fits_pattern(number)
    )


def numbers_in(text: str) -> Iterator[str]:
    """The numbers in a text that are written somewhere, wherever they stand; and every valid SSIN.

    The latter, which may be made while tests run, where it stands alone: in a hash digits follow
    each other by chance.
    """
    for found in _RUN.finditer(text):
        run = found.group()
        windows = (run[start : start + 11] for start in range(len(run) - 10))
        yield from (window for window in windows if window in written())
    yield from (token for token in _TOKEN.findall(text) if is_valid(token))


def leaks(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The lines of these files that hold such a number, each with its file."""
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if next(numbers_in(line), None) is not None:
                    yield file, line.rstrip("\n")
