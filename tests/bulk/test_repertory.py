"""``repertory import``: which lines are taken, and that no interruption changes it (DOMAIN 2)."""

from __future__ import annotations

import errno
import gzip
import os
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete

from ksz_childbenefits.bulk import lines, progress
from ksz_childbenefits.bulk.export import export_repertory
from ksz_childbenefits.bulk.intake import run_import
from ksz_childbenefits.bulk.repertory import RepertoryIntake
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import repertory_lines
from tests.bulk.files import (
    REPERTORY,
    add_customers,
    recorded,
    rejected,
    rejections_of,
    stored,
    written,
)
from tests.registers.numbers import MILA, NOOR, OTIS

CHILD = "7,104,0,CHILD_BENEFIT"
GOOD = f"{NOOR},WALLONIA,,{CHILD},,2020-01-01,2020-12-31"


def imported(engine: Engine, path: Path, **options: Any) -> int:
    return run_import(engine, RepertoryIntake(), path, **options).imported


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        # DOMAIN 4: check digits; a month 13; not eleven digits.
        (GOOD.replace(NOOR, NOOR[:9] + "00"), "INVALID_SSIN"),
        (GOOD.replace(NOOR, ""), "INVALID_SSIN"),
        (GOOD.replace("2020-12-31", "2019-12-31"), "END_BEFORE_BEGIN"),
        (GOOD.replace("2020-01-01", "20200101"), "INVALID_DATE"),
        (GOOD.replace("2020-01-01", ""), "INVALID_DATE"),
        (GOOD.replace("2020-12-31", "2020-02-30"), "INVALID_DATE"),
        (GOOD.replace("2020-12-31", "3000-01-01"), "INVALID_DATE"),
        # DOMAIN 1 and 2: the sources, qualities and types that there are.
        (GOOD.replace("WALLONIA", "WALONIA"), "UNKNOWN_CODE"),
        (GOOD.replace("104", "108"), "UNKNOWN_CODE"),
        (GOOD.replace(",7,", ",1000,"), "UNKNOWN_CODE"),
        (GOOD.replace(",7,", ",07,"), "UNKNOWN_CODE"),
        (GOOD.replace(",7,", ",,"), "UNKNOWN_CODE"),
        (GOOD.replace("CHILD_BENEFIT", "CHILD"), "UNKNOWN_CODE"),
        (GOOD.replace("CHILD_BENEFIT", ""), "FILE_TYPE_MISSING"),
        (GOOD.replace("WALLONIA", ""), "WRONG_HOLDER"),
        (GOOD.replace("WALLONIA,", "WALLONIA,fedris"), "WRONG_HOLDER"),
        (GOOD.replace("WALLONIA,", ",nobody"), "UNKNOWN_CUSTOMER"),
        # From the split on: it is then one archive's to write (DOMAIN 1, 2).
        (GOOD.replace("WALLONIA", "FEDERAL").replace("2020-01-01,2020-12-31", "2024-01-01,"),
         "ARCHIVE_MISSING"),
        (GOOD.replace("BENEFIT,", "BENEFIT,AVIQ"), "ARCHIVE_FORBIDDEN"),
        (GOOD.replace("WALLONIA", "FEDERAL").replace("BENEFIT,", "BENEFIT,ORINT"),
         "ARCHIVE_FORBIDDEN"),
        (GOOD + ",", "WRONG_FIELDS"),
        ("", "WRONG_FIELDS"),
        (f'"{NOOR}', "WRONG_FIELDS"),
        (GOOD.replace("WALLONIA,", "," + "x" * 65), "TOO_LONG"),
    ],
)  # fmt: skip
def test_a_line_that_breaks_a_rule_is_rejected_and_the_rest_imported(
    sqlite: Engine, tmp_path: Path, line: str, rule: str
) -> None:
    add_customers(sqlite, ["fedris"])
    path = written(tmp_path / "lines.csv", GOOD, line, GOOD.replace(NOOR, OTIS))
    assert imported(sqlite, path) == 2
    assert rejected(path) == [(3, rule)]


