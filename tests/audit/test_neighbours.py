"""Who vouches for whom: each chain by a few of the living, whatever many there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from ksz_childbenefits.audit.neighbours import VOUCHERS, Neighbours, _vouches
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.registers.database import writing
from tests.audit.trails import entries, keys, record, rows, trail

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=2, max_size=30, unique=True)


@given(names=NAMES, data=st.data())
def test_each_chain_has_its_vouchers_among_the_living(
    names: list[str], data: st.DataObject
) -> None:
    other = data.draw(st.sampled_from(names))
    ended = data.draw(st.booleans())
    alive = sorted({*names} - ({other} if ended else set()))
    vouchers = [name for name in alive if name != other and _vouches(alive, name, other)]
    living = len([name for name in alive if name != other])
    assert len(vouchers) == min(VOUCHERS, living)


def test_what_was_told_is_not_told_again(engine: Engine) -> None:
    trail(engine, 1, 1, writers=2)
    heads = {row.writer: row for row in rows(engine)}
    mine = Neighbours()
    with writing(engine) as connection:
        assert mine.look(connection, "me", at_all=True) == []
        assert {head.writer: head.number for head in mine.untold} == {
            name: row.number for name, row in heads.items()
        }
        mine.told()
        mine.look(connection, "me", at_all=True)
    assert not list(mine.untold)


def test_what_is_seen_in_between_is_told_at_its_newest(engine: Engine) -> None:
    other = Writer(engine, keys())
    mine = Neighbours()
    for number in (2, 3):
        other.write(entries(record()))
        with writing(engine) as connection:
            (chain,) = mine.look(connection, "me")
        assert chain.head == next(iter(mine.untold))
        assert [head.number for head in mine.untold] == [number]
    other.stop()


@pytest.mark.parametrize("at_all", [True, False])
def test_a_few_of_many_are_enough_except_at_the_beginning_and_the_end(
    engine: Engine, at_all: bool
) -> None:
    trail(engine, 1, writers=12)
    mine = Neighbours()
    with writing(engine) as connection:
        mine.look(connection, "me", at_all=at_all)
    # The only one that lives vouches for all.
    assert len(list(mine.untold)) == 12
    living = [Writer(engine, keys()) for _ in range(12)]
    for one in living:
        one.write(entries(record()))
    with writing(engine) as connection:
        mine.told()
        mine.look(connection, "me", at_all=at_all)
    names = {head.writer for head in mine.untold}
    assert len(names) == (12 if at_all else VOUCHERS)
    for one in living:
        one.stop()
