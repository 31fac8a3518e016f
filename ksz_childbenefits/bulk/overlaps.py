"""Lines of the person repertory that say the same of the same person on the same day.

The same: holder, SSIN, sector, quality, phase, type of file and archive. Lines that differ in any
of these may overlap (DOMAIN 1: never enforce exclusivity).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, delete, func, or_, select

from ksz_childbenefits.registers.bulk import lock_tables
from ksz_childbenefits.registers.rules import BrokenRule, Rule
from ksz_childbenefits.registers.schema import repertory_lines

OPEN = "9999-12-31"
"""The last day, as text, of a line that is still active."""

_CHUNK = 500
"""How many numbers one statement takes."""

_SAME = ("source", "customer", "sector", "quality", "phase", "file_type", "archive")

_new = repertory_lines.alias("new")
_old = repertory_lines.alias("old")
_same_days = and_(
    _old.c.begin_date == _new.c.begin_date,
    _old.c.end_date.is_not_distinct_from(_new.c.end_date),
)


_PLAN = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "0",
}
"""How PostgreSQL is to look up lines: each new one by its SSIN, half of them in a second process.
By itself it guesses badly while a table grows, and compiling takes longer than the lookups."""


def lock(connection: Connection) -> None:
    """Let nobody else write lines until the transaction ends; reading goes on."""
    lock_tables(connection, repertory_lines)
    if connection.dialect.name == "postgresql":
        settings = (func.set_config(name, value, True) for name, value in _PLAN.items())
        connection.execute(select(*settings))


def next_id(connection: Connection, count: int) -> int:
    """Set ``count`` row numbers aside, for whoever holds the lock; gives the first."""
    if connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence("repertory_lines", "id")
        last = func.setval(sequence, func.nextval(sequence) + max(count, 1) - 1)
        return int(connection.execute(select(last)).scalar_one()) - max(count, 1) + 1
    last_used = connection.execute(select(func.max(repertory_lines.c.id))).scalar()
    return (last_used or 0) + 1


def with_stored(connection: Connection, first: int) -> dict[int, bool]:
    """The lines from number ``first`` on that overlap a line below; whether on the same days."""
    query = (
        select(_new.c.id, func.max(case((_same_days, 1), else_=0)))
        .join(_old, _old.c.ssin == _new.c.ssin)
        .where(
            _new.c.id >= first,
            _old.c.id < first,
            or_(_old.c.end_date.is_(None), _old.c.end_date >= _new.c.begin_date),
            or_(_new.c.end_date.is_(None), _new.c.end_date >= _old.c.begin_date),
            *(_old.c[name].is_not_distinct_from(_new.c[name]) for name in _SAME),
        )
        .group_by(_new.c.id)
    )
    return {number: bool(same) for number, same in connection.execute(query)}


def take_out(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete these lines."""
    for start in range(0, len(numbers), _CHUNK):
        chunk = numbers[start : start + _CHUNK]
        connection.execute(delete(repertory_lines).where(repertory_lines.c.id.in_(chunk)))


def meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two periods, of first and last day, have a day in common."""
    return one[0] <= other[1] and other[0] <= one[1]


def broken(same_days: bool) -> BrokenRule:
    """The rule that a line breaks which meets one that says the same."""
    if same_days:
        return BrokenRule("the same line is there already", Rule.DUPLICATE)
    return BrokenRule("the same line is there for some of these days", Rule.OVERLAP)
