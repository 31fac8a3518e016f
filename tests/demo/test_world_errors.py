"""What is wrong in a world is named by its file and row, and nothing of it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import reading
from ksz_childbenefits.registers.schema import (
    customers,
    persons,
)
from tests.demo.small_world import CUSTOMERS, FLEMISH, FUNDS, STORY, small, world
from tests.registers.databases import migrated
from tests.registers.databases import sqlite as engine
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT

__all__ = ["engine", "migrated", "small"]


def in_story(old: str, new: str) -> dict[str, str]:
    assert old in STORY
    return {"noor": STORY.replace(old, new)}


def in_flemish(old: str, new: str) -> dict[str, str]:
    assert old in FLEMISH
    return {"otis": FLEMISH.replace(old, new)}


def in_customers(old: str, new: str) -> dict[str, str]:
    assert old in CUSTOMERS
    return {"customers": CUSTOMERS.replace(old, new)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (in_story("story =", "story"), "noor.toml is no TOML"),
        (in_story('cites = "DOMAIN 1"', ""), "noor.toml, cites: Field required"),
        (in_story('name = "Noor"', 'nom = "Noor"'), "noor.toml, person 1, name: Field required"),
        (in_story(f'ssin = "{NOOR}"\nname', 'ssin = "12031590100"\nname'), "person 1, ssin: "),
        (in_story("to = 2019-05-31 }", 'to = "soon" }'), "person 1, factors 1, to: "),
        (in_story('nis = "92094"', 'nis = "12041"'), ""),
        (in_story('nis = "92094"', 'nis = "26001"'), "noor.toml, person 1: NIS code '26001'"),
        (in_story("to = 2019-05-31 }", "to = 2019-06-01 }"), "person 1: two rows of connecting"),
        (
            in_story("to = 2019-05-31 }", "to = 2012-03-14 }"),
            "person 1: ends on 2012-03-14, before",
        ),
        (
            in_story('factor = 1, nis = "92', 'factor = 7, nis = "92'),
            "person 1: connecting factor 7 is unk",
        ),
        (in_story('["ocmw-namur"]', '["ocmw-nowhere"]'), "noor.toml, person 1: not_inscribed_for"),
        (in_story('status = "REPLACED"', ""), "noor.toml, person 3: status REPLACED"),
        (
            in_story(f'replaced_by = "{PARENT}"', f'replaced_by = "{OTHER_PARENT}"'),
            "noor.toml, person 3: the replacement leads back",
        ),
        (in_story(f'ssin = "{PARENT}"\nname', f'ssin = "{NOOR}"\nname'), "person 2: the number"),
        (in_story('fund = "104"', 'fund = "105"'), "noor.toml, file 1: fund 105 is not in the"),
        (in_story('"ORINT"', '"AVIQ"'), "noor.toml, file 1: AVIQ did not hold FEDERAL on 2012"),
        (in_story('"ORINT"', '"Opgroeien"'), "noor.toml, file 1: Opgroeien did not hold FEDERAL"),
        (in_story('source = "FED', 'type = "PARTICIPATION"\nsource = "FED'), "file 1: participat"),
        (in_story('number = "1', 'number = "A'), "noor.toml, file 1: against the rules"),
        (in_story("to = 2019-05-31\nfund", "to = 2012-03-31\nfund"), "noor.toml, file 1: against"),
        (in_story('from = "2012-04", to', 'from = "2012-13", to'), "file 1, children 1, periods 1"),
        (in_story(f'entitled = "{PARENT}"', 'entitled = "82091794737"'), "file 1: a person of the"),
        (in_story("quality = 107", "quality = 108"), "noor.toml, line 1: quality 108 is unknown"),
        (in_story('type = "CHILD_BENEFIT"\n', ""), "noor.toml, line 1: a line of a source names"),
        (in_story('customer = "ocmw-namur"\n', ""), "noor.toml, line 2: a line is held by a"),
        (in_story('customer = "ocmw-namur"', 'customer = "x"'), "line 2: the customer is unknown"),
        (in_story("to = 2020-12-31", "to = 2019-12-31"), "noor.toml, line 2: ends on 2019-12-31"),
        (
            in_flemish(f'    "{PARENT}", "{NOOR}"', f'    "{OTIS}"'),
            "otis.toml, file 1: a payment names someone who is no beneficiary",
        ),
        (
            in_flemish(
                f'{{ ssin = "{PARENT}" }},',
                f'{{ ssin = "{PARENT}", periods = [ {{ from = "2019-01", category = "A" }} ] }},',
            ),
            "otis.toml, file 1: a beneficiary in FLANDERS carries nothing of its own",
        ),
        (
            in_flemish("from = 2019-01-01\n", "from = 2018-01-01\nto = 2018-12-31\n"),
            "otis.toml, file 1: the file lies outside the window of FLANDERS",
        ),
        ({"funds": FUNDS.replace('"104"', '"1040"')}, "funds.toml, fund 1, number: "),
        ({"funds": FUNDS + '[[fund]]\nnumber = "104"'}, "funds.toml, fund 3: fund 104 is there"),
        (in_customers('"0206738078"', '"0206734318"'), "customers.toml, customer 3: this CBE"),
        (in_customers('customer = "sfpd"', 'customer = "x"'), "customers.toml, deliberation 3: "),
        (in_customers('"FLANDERS"', '"FLEMISH"'), "customers.toml, deliberation 1, sources "),
    ],
)
def test_what_is_wrong_is_named_by_file_and_row(
    engine: Engine, small: Path, changed: dict[str, str], message: str
) -> None:
    folder = world(small, **changed)
    if not message:
        load_world(engine, folder)
        return
    with pytest.raises(DataError) as caught:
        load_world(engine, folder)
    assert message in str(caught.value)
    assert not any(ssin in str(caught.value) for ssin in (NOOR, OTIS, PARENT, OTHER_PARENT))
    with reading(engine) as connection:
        assert connection.execute(select(customers)).all() == []
        assert connection.execute(select(persons)).all() == []


@pytest.mark.parametrize("missing", ["funds", "customers"])
def test_a_file_that_is_missing(engine: Engine, small: Path, missing: str) -> None:
    (world(small) / f"{missing}.toml").unlink()
    with pytest.raises(DataError, match=f"{missing}.toml is missing"):
        load_world(engine, small)
