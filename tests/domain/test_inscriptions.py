"""Who writes which part of the repertory on which day, and which lines go together (DOMAIN 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ksz_childbenefits.domain.consultation import Code, Identification, NoResult
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.inscriptions import (
    Closings,
    HeldLine,
    Maintainer,
    Part,
    Verdict,
    Writer,
    check_sender,
    day_of,
    line_of,
    overlaps,
    part_of,
    ticket_kept,
)
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.inscriptions.calls import (
    AVIQ,
    BEFORE,
    FEDRIS,
    IRISCARE,
    ME,
    NAMUR,
    OPGROEIEN,
    ORINT,
    SINCE,
    inscription,
    of_source,
)
from tests.registers.numbers import MILA

FEDERAL, BRUSSELS, FLANDERS, WALLONIA, EASTBELGIUM = AuthenticSource
OWN = Part(customer="fedris")

HELD: dict[tuple[AuthenticSource, date], list[Maintainer]] = {
    (FLANDERS, BEFORE): [OPGROEIEN],
    (FLANDERS, SINCE): [OPGROEIEN],
    (WALLONIA, BEFORE): [ORINT],
    (WALLONIA, SINCE): [AVIQ],
    (EASTBELGIUM, BEFORE): [ORINT],
    (EASTBELGIUM, SINCE): [AVIQ],
    (BRUSSELS, BEFORE): [ORINT],
    (BRUSSELS, SINCE): [IRISCARE],
    (FEDERAL, BEFORE): [ORINT],
    (FEDERAL, SINCE): [IRISCARE, AVIQ],
}
"""The table of DOMAIN 1: who holds, and so writes, a source on a day."""


@pytest.mark.parametrize("day", [BEFORE, SINCE], ids=str)
@pytest.mark.parametrize("source", AuthenticSource)
@pytest.mark.parametrize("writer", [AVIQ, IRISCARE, ORINT, OPGROEIEN], ids=lambda w: w.operator)
def test_an_operator_writes_what_it_holds_that_day(
    writer: Maintainer, source: AuthenticSource, day: date
) -> None:
    if writer not in HELD[source, day]:
        with pytest.raises(NoResult) as refused:
            part_of(writer, source, day)
        assert refused.value.status.code == "MSG00027"
        assert [(i.name, i.value) for i in refused.value.status.information] == [
            ("authenticSource", source)
        ]
    else:
        split = (source, day) == (FEDERAL, SINCE)
        expected = Part(source=source, archive=writer.operator if split else None)
        assert part_of(writer, source, day) == expected


def test_a_customer_writes_its_own_inscriptions_and_nothing_else() -> None:
    assert part_of(FEDRIS, None, SINCE) == Part(customer="fedris")
    with pytest.raises(NoResult, match="MSG00027"):
        part_of(FEDRIS, WALLONIA, SINCE)


def test_an_operator_has_no_inscriptions() -> None:
    """DOMAIN 7: the roles of one that is both have separate credentials."""
    with pytest.raises(NoResult, match="MSG00027"):
        part_of(ORINT, None, BEFORE)


@pytest.mark.parametrize(
    ("writer", "said", "true"),
    [
        (AVIQ, ME, True),
        (AVIQ, Identification("0206734318"), False),
        (AVIQ, Identification(None, "7", "0"), False),
        (FEDRIS, Identification("0206734318"), True),
        (FEDRIS, ME, False),
        (NAMUR, Identification(None, "17", "1"), True),
        (NAMUR, Identification(None, "17", "2"), False),
    ],
)
def test_what_is_said_of_oneself_must_be_true(
    writer: Writer, said: Identification, true: bool
) -> None:
    if true:
        check_sender(said, writer)
    else:
        with pytest.raises(NoResult, match="MSG00014") as refused:
            check_sender(said, writer)
        sent = [text for text in (said.cbe_number, said.sector, said.institution) if text]
        assert [i.value for i in refused.value.status.information] == sent


def test_a_ticket_is_kept_as_ksz_keeps_it() -> None:
    uuid = "B4F1C0DE-0000-4000-8000-000000000000"
    assert ticket_kept(uuid) == uuid
    assert ticket_kept("x" * 36) == "x" * 32
    assert ticket_kept("20260302-000000000001") == "20260302-000000000001"


@pytest.mark.parametrize("none", [None, ""])
def test_without_a_ticket_nothing_can_be_repeated(none: str | None) -> None:
    with pytest.raises(NoResult, match="MSG00008"):
        ticket_kept(none)


@pytest.mark.parametrize("text", ["2024-02-29", "2024-02-29Z", "2024-02-29+01:00"])
def test_the_zone_of_a_day_is_ignored(text: str) -> None:
    assert day_of(text) == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text", ["1899-12-31", "3000-01-01", "12024-01-01", "-2024-01-01", "0000-01-01", "2023-02-29"]
)
def test_days_of_no_calendar(text: str) -> None:
    with pytest.raises(ValueError, match=r"no |out of range"):
        day_of(text)


@pytest.mark.parametrize(
    ("code", "ok"),
    [(Code.SUCCESS, True), (Code.NO_DATA, True), (Code.INVALID_DATA, False)],
)
def test_verdicts(code: Code, ok: bool) -> None:
    assert Verdict(code).ok is ok


def line(begin: str, end: str | None = None, **other: object) -> RepertoryLine:
    return line_of(inscription(begin, end, **other), OWN)


def test_a_line_is_of_the_part() -> None:
    federal = Part(source=FEDERAL, archive=Operator.AVIQ)
    made = line_of(of_source("2024-02-01Z", "2024-03-01", archive=Operator.AVIQ), federal)
    assert (made.source, made.customer, made.archive) == (FEDERAL, None, Operator.AVIQ)
    assert (made.begin, made.end) == (date(2024, 2, 1), date(2024, 3, 1))


JANUARY = line("2024-01-01", "2024-01-31")


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (line("2024-01-31"), True),
        (line("2024-02-01"), False),
        (line("2023-12-01", "2024-01-01"), True),
        (line("2023-12-01", "2023-12-31"), False),
        (line("2024-01-10", "2024-01-11"), True),
        (line("2023-01-01"), True),
        (line("2024-01-31", ssin=MILA), False),
        (line("2024-01-31", sector=7), False),
        (line("2024-01-31", quality=2), False),
        (line("2024-01-31", phase=1), False),
        (line("2024-01-31", phase=None), False),
        (line("2024-01-31", file_type=FileType.PARTICIPATION), False),
    ],
)
def test_equal_lines_share_no_day(other: RepertoryLine, meets: bool) -> None:
    assert overlaps([other], [JANUARY]) == ({0} if meets else set())
    assert bool(overlaps([JANUARY, other], [])) is meets


def test_of_lines_that_meet_the_later_new_one_is_named() -> None:
    long = line("2024-01-01", "2024-12-31")
    inner, late, after = line("2024-02-01", "2024-02-02"), line("2024-12-31"), line("2026-01-01")
    assert overlaps([late, inner, long], []) == {0, 1}
    # An open line reaches all that begin later.
    assert overlaps([late, after], []) == {1}
    # A line that is held is never named, but the new one that it meets.
    assert overlaps([long], [inner]) == {0}
    # All that meet it, though one of them meets another new one too.
    assert overlaps([long, inner, late], [line("2024-12-31", "2024-12-31")]) == {0, 1, 2}
    assert overlaps([long, line("2024-02-01")], [late]) == {0, 1}
    # Lines that are held may meet each other: they were there before.
    assert overlaps([], [long, inner]) == set()


def test_a_line_is_closed_once() -> None:
    still_open = replace(JANUARY, end=None)
    closings = Closings([HeldLine(7, still_open), HeldLine(8, line("2025-01-01", "2025-02-01"))])
    assert closings.knows(JANUARY)
    assert not closings.knows(line("2024-01-02", "2024-01-31"))
    assert not closings.knows(line("2024-01-01", "2024-01-31", quality=2))
    assert closings.close(JANUARY)
    assert closings.ends == {7: date(2024, 1, 31)}
    assert not closings.close(JANUARY)
    assert closings.knows(line("2025-01-01", "2025-03-01"))
    assert not closings.close(line("2025-01-01", "2025-03-01"))
    assert closings.ends == {7: date(2024, 1, 31)}