@pytest.mark.parametrize(
    ("later", "rule"),
    [
        (GOOD, "DUPLICATE"),
        (GOOD.replace("2020-12-31", ""), "OVERLAP"),
        (GOOD.replace("2020-01-01", "2020-12-31"), "OVERLAP"),
        (GOOD.replace("2020-01-01,2020-12-31", "2021-01-01,"), None),
        (GOOD.replace("2020-01-01,2020-12-31", "2019-01-01,2019-12-31"), None),
        # DOMAIN 1: exclusivity is never enforced; another role, source or type may overlap.
        (GOOD.replace("104", "102"), None),
        (GOOD.replace("WALLONIA", "BRUSSELS"), None),
        (GOOD.replace(CHILD, "7,104,,CHILD_BENEFIT"), None),
        (GOOD.replace(NOOR, MILA), None),
    ],
)
@pytest.mark.parametrize("batch", [1, 10**6], ids=["across batches", "in a batch"])
def test_the_same_line_does_not_overlap_itself(
    engine: Engine, tmp_path: Path, later: str, rule: str | None, batch: int
) -> None:
    path = written(tmp_path / "lines.csv", GOOD, later)
    assert imported(engine, path, batch_bytes=batch) == (1 if rule else 2)
    assert not rule or rejected(path) == [(3, rule)]


def test_rejected_lines_leave_nothing_in_memory() -> None:
    bad = GOOD.replace("104", "108")
    batches = [[f"{line}\n".encode() for line in (bad, *[GOOD] * 500)] for _ in range(40)]
    intake = RepertoryIntake()
    intake.judge(batches[0], 2)
    tracemalloc.start()
    try:
        for batch in batches:
            _, refused = intake.judge(batch, 2)
            assert [one.rule for one in refused] == ["UNKNOWN_CODE"]
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The last batch is still held here; of those before it nothing may be.
    assert grown < 10 * sum(map(len, batches[0]))


@pytest.mark.parametrize("days", ["2012-04-01,2019-05-31", "2012-04-01,", "2023-12-31,"])
def test_what_orint_wrote_before_the_split_comes_back(
    sqlite: Engine, tmp_path: Path, days: str
) -> None:
    # DOMAIN 1: a FEDERAL line names its archive from the split on; ORINT held all of them before.
    begin, _, end = days.partition(",")
    written_by_orint = RepertoryLine(
        ssin=NOOR,
        source=AuthenticSource.FEDERAL,
        customer=None,
        sector=7,
        quality=104,
        phase=0,
        file_type=FileType.CHILD_BENEFIT,
        archive=None,
        begin=date.fromisoformat(begin),
        end=date.fromisoformat(end) if end else None,
    )
    PersonRepertory(sqlite).add([written_by_orint])
    export_repertory(sqlite, tmp_path / "lines.csv", lambda *_: None)
    with writing(sqlite) as connection:
        connection.execute(delete(repertory_lines))
    assert imported(sqlite, tmp_path / "lines.csv") == 1
    assert PersonRepertory(sqlite).lines(NOOR) == (written_by_orint,)


MIXED = [
    GOOD,
    GOOD.replace("2020-01-01", "2020-06-01"),  # overlaps the first
    GOOD.replace("2020-01-01,2020-12-31", "2021-01-01,2021-06-30"),
    GOOD.replace("2020-01-01,2020-12-31", "2021-06-01,"),  # overlaps the third
    GOOD.replace("2020-01-01,2020-12-31", "2021-07-01,"),  # only what was refused
    f"{OTIS},FEDERAL,,{CHILD},AVIQ,2010-01-01,2018-12-31",
    f"{OTIS},FEDERAL,,{CHILD},,2024-01-01,",
    f"{OTIS},,fedris,5,0,,,,2010-01-01,",
    f"{OTIS},,stranger,5,0,,,,2010-01-01,",
    f'"{MILA}",,"a, b",1,2,3,,,2015-05-05,',
    "nonsense",
    f"{MILA},,fedris,1,2,3,,,2015-05-05,2015-05-04",
]
REFUSED = [
    (3, "OVERLAP"),
    (5, "OVERLAP"),
    (8, "ARCHIVE_MISSING"),
    (10, "UNKNOWN_CUSTOMER"),
    (12, "WRONG_FIELDS"),
    (13, "END_BEFORE_BEGIN"),
]


