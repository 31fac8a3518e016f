"""What the registers say of customers, remembered until any of it changes.

A revoked deliberation must not apply to the next request, wherever it is revoked: so each request
asks for the register's edition, which the database counts up with every change, and what is
remembered is of that very edition. That is one row by its key, in place of three joins.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, Final, TypeVar

from sqlalchemy import Engine, select

from ksz_childbenefits.registers.direct import Prepared, direct
from ksz_childbenefits.registers.schema import register_edition

_MOST: Final = 4096
"""Answers that are remembered: one for each certificate that calls."""

_EDITION: Final = Prepared(
    lambda _: select(register_edition.c.number).where(register_edition.c.id == 1)
)

_Answer = TypeVar("_Answer")


class Edition:
    """Answers of one edition."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is remembered yet."""
        self._direct = direct(engine)
        self._of: tuple[int, dict[Hashable, Any]] = (0, {})

    def answer(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """What ``ask`` gives, or gave to the same question in the edition of this moment.

        Raises Unavailable when the database does not answer.
        """
        # The edition is read before what is remembered under it, which so is never older.
        rows = self._direct.rows(_EDITION)
        if not rows:
            return ask()
        number: int = rows[0][0]
        edition, known = self._of
        if edition != number:
            known = {}
            self._of = number, known
        # Found in one step: another thread may clear what is known at any moment.
        answer: _Answer
        with suppress(KeyError):
            answer = known[question]
            return answer
        if len(known) >= _MOST:
            known.clear()
        answer = known[question] = ask()
        return answer
