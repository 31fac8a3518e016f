"""One chain held against the rules, item by item: what was changed, removed or put elsewhere.

An item is judged by itself (text, hash, columns, signature) and by what the next one says of it. So
of a change the changed item is named; where somebody has made the chain fit again behind it, the
next mark, whose signature cannot be made to fit, and with it all items since the mark before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ksz_childbenefits.audit.chain import NOTHING, Head
from ksz_childbenefits.audit.findings import Fault, Finding
from ksz_childbenefits.audit.marks import ENDS, Believed, Mark
from ksz_childbenefits.audit.raw import Row, members_of
from ksz_childbenefits.audit.record import milliseconds

_COLUMNS: Final = (
    ("ticket", "ticket"),
    ("caller", "caller"),
    ("customer_ticket", "customerTicket"),
)
"""Columns, and the members of the text that they repeat as they are."""


_GAP: Final = 30 * 1000
"""Milliseconds that a pause between two unsealed items counts at the most.

In it the database may have been away: then there was nobody to seal, nor anything to be written.
"""

_WRONG: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a text leads to whose members are not what they must be."""


@dataclass(slots=True)
class ChainCheck:
    """Takes the items of one chain in the order of their numbers.

    ``number``, ``ticket``, ``at`` and ``hashes`` are of the item before: its hash as its text gives
    it and as the column has it, which differ where one was changed; ``suspect``: it was found
    fault with. ``begun``: up to where the chain is deleted, ``cut_hash``: the hash of the item
    there, ``left``: the first of those that are there all the same. ``records``: the newest record.
    ``sealed`` and ``sealed_at``: the newest mark, ``ended``: whether it ends the chain. ``told``:
    what the item tells of other chains; ``former``: where the same writer's chain before had ended,
    if it was taken from it. ``latest``: the latest moment of an item since the newest mark, None
    before the first; ``busy``: for how long, in milliseconds, items have come without a mark.
    """

    writer: str
    believed: Believed
    number: int = 0
    hashes: tuple[bytes, ...] = (NOTHING,)
    ticket: str | None = None
    at: int = 0
    suspect: bool = False
    records: int = 0
    sealed: int = 0
    sealed_at: int = 0
    begun: int = 0
    cut_hash: bytes = NOTHING
    left: int = 0
    ended: bool = False
    told: tuple[Head, ...] = ()
    former: Head | None = None
    latest: int | None = None
    busy: int = 0

    def begin_after(self, head: Head) -> None:
        """The beginning of the chain, up to ``head``, is deleted."""
        self.number = self.sealed = self.begun = head.number
        self.hashes = (head.hash,)
        self.cut_hash = head.hash

    def take(self, row: Row, persons: Set[str]) -> Iterator[Finding]:
        """Judge the next item, and the one before by what this one says of it.

        ``persons``: those that stand beside it in a table of their own.
        """
        if row.number != self.number + 1:
            yield from self._leap(row.number)
        digest = hashlib.sha256(row.text.encode()).digest()
        members = members_of(row.text)
        findings = self._judged(row, digest, members, persons)
        # What does not stand where it was written, or as it was, says nothing of the one before.
        silent = digest != row.hash or self.suspect
        silent = silent or any(finding.fault is Fault.MOVED for finding in findings)
        if not silent and not self._follows(members):
            yield self._unfit()
        yield from findings
        if self.ended:
            yield self._of(row, Fault.UNEXPECTED, "the chain had ended")
        self._step(row, digest, members, bool(findings))

    def stranded(self) -> Iterator[Finding]:
        """What stands below the cut and does not lead up to it."""
        if self.number < self.begun:
            reason = "it was deleted, or never there"
            yield self._finding(Fault.UNEXPECTED, self.left, self.number, reason)

    def _leap(self, number: int) -> Iterator[Finding]:
        """Go on at ``number``, which is not the next.

        Below the cut that is what a deletion that was broken off has left: of the item before it
        nothing is known, all else holds as it does above, up to the item that the cut names.
        """
        yield from self.stranded()
        if number <= self.begun:
            self.left, self.number, self.sealed = number, number - 1, number - 1
            self.hashes, self.suspect = (), False
            return
        if self.number < self.begun:
            self.number = self.sealed = self.begun
            self.hashes, self.suspect = (self.cut_hash,), False
        if number > self.number + 1:
            yield self._finding(Fault.MISSING, self.number + 1, number - 1, "a gap")
            self.hashes = ()

    def _judged(
        self, row: Row, digest: bytes, members: dict[str, Any], persons: Set[str]
    ) -> list[Finding]:
        try:
            return list(self._by_itself(row, digest, members, persons))
        except _WRONG:
            return [self._of(row, Fault.CHANGED, "its text is not that of an item")]

    def _by_itself(
        self, row: Row, digest: bytes, members: dict[str, Any], persons: Set[str]
    ) -> Iterator[Finding]:
        if digest != row.hash:
            yield self._of(row, Fault.CHANGED, "its text does not have its hash")
            return
        if not members:
            yield self._of(row, Fault.CHANGED, "its text is not that of an item")
            return
        if (members.get("writer"), members.get("number")) != (row.writer, row.number):
            yield self._of(row, Fault.MOVED, "its text says that it belongs elsewhere")
            return
        differs = [name for name, same in _columns(row, members, persons) if not same]
        if differs:
            yield self._of(row, Fault.CHANGED, f"{', '.join(differs)} beside its text")
        if row.number == self.begun and digest != self.cut_hash:
            yield self._of(row, Fault.CHANGED, "it is not what the mark of its deletion names")
        if row.number == 1 and members.get("mark") != Mark.START:
            yield self._of(row, Fault.UNEXPECTED, "a chain begins with a mark")
        if "mark" in members or row.signature is not None:
            signature = row.signature or b""
            if not self.believed.signed(row.text, signature, members.get("signer")):
                yield self._unbelieved(row)

    def _follows(self, members: dict[str, Any]) -> bool:
        if not self.hashes:
            return True  # What was before is not there.
        return members.get("previous") in [one.hex() for one in self.hashes]

    def _step(self, row: Row, digest: bytes, members: dict[str, Any], suspect: bool) -> None:
        self.number, self.hashes = row.number, (digest, row.hash)
        self.ticket, self.at, self.suspect = row.ticket, row.at, suspect
        self.told = ()
        if "mark" not in members:
            self.records = row.number
            self._unsealed(row.at)
        elif not suspect:
            self.sealed, self.sealed_at = row.number, row.at
            self.latest, self.busy = None, 0
            self.ended = members["mark"] in ENDS
            self.told = tuple(map(_head, members["others"]))
            self.former = _head(members["former"]) if "former" in members else self.former

    def _unsealed(self, at: int) -> None:
        """Records of a group are not quite in the order of their replies."""
        if self.latest is None:
            self.latest = at
        elif at > self.latest:
            self.busy += min(at - self.latest, _GAP)
            self.latest = at

    def _unfit(self) -> Finding:
        """The item before is not the one that this one was written after."""
        return self._finding(Fault.CHANGED, self.number, self.number, "the next one does not fit")

    def _unbelieved(self, row: Row) -> Finding:
        first = min(self.sealed + 1, row.number)
        return self._finding(Fault.UNBELIEVED, first, row.number, "no signature vouches for these")

    def _of(self, row: Row, fault: Fault, reason: str) -> Finding:
        return Finding(fault, row.writer, row.number, row.number, reason, row.ticket)

    def _finding(self, fault: Fault, first: int, last: int, reason: str) -> Finding:
        ticket = self.ticket if last == self.number else None
        return Finding(fault, self.writer, first, last, reason, ticket)


def _head(told: tuple[str, int, str]) -> Head:
    return Head(told[0], told[1], bytes.fromhex(told[2]))


def _columns(row: Row, members: dict[str, Any], beside: Set[str]) -> Iterator[tuple[str, bool]]:
    for column, member in _COLUMNS:
        yield column, getattr(row, column) == members.get(member)
    persons = members.get("persons", [])
    if not isinstance(persons, list):
        raise TypeError
    yield "ssin", row.ssin == (persons[0] if len(persons) == 1 else None)
    yield "persons", beside == ({*persons} if len(persons) > 1 else set())
    written = members.get("at") or members.get("replied") or ""
    yield "at", _moment(written) == row.at


def _moment(text: str) -> int | None:
    try:
        return milliseconds(datetime.fromisoformat(text))
    except ValueError:
        return None