class Killed(BaseException):
    """As if the process ended here."""


def killed_after(steps: int) -> Callable[[int, int], None]:
    """A watch that ends the import after so many batches."""
    left = [steps]

    def watch(_done: int, _all: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return watch


@pytest.mark.parametrize(
    ("batch", "name"),
    [(1, "lines.csv.gz"), (100, "lines.csv"), (250, "lines.csv.gz"), (10**6, "lines.csv")],
)
def test_no_split_into_batches_and_no_kill_changes_the_end_state(
    engine: Engine, tmp_path: Path, batch: int, name: str
) -> None:
    add_customers(engine, ["fedris", "a, b"])
    path = written(tmp_path / name, *MIXED)
    kills = 0
    while True:
        try:
            run_import(
                engine, RepertoryIntake(), path, batch_bytes=batch, watch=killed_after(kills % 3)
            )
            break
        except Killed:
            kills += 1
            # A batch that was never committed had written this much of its rejected lines.
            with rejections_of(path).open("ab") as file:
                file.write(b"7,HALF,")
    assert rejected(path) == REFUSED
    assert [(row[0], str(row[8])) for row in stored(engine)] == [
        (NOOR, "2020-01-01"),
        (NOOR, "2021-01-01"),
        (NOOR, "2021-07-01"),
        (OTIS, "2010-01-01"),
        (OTIS, "2010-01-01"),
        (MILA, "2015-05-05"),
    ]
    before = (stored(engine), recorded(engine), rejections_of(path).read_bytes())
    # Repeated: nothing changes.
    assert imported(engine, path, batch_bytes=50) == 6
    assert (stored(engine), recorded(engine), rejections_of(path).read_bytes()) == before


def test_a_failure_between_the_rejected_file_and_the_commit_doubles_nothing(
    sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "lines.csv", *MIXED)
    real = progress.advance

    def fail(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(progress, "advance", fail)
    with pytest.raises(Killed):
        imported(sqlite, path)
    assert rejected(path)
    assert stored(sqlite) == []
    monkeypatch.setattr(progress, "advance", real)
    # Both customers are unknown here.
    assert imported(sqlite, path) == 4
    assert len(rejected(path)) == len(MIXED) - 4


def test_rejected_lines_that_somebody_removed_are_missed(sqlite: Engine, tmp_path: Path) -> None:
    path = written(tmp_path / "lines.csv", "nonsense", GOOD)
    with pytest.raises(Killed):
        imported(sqlite, path, batch_bytes=1, watch=killed_after(2))
    rejections_of(path).unlink()
    with pytest.raises(DataError, match="lacks lines that were rejected before"):
        imported(sqlite, path)


def test_another_file_of_the_same_name_keeps_what_was_rejected_before(
    sqlite: Engine, tmp_path: Path
) -> None:
    first = rejections_of(written(tmp_path / "daily.csv", "nonsense", GOOD))
    assert imported(sqlite, tmp_path / "daily.csv") == 1
    kept = first.read_bytes()
    for line in (GOOD.replace(NOOR, OTIS), "other nonsense"):
        later = written(tmp_path / "daily.csv", line)
        imported(sqlite, later)
    assert first.read_bytes() == kept
    assert rejected(later) == [(2, "WRONG_FIELDS")]
    assert [path.name for path in sorted(tmp_path.glob("*.rejected.csv"))] == sorted(
        path.name for path in (first, rejections_of(later))
    )


def test_no_room_for_rejected_lines_stores_nothing_and_is_told(
    sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "lines.csv", GOOD, "nonsense")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot write .*rejected\.csv: No space left"):
            imported(sqlite, path)
    assert stored(sqlite) == []
    assert imported(sqlite, path) == 1
    assert rejected(path) == [(3, "WRONG_FIELDS")]


def test_an_export_without_room_is_told_and_leaves_nothing(sqlite: Engine, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.with_name("lines.csv.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"cannot write .*lines\.csv: No space left"):
        export_repertory(sqlite, path, lambda *_: None)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("lines")] == []


def test_rejected_lines_of_an_import_into_another_database_are_kept(
    sqlite: Engine, tmp_path: Path, migrated: Path
) -> None:
    path = written(tmp_path / "lines.csv", "nonsense", GOOD)
    imported(sqlite, path)
    kept = rejections_of(path).read_bytes()
    (tmp_path / "other.sqlite").write_bytes(migrated.read_bytes())
    other = open_database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    for _ in range(2):
        with pytest.raises(DataError, match=r"rejected\.csv holds .* move it away"):
            imported(other, path)
    assert (stored(other), rejections_of(path).read_bytes()) == ([], kept)
    rejections_of(path).rename(tmp_path / "moved.csv")
    assert imported(other, path) == 1
    assert rejections_of(path).read_bytes() == kept
    other.dispose()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(REPERTORY.encode() + b"\n" + GOOD.encode() * 99)[:-20], "cut off"),
        (gzip.compress(REPERTORY.encode())[:-6] + b"xxxxxx", "damaged"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b"ssin,begin\n", "has not the header"),
        (b"", "has not the header"),
        (REPERTORY.encode() + b"\n" + b"x" * (lines.LONGEST_LINE + 1), "a line of more than"),
    ],
    ids=("gzip cut off", "gzip damaged", "no gzip", "other header", "empty", "long line"),
)
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(
    sqlite: Engine, tmp_path: Path, data: bytes, reason: str
) -> None:
    path = tmp_path / "lines.csv.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match=reason):
        imported(sqlite, path)
    assert stored(sqlite) == recorded(sqlite) == []


