"""What comes back of a request, or that nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; the names of ``headers`` are in lower case.

    ``rest``: what came after it on its connection, where that was looked at.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    rest: bytes = b""


class NoAnswer(Exception):
    """The connection failed, or was closed without an answer, ``seconds`` after it was opened."""

    def __init__(self, text: str, seconds: float | None = None) -> None:
        """``seconds`` None: not known."""
        super().__init__(text)
        self.seconds = seconds
