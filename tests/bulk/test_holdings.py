"""``cadastre import``: an operator's funds, files and repertory (DOMAIN 2, 6)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.bulk.export import export_holdings
from ksz_childbenefits.bulk.holdings import HoldingsIntake
from ksz_childbenefits.bulk.intake import run_import
from ksz_childbenefits.cadastres.store import HeldFile
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.bulk.files import rejected, written
from tests.cadastres.holdings import PARENTIA, federal, file, store
from tests.registers.numbers import MILA, NOOR, OTIS, PARENT

FUND: dict[str, Any] = {"fund": {"number": "0695982819", "de": "Parentia"}}
FILE: dict[str, Any] = {
    "file": {
        "source": "WALLONIA",
        "type": "CHILD_BENEFIT",
        "begin": "2024-02-01",
        "fund": "0695982819",
        "number": "W1",
        "children": [
            {
                "ssin": NOOR,
                "bonuses": [{"date": "2024-02-05", "category": "BIRTH"}],
                "periods": [{"begin": "2024-02", "category": "CHILD_ALLOWANCE"}],
            }
        ],
        "beneficiaries": [{"ssin": PARENT}],
    }
}
ENTRY: dict[str, Any] = {
    "entry": {
        "source": "WALLONIA",
        "ssin": NOOR,
        "quality": 104,
        "fund": "0695982819",
        "type": "CHILD_BENEFIT",
        "begin": "2024-02-01",
    }
}


def changed(line: dict[str, Any], **values: Any) -> dict[str, Any]:
    ((name, content),) = line.items()
    return {name: {**content, **values}}


def imported(engine: Engine, path: Path, batch: int = 10**6) -> int:
    return run_import(engine, HoldingsIntake(Operator.AVIQ), path, batch_bytes=batch).imported


def lines(*values: dict[str, Any] | str) -> list[str]:
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


@pytest.mark.parametrize("batch", [1, 10**6], ids=["by lines", "at once"])
def test_export_import_export_is_equal(engine: Engine, tmp_path: Path, batch: int) -> None:
    held = [
        federal(file([NOOR, OTIS], date(2012, 4, 1), beneficiaries=[PARENT], entitled=PARENT)),
        HeldFile(Operator.ORINT, AuthenticSource.WALLONIA, file([MILA], date(2019, 1, 1),
                 fund=PARENTIA)),
        HeldFile(Operator.OPGROEIEN, AuthenticSource.FLANDERS, file([OTIS], date(2019, 1, 1),
                 number=None)),
    ]  # fmt: skip
    store(engine, held)
    first = tmp_path / "orint.jsonl.gz"
    count = export_holdings(engine, Operator.ORINT, first, lambda *_: None)
    # Two funds, two files, five entries: three for the children and one each for the others.
    assert count == 2 + 2 + 5
    for table in ("cadastre_file_members", "cadastre_files", "regional_repertory", "funds"):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")
    intake = HoldingsIntake(Operator.ORINT)
    assert run_import(engine, intake, first, batch_bytes=batch).imported == count
    second = tmp_path / "again.jsonl.gz"
    export_holdings(engine, Operator.ORINT, second, lambda *_: None)
    assert second.read_bytes() == first.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".gz") == [
        "again.jsonl.gz",
        "orint.jsonl.gz",
    ]


@pytest.mark.parametrize("batch", [1, 10**6], ids=["by lines", "at once"])
def test_what_is_there_already_is_not_taken_twice(
    sqlite: Engine, tmp_path: Path, batch: int
) -> None:
    again = lines(FUND, FILE, ENTRY, FUND, FILE, ENTRY, changed(FUND, de="Anders"))
    path = written(tmp_path / "a.jsonl", *again, header=None)
    assert imported(sqlite, path, batch) == 4
    assert rejected(path) == [(5, "DUPLICATE"), (6, "DUPLICATE"), (7, "DUPLICATE")]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("{", "NOT_JSON"),
        ("[" * 5000, "NOT_JSON"),
        ("{}", "WRONG_VALUE"),
        ({"file": None}, "WRONG_VALUE"),
        ({**FUND, **ENTRY}, "WRONG_VALUE"),
        ({"folder": {}}, "WRONG_FIELDS"),
        (changed(FILE, colour="red"), "WRONG_FIELDS"),
        (changed(FUND, nl="x" * 101), "TOO_LONG"),
        (changed(FILE, source="BELGIUM"), "UNKNOWN_CODE"),
        # DOMAIN 1: AVIQ never held FLANDERS, nor are there participation files elsewhere.
        (changed(FILE, source="FLANDERS"), "WRONG_HOLDER"),
        (changed(FILE, type="PARTICIPATION"), "WRONG_VALUE"),
        (changed(FILE, begin="2010-01-01", end="2010-12-31"), "WRONG_VALUE"),
        (changed(FILE, end="2024-01-31"), "END_BEFORE_BEGIN"),
        (changed(FILE, begin="1.2.2024"), "INVALID_DATE"),
        (changed(FILE, fund="0727421608"), "UNKNOWN_FUND"),
        (changed(FILE, children=[]), "WRONG_VALUE"),
        (changed(FILE, children=[{"ssin": NOOR[:9] + "00"}]), "INVALID_SSIN"),
        (changed(FILE, entitled=PARENT), "WRONG_VALUE"),
        (changed(ENTRY, quality=108), "UNKNOWN_CODE"),
        (changed(ENTRY, ssin="1"), "INVALID_SSIN"),
        (changed(ENTRY, fund="0727421608"), "UNKNOWN_FUND"),
    ],
)
def test_a_line_that_breaks_a_rule(
    sqlite: Engine, tmp_path: Path, line: dict[str, Any] | str, rule: str
) -> None:
    path = written(tmp_path / "a.jsonl", *lines(FUND, line, ENTRY), header=None)
    assert imported(sqlite, path) == 2
    assert rejected(path) == [(2, rule)]


@pytest.mark.parametrize("character", ["\x01", "\0"])
def test_a_name_that_no_reply_could_hold(engine: Engine, tmp_path: Path, character: str) -> None:
    """Each file at that fund would fail when it is asked for; PostgreSQL takes no NUL at all."""
    line = changed(FUND, number="0727421608", nl=f"Infino{character}")
    path = written(tmp_path / "a.jsonl", *lines(FUND, line, ENTRY), header=None)
    assert imported(engine, path) == 2
    assert rejected(path) == [(2, "WRONG_VALUE")]