def test_a_missing_file(sqlite: Engine, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        imported(sqlite, tmp_path / "none.csv")


def test_bad_bytes_and_half_a_line_are_rejected_alone(sqlite: Engine, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    text = f"\ufeff{REPERTORY}\r\n{GOOD}\r\n"
    # The last line could be whole: 2021-01-01 cut off from an end of 2021-01-01,2021-12-31.
    half = GOOD.replace(NOOR, OTIS)[: -len("2020-12-31")]
    path.write_bytes(text.encode() + b"\xff\xfe\n" + half.encode())
    assert imported(sqlite, path) == 1
    assert rejected(path) == [(3, "BAD_ENCODING"), (4, "UNFINISHED_LINE")]


def test_two_processes_do_not_import_the_same_file(sqlite: Engine, tmp_path: Path) -> None:
    path = written(tmp_path / "lines.csv", GOOD, GOOD.replace(NOOR, OTIS))

    def overtake(done: int, _all: int) -> None:
        if done < path.stat().st_size / 2:
            imported(sqlite, path)

    with pytest.raises(DataError, match="another process"):
        imported(sqlite, path, batch_bytes=1, watch=overtake)
    assert len(stored(sqlite)) == 2


def test_a_file_that_grows_meanwhile_is_not_finished(sqlite: Engine, tmp_path: Path) -> None:
    path = written(tmp_path / "lines.csv", GOOD)

    def grow(_done: int, _all: int) -> None:
        with path.open("a") as file:
            file.write(GOOD.replace(NOOR, MILA) + "\n")

    with pytest.raises(DataError, match="was changed while it was imported"):
        imported(sqlite, path, watch=grow)
    assert [row[-1] for row in recorded(sqlite)] == [False]
