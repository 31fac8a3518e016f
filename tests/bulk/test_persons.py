"""``persons import``: rows of persons and of their connecting factors (DOMAIN 1, 3, 5)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.bulk.intake import run_import
from ksz_childbenefits.bulk.persons import PersonsIntake
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, SsinStatus
from ksz_childbenefits.registers.persons import PersonRegister
from tests.bulk.files import rejected, written
from tests.registers.numbers import MILA, NOOR, OTIS

HEADER = "kind,ssin,birth_date,status,replaced_by,factor,nis,begin,end"
PERSON = f"person,{NOOR},2012-03-15,EXISTING,,,,,"
HOME = f"factor,{NOOR},,,,1,21004,2012-03-15,2019-05-31"


def imported(engine: Engine, path: Path, batch: int = 10**6) -> int:
    return run_import(engine, PersonsIntake(), path, batch_bytes=batch).imported


@pytest.mark.parametrize("batch", [1, 10**6], ids=["by lines", "at once"])
def test_persons_and_their_factors(engine: Engine, tmp_path: Path, batch: int) -> None:
    path = written(
        tmp_path / "persons.csv.gz",
        PERSON,
        HOME,
        f"person,{OTIS},2014-07-02,REPLACED,{NOOR},,,,",
        f"factor,{NOOR},,,,1,92094,2019-06-01,",
        header=HEADER,
    )
    assert imported(engine, path, batch) == 4
    homes = (
        ConnectingFactor(1, "21004", date(2012, 3, 15), date(2019, 5, 31)),
        ConnectingFactor(1, "92094", date(2019, 6, 1), None),
    )
    register = PersonRegister(engine)
    assert register.find(NOOR) == Person(NOOR, date(2012, 3, 15), factors=homes)
    assert register.find(OTIS) == Person(OTIS, date(2014, 7, 2), SsinStatus.REPLACED, NOOR)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (PERSON, "DUPLICATE"),
        (HOME, "DUPLICATE"),
        (PERSON.replace(NOOR, NOOR[:9] + "00"), "INVALID_SSIN"),
        (f"person,{OTIS},2014-7-2,EXISTING,,,,,", "INVALID_DATE"),
        (f"person,{OTIS},2014-07-02,DEAD,,,,,", "UNKNOWN_CODE"),
        (f"people,{OTIS},2014-07-02,EXISTING,,,,,", "UNKNOWN_CODE"),
        (f"person,{OTIS},2014-07-02,EXISTING,,1,,,", "WRONG_FIELDS"),
        (f"person,{OTIS},2014-07-02,REPLACED,,,,,", "WRONG_REPLACEMENT"),
        (f"person,{OTIS},2014-07-02,REPLACED,{MILA},,,,", "WRONG_REPLACEMENT"),
        (f"person,{OTIS},2014-07-02,REPLACED,{OTIS},,,,", "WRONG_REPLACEMENT"),
        (HOME.replace(NOOR, OTIS), "UNKNOWN_PERSON"),
        (HOME.replace("2012-03-15,2019-05-31", "2019-05-31,"), "OVERLAP"),
        (HOME.replace("2012-03-15,2019-05-31", "2019-06-02,"), "GAP"),
        (HOME.replace("2012-03-15,2019-05-31", "2012-01-01,2012-03-01"), "GAP"),
        (HOME.replace("2012-03-15,2019-05-31", "2020-01-01,2019-01-01"), "END_BEFORE_BEGIN"),
        (HOME.replace(",1,21004", ",7,21004"), "UNKNOWN_CODE"),
        # DOMAIN 3: no region; 44083 came on 2019-01-01; 44011 went with it.
        (HOME.replace("21004,2012-03-15,2019-05-31", "22001,2020-01-01,"), "UNKNOWN_CODE"),
        (HOME.replace("21004,2012-03-15,2019-05-31", "44083,2010-01-01,2010-12-31"),
         "UNKNOWN_CODE"),
        (HOME.replace("21004,2012-03-15,2019-05-31", "44011,2020-01-01,"), "UNKNOWN_CODE"),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule(sqlite: Engine, tmp_path: Path, row: str, rule: str) -> None:
    path = written(tmp_path / "persons.csv", PERSON, HOME, row, header=HEADER)
    assert imported(sqlite, path) == 2
    assert rejected(path) == [(4, rule)]


@pytest.mark.parametrize(
    "row",
    [
        # The day after; long after, from abroad; another factor on the same days.
        HOME.replace("2012-03-15,2019-05-31", "2019-06-01,"),
        HOME.replace("2012-03-15,2019-05-31", "2019-07-02,"),
        HOME.replace(",1,21004", ",2,21004"),
        # A row that runs on past a recoding stays valid (DOMAIN 3).
        HOME.replace("1,21004,2012-03-15,2019-05-31", "3,44011,2018-12-31,"),
    ],
)
def test_rows_that_fit_beside_others(sqlite: Engine, tmp_path: Path, row: str) -> None:
    assert imported(sqlite, written(tmp_path / "p.csv", PERSON, HOME, row, header=HEADER)) == 3
