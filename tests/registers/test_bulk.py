"""Many rows at once: the same rows come back from either database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.registers import bulk
from ksz_childbenefits.registers.bulk import copy_rows
from ksz_childbenefits.registers.database import reading, writing
from ksz_childbenefits.registers.repertory import PersonRepertory, line_values
from ksz_childbenefits.registers.schema import cadastre_files, funds, persons, repertory_lines
from tests.registers.numbers import NOOR
from tests.registers.test_repertory import FEDERAL, WALLOON

LINES: list[RepertoryLine] = [FEDERAL, WALLOON]


def numbered(first: int, last: int) -> Iterator[dict[str, Any]]:
    for number in range(first, last + 1):
        yield {"ssin": f"{number:011d}", "birth_date": date(2000, 1, 1), "status": "EXISTING"}


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(persons.c.ssin)).all())


def test_lines_come_back_as_they_were(engine: Engine) -> None:
    with writing(engine) as connection:
        assert copy_rows(connection, repertory_lines, map(line_values, LINES)) == 2
    assert PersonRepertory(engine).lines(NOOR) == tuple(LINES)


def test_texts_and_json_with_every_special_character(engine: Engine) -> None:
    text = "tab\t line\n return\r back\\slash \\N \"quotes\" 'single' {curly} é %s"
    row = {
        "operator": "AVIQ",
        "source": "WALLONIA",
        "file_type": "CHILD_BENEFIT",
        "begin_date": date(2024, 1, 1),
        "end_date": None,
        "fund": "104",
        "file_number": text[:64],
        "content": {"children": [{"ssin": NOOR, "text": text}], "beneficiaries": []},
    }
    with writing(engine) as connection:
        copy_rows(connection, funds, [{"number": "104", "nl": text}])
        copy_rows(connection, cadastre_files, [row])
        found = connection.execute(select(cadastre_files)).one()
        assert found.content == row["content"]
        assert (found.file_number, found.end_date, found.carried_from) == (text[:64], None, None)
        assert connection.execute(select(funds.c.nl)).scalar_one() == text


@pytest.mark.parametrize("rows", [0, 1, 6, 7])
def test_all_rows_are_stored_whatever_the_batch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 3)
    with writing(engine) as connection:
        assert copy_rows(connection, persons, numbered(1, rows)) == rows
    assert count(engine) == rows


def test_a_broken_constraint_stores_nothing_and_tells_no_row(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(persons), list(numbered(5, 5)))
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        copy_rows(connection, persons, numbered(1, 9))
    assert "[parameters" not in str(caught.value)
    assert count(engine) == 1


def test_an_error_of_whoever_gives_the_rows_stores_nothing(engine: Engine) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield from numbered(1, 9)
        raise LookupError

    with pytest.raises(LookupError), writing(engine) as connection:
        copy_rows(connection, persons, broken())
    assert count(engine) == 0
