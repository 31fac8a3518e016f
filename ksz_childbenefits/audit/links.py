"""How far each chain must be, by what marks of others and the log say that they have seen of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.findings import Fault, Finding


@dataclass(slots=True)
class Links:
    """For each chain the newest head that anybody has seen, and who."""

    seen: dict[str, tuple[Head, str]] = field(default_factory=dict)

    def add(self, head: Head, witness: str) -> None:
        """Take note of a head; ``witness`` says where it is told."""
        known = self.seen.get(head.writer)
        if known is None or known[0].number < head.number:
            self.seen[head.writer] = head, witness

    def wanting(self, reached: dict[str, int]) -> Iterator[Finding]:
        """What is missing of chains that have ``reached`` these numbers."""
        for writer, (head, witness) in sorted(self.seen.items()):
            number = reached.get(writer, 0)
            if number < head.number:
                reason = f"{witness} saw the chain up to {head.number}"
                yield Finding(Fault.MISSING, writer, number + 1, head.number, reason)


def heads_in_log(lines: Iterable[str]) -> Iterator[Head]:
    """The heads that the service's log tells of (``audit mark``); other lines are passed over."""
    for line in lines:
        if '"audit mark"' not in line:
            continue
        try:
            told = json.loads(line)
            yield Head(told["writer"], told["number"], bytes.fromhex(told["hash"]))
        except (ValueError, KeyError, TypeError):
            continue
