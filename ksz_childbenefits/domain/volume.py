"""How much one reply holds at most, for whoever has to make it (docs/decisions/0016).

The contract's limits of 100, one inside the other, allow four million payments for each source.
Each is some eight elements, so a bound on all together is needed; what is over it counts as a
source that could not be consulted, as it does when an operator's reply is too large.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    SourceResult,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.files import File

REPLY_ENTRIES = 5000
"""What a reply holds at most: of a whole life among thirty files it is a few hundred."""

HELD_ENTRIES = 2 * REPLY_ENTRIES
"""What a cadastre reads of one person's files at most, of all months: more is an error in them."""


def entries(files: Iterable[File]) -> int:
    """The files, the persons in them, and the bonuses and periods of these."""
    count = 0
    for file in files:
        members = (*file.children, *file.beneficiaries)
        count += 1 + len(members)
        for member in members:
            count += len(member.bonuses) + len(member.periods)
    return count


def within(results: Iterable[SourceResult], most: int) -> tuple[SourceResult, ...]:
    """The results in their order, where each that has no room any more is a technical error.

    So which ones are left out depends on nothing but the question and the data.
    """
    kept, room = [], most
    for result in results:
        size = entries(result.files)
        if size > room:
            kept.append(_left_out(result))
        else:
            kept.append(result)
            room -= size
    return tuple(kept)


def _left_out(result: SourceResult) -> SourceResult:
    source = Information("authenticSource", result.source)
    status = Status(StatusValue.TECHNICAL_ERROR, Code.COMMUNICATION_ERROR, (source,))
    return replace(result, status=status, files=())
