"""What can be wrong with a trail, as ``audit verify`` says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Kinds of findings."""

    CHANGED = "changed"
    MISSING = "missing"
    MOVED = "moved"
    UNBELIEVED = "not signed by a key that is believed"
    UNEXPECTED = "not expected there"
    UNSEALED = "not sealed though it must have been"
    OPEN = "not sealed yet"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the items ``first`` to ``last`` of a chain, and why that is said.

    ``ticket``: ticketCBSS of the last of them, where there is one and it is a record.
    """

    fault: Fault
    writer: str
    first: int
    last: int
    reason: str
    ticket: str | None = None

    @property
    def grave(self) -> bool:
        """Whether something is wrong; else it is only too early to tell."""
        return self.fault is not Fault.OPEN
