"""Members of a file as JSON, and back."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ksz_childbenefits.cadastres.content import decode_members, encode_members
from ksz_childbenefits.domain.files import Bonus, FileMember, PaymentPeriod
from ksz_childbenefits.domain.months import YearMonth
from tests.registers.numbers import NOOR, OTIS, PARENT

FULL = FileMember(
    NOOR,
    (Bonus(date(2019, 2, 28), "BIRTH", (PARENT,)), Bonus(date(2020, 2, 29), "ADOPTION")),
    (
        PaymentPeriod(YearMonth(2019, 1), YearMonth(2019, 12), "BASIC", (PARENT, OTIS)),
        PaymentPeriod(YearMonth(2020, 1), None, "SOCIAL"),
    ),
)


@pytest.mark.parametrize("members", [(), (FileMember(NOOR),), (FULL, FileMember(OTIS))])
def test_members_survive_json(members: tuple[FileMember, ...]) -> None:
    assert decode_members(json.loads(json.dumps(encode_members(members)))) == members


def test_what_is_empty_is_left_out() -> None:
    assert encode_members((FileMember(NOOR, (), FULL.periods[1:]),)) == [
        {"ssin": NOOR, "periods": [{"begin": "2020-01", "category": "SOCIAL"}]}
    ]
