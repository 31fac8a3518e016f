"""What a reviewed file of deliberations changes in the register: nothing that it does not say.

A deliberation's rows add up (DOMAIN 7: union of sources, the least withheld), so a corrected row
beside the wrong one would correct nothing. Hence the file gives all rows that a deliberation has
from then on, or revokes what it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.registers.checks import named, require


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That what a customer had by the deliberation of this number is revoked, and why."""

    number: str
    customer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """A reviewed file: its SHA-256 (hex), who answers for it, and what it says, by its place."""

    digest: str
    prepared_by: str
    reviewed_by: str
    deliberations: Mapping[str, Deliberation]
    withdrawals: Mapping[str, Withdrawal]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row of the register, and its number there."""

    id: int
    deliberation: Deliberation

    @property
    def live(self) -> bool:
        """Whether it is not revoked."""
        return self.deliberation.revoked is None

    def says(self, given: Deliberation) -> bool:
        """Whether this row says the same, revoked or not."""
        return replace(self.deliberation, revoked=None) == given


@dataclass(frozen=True, slots=True)
class Changes:
    """What is added, what was there already, and what is revoked with which reason."""

    added: tuple[Deliberation, ...]
    unchanged: tuple[Deliberation, ...]
    revoked: tuple[tuple[HeldRow, str], ...]


def changes(amendment: Amendment, held: Sequence[HeldRow]) -> Changes:
    """What the file changes where the register holds this; nothing where it was imported before.

    BrokenRule names the place in the file that cannot be done.
    """
    added, unchanged = _given(amendment, held)
    revoked: dict[int, tuple[HeldRow, str]] = {}
    for place, withdrawal in amendment.withdrawals.items():
        with named(place):
            rows = _withdrawn(withdrawal, held, unchanged)
            revoked.update({row.id: (row, withdrawal.reason) for row in rows})
    for place, given in amendment.deliberations.items():
        others = [
            row
            for row in _of(given.number, given.customer, held)
            if row.live and row.id not in revoked and row.deliberation not in unchanged
        ]
        require(
            not others,
            f"{place}: {given.number!r} of {given.customer} is registered otherwise as well; give"
            " that row here too, or revoke it with a [[revocation]]",
        )
    return Changes(tuple(added), tuple(unchanged), tuple(revoked.values()))


def _given(
    amendment: Amendment, held: Sequence[HeldRow]
) -> tuple[list[Deliberation], list[Deliberation]]:
    """The rows of the file that are new, and those that are in the register."""
    added: list[Deliberation] = []
    unchanged: list[Deliberation] = []
    for place, given in amendment.deliberations.items():
        with named(place):
            require(given not in (*added, *unchanged), "stands in the file twice")
            same = [row for row in held if row.says(given)]
            require(
                all(row.live for row in same),
                "was revoked, and what is revoked never applies again",
            )
        (unchanged if same else added).append(given)
    return added, unchanged


def _withdrawn(
    withdrawal: Withdrawal, held: Sequence[HeldRow], kept: Sequence[Deliberation]
) -> list[HeldRow]:
    """The rows to revoke: not those that the file gives; none where that was done before."""
    rows = _of(withdrawal.number, withdrawal.customer, held)
    gone = [row for row in rows if row.live and row.deliberation not in kept]
    done = any(not row.live for row in rows)
    what = f"{withdrawal.number!r} of {withdrawal.customer}"
    require(bool(rows), f"there is no deliberation {what}")
    require(bool(gone) or done, f"{what} is as this file gives it")
    return gone


def _of(number: str, customer: str, held: Sequence[HeldRow]) -> list[HeldRow]:
    return [
        row
        for row in held
        if (row.deliberation.number, row.deliberation.customer) == (number, customer)
    ]
