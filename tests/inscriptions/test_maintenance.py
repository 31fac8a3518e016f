"""Registering, closing and listing on both databases: by whom, once per ticket, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, func, select

from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.inscriptions import Draft, Operation, Part, Verdict
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.maintenance import MaintenanceService
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.inscriptions import InscriptionRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import inscription_tickets, repertory_lines
from tests.inscriptions.calls import (
    AVIQ,
    BEFORE,
    FEDRIS,
    IRISCARE,
    NAMUR,
    ORINT,
    SINCE,
    call,
    inscription,
    listing,
    of_source,
)
from tests.registers.databases import address
from tests.registers.numbers import MILA, NOOR, OTIS

WALLONIA, FEDERAL = AuthenticSource.WALLONIA, AuthenticSource.FEDERAL
CLOSE = Operation.CLOSE


def serving(engine: Engine, day: date = SINCE) -> MaintenanceService:
    return MaintenanceService(InscriptionRegister(engine), lambda: day)


@pytest.fixture
def service(engine: Engine) -> MaintenanceService:
    for customer in (FEDRIS, NAMUR):
        CustomerRegister(engine).add(customer)
    return serving(engine)


def count(engine: Engine) -> tuple[int, int]:
    """Lines and tickets."""
    with reading(engine) as connection:
        lines, tickets = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (repertory_lines, inscription_tickets)
        )
    return lines, tickets


def told(verdict: Verdict) -> list[tuple[str, str]]:
    assert not verdict.ok
    return [(item.name, item.value) for item in verdict.information]


def test_an_operators_line_routes_at_once(engine: Engine, service: MaintenanceService) -> None:
    assert service.maintain(call(AVIQ, of_source(), source=WALLONIA), AVIQ).code == "MSG00000"
    (line,) = PersonRepertory(engine).lines(NOOR)
    assert line.routes
    assert (line.source, line.begin, line.end) == (WALLONIA, date(2024, 2, 1), None)
    assert service.list(listing(AVIQ, WALLONIA), AVIQ)[1] == (line,)


def test_the_same_ticket_writes_once(engine: Engine, service: MaintenanceService) -> None:
    sent = call(FEDRIS, inscription(), inscription(ssin=MILA))
    assert (
        service.maintain(sent, FEDRIS) == service.maintain(sent, FEDRIS) == Verdict(code="MSG00000")
    )  # type: ignore[arg-type]
    assert count(engine) == (2, 1)


@pytest.mark.parametrize(
    "other",
    [
        call(FEDRIS, inscription(ssin=MILA)),
        call(FEDRIS, inscription("2024-02-02")),
        call(FEDRIS, inscription(end="2024-03-01")),
        call(FEDRIS, inscription(), inscription(ssin=MILA)),
        call(FEDRIS, inscription(end="2024-03-01"), operation=CLOSE),
        call(FEDRIS, inscription(), source=WALLONIA),
    ],
)
def test_the_same_ticket_with_other_content_is_refused(
    engine: Engine, service: MaintenanceService, other: object
) -> None:
    assert service.maintain(call(FEDRIS, inscription()), FEDRIS).ok
    refused = service.maintain(other, FEDRIS)  # type: ignore[arg-type]
    assert (refused.code, told(refused)) == ("MSG00008", [("ticket", "used for other content")])
    assert count(engine) == (1, 1)


def test_tickets_are_each_writers_own(engine: Engine, service: MaintenanceService) -> None:
    assert service.maintain(call(FEDRIS, inscription()), FEDRIS).ok
    assert service.maintain(call(NAMUR, inscription()), NAMUR).ok
    assert count(engine) == (2, 2)


def test_a_refusal_uses_up_no_ticket(engine: Engine, service: MaintenanceService) -> None:
    assert not service.maintain(call(FEDRIS, inscription(end="2024-01-01")), FEDRIS).ok
    assert count(engine) == (0, 0)
    assert service.maintain(call(FEDRIS, inscription()), FEDRIS).ok


def test_without_a_ticket_nothing_is_written(engine: Engine, service: MaintenanceService) -> None:
    refused = service.maintain(call(FEDRIS, inscription(), ticket=None), FEDRIS)
    assert (refused.code, told(refused)) == ("MSG00008", [("ticket", "missing")])
    assert count(engine) == (0, 0)


def test_all_or_nothing_and_every_line_that_is_wrong_is_named(
    engine: Engine, service: MaintenanceService
) -> None:
    sent = call(
        AVIQ,
        of_source(),
        of_source(ssin=MILA, quality=108),
        of_source(ssin=OTIS, end="2024-01-31"),
        of_source(ssin="12031590100"),
        of_source("1800-01-01", ssin=OTIS),
        of_source(ssin=OTIS, file_type=None),
        of_source(ssin=OTIS, archive=Operator.AVIQ),
        source=WALLONIA,
    )
    refused = service.maintain(sent, AVIQ)
    assert (refused.code, told(refused)) == (
        "MSG00008",
        [
            ("inscription[2]", "UNKNOWN_CODE"),
            ("inscription[3]", "END_BEFORE_BEGIN"),
            ("inscription[4]", "INVALID_SSIN"),
            ("inscription[5]", "INVALID_DATE"),
            ("inscription[6]", "FILE_TYPE_MISSING"),
            ("inscription[7]", "ARCHIVE_FORBIDDEN"),
        ],
    )
    assert count(engine) == (0, 0)


def test_overlaps_with_what_is_held_and_within_the_call(
    engine: Engine, service: MaintenanceService
) -> None:
    assert service.maintain(call(FEDRIS, inscription("2024-01-01", "2024-06-30")), FEDRIS).ok
    again = call(
        FEDRIS,
        inscription("2024-07-01"),
        inscription("2024-06-30", "2024-06-30"),
        inscription("2025-01-01"),
        inscription(ssin=MILA),
        ticket="t-2",
    )
    assert told(service.maintain(again, FEDRIS)) == [
        ("inscription[2]", "OVERLAP"),
        ("inscription[3]", "OVERLAP"),
    ]
    assert count(engine) == (1, 1)
    # Others' lines are not its own: nothing is refused, and so nothing told, because of them.
    assert service.maintain(call(NAMUR, *again.drafts[1:2]), NAMUR).ok


def test_federal_lines_are_each_archives_own(engine: Engine, service: MaintenanceService) -> None:
    def federal(archive: Operator | None) -> Draft:
        return of_source("2018-01-01", archive=archive)

    def sent(archive: Operator | None, ticket: str = "t-1") -> Verdict:
        return service.maintain(call(AVIQ, federal(archive), source=FEDERAL, ticket=ticket), AVIQ)

    assert told(sent(None)) == [("inscription[1]", "ARCHIVE_MISSING")]
    assert told(sent(Operator.IRISCARE)) == [("inscription[1]", "ARCHIVE_FORBIDDEN")]
    assert sent(Operator.AVIQ).ok
    other = call(IRISCARE, federal(Operator.IRISCARE), source=FEDERAL)
    assert service.maintain(other, IRISCARE).ok
    for writer in (AVIQ, IRISCARE):
        (line,) = service.list(listing(writer, FEDERAL), writer)[1]
        assert line.archive is writer.operator
    # What ORINT writes before the split names no archive yet; it holds all of them.
    orint = serving(engine, BEFORE)
    earlier = call(ORINT, of_source("2017-01-01", "2017-12-31"), source=FEDERAL)
    assert orint.maintain(earlier, ORINT).ok
    assert len(orint.list(listing(ORINT, FEDERAL), ORINT)[1]) == 3
    named = call(ORINT, federal(Operator.AVIQ), source=FEDERAL, ticket="t-2")
    assert told(orint.maintain(named, ORINT)) == [("inscription[1]", "ARCHIVE_FORBIDDEN")]


def test_a_repeated_call_is_answered_after_the_cutover_too(
    engine: Engine, service: MaintenanceService
) -> None:
    sent = call(ORINT, of_source("2020-01-01"), source=WALLONIA)
    assert serving(engine, BEFORE).maintain(sent, ORINT).ok
    assert service.maintain(sent, ORINT).ok
    new = service.maintain(replace(sent, sender=replace(sent.sender, ticket="t-2")), ORINT)
    assert (new.code, told(new)) == ("MSG00027", [("authenticSource", "WALLONIA")])
    assert count(engine) == (1, 1)


def test_lines_are_closed_once_and_all_or_none(engine: Engine, service: MaintenanceService) -> None:
    lines = (inscription("2024-01-01"), inscription("2024-02-01", ssin=MILA))
    assert service.maintain(call(FEDRIS, *lines), FEDRIS).ok

    def close(ticket: str, *drafts: Draft) -> Verdict:
        return service.maintain(call(FEDRIS, *drafts, operation=CLOSE, ticket=ticket), FEDRIS)

    first = replace(lines[0], end="2024-03-31")
    wrong = [
        first,
        replace(first, begin="2024-01-02"),
        replace(first, ssin=OTIS),
        first,
        replace(first, ssin=MILA, begin="2024-02-01", end="2024-01-01"),
    ]
    assert told(close("t-2", *wrong[:4])) == [
        ("closing[2]", "UNKNOWN_LINE"),
        ("closing[3]", "UNKNOWN_LINE"),
        ("closing[4]", "ALREADY_CLOSED"),
    ]
    assert told(close("t-2", first, wrong[4])) == [("closing[2]", "END_BEFORE_BEGIN")]
    assert service.list(listing(FEDRIS), FEDRIS)[1][0].end is None
    assert close("t-2", first).ok
    assert close("t-2", first).ok
    assert told(close("t-3", first)) == [("closing[1]", "ALREADY_CLOSED")]
    assert service.list(listing(FEDRIS), FEDRIS)[1][0].end == date(2024, 3, 31)
    assert service.list(listing(FEDRIS, ssin=MILA), FEDRIS)[1][0].end is None


def test_nobody_closes_anothers_line(service: MaintenanceService) -> None:
    assert service.maintain(call(FEDRIS, inscription()), FEDRIS).ok
    close = call(NAMUR, inscription(end="2024-03-01"), operation=CLOSE)
    assert told(service.maintain(close, NAMUR)) == [("closing[1]", "UNKNOWN_LINE")]


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        (None, None, [2020, 2022, 2024]),
        ("2021-12-31", None, [2022, 2024]),
        ("2021-12-31", "2021-12-31", []),
        ("2020-12-31", "2022-01-01", [2020, 2022]),
        ("2021-01-01", "2022-01-01", [2022]),
        ("2030-01-01", None, [2024]),
    ],
)
def test_lines_are_listed_that_meet_the_period(
    service: MaintenanceService, begin: str | None, end: str | None, found: list[int]
) -> None:
    years = [inscription(f"{year}-01-01", f"{year}-12-31") for year in (2022, 2020)]
    assert service.maintain(call(FEDRIS, *years, inscription("2024-01-01")), FEDRIS).ok
    assert service.maintain(call(NAMUR, inscription("2021-01-01")), NAMUR).ok
    verdict, lines = service.list(listing(FEDRIS, begin=begin, end=end), FEDRIS)
    assert [line.begin.year for line in lines] == found
    assert (verdict.code, verdict.information) == ("MSG00000" if found else "MSG00100", ())


@pytest.mark.parametrize(
    ("asked", "code", "names"),
    [
        (listing(FEDRIS, ssin="12031590100"), "MSG00011", ["ssin"]),
        (listing(FEDRIS, begin="1800-01-01"), "MSG00008", ["beginDate"]),
        (
            listing(FEDRIS, begin="2020-01-02", end="2020-01-01"),
            "MSG00008",
            ["beginDate", "endDate"],
        ),
        (listing(FEDRIS, WALLONIA), "MSG00027", ["authenticSource"]),
        (listing(NAMUR), "MSG00014", ["cbeNumber"]),
    ],
)
def test_lists_that_are_refused(
    service: MaintenanceService, asked: object, code: str, names: list[str]
) -> None:
    verdict, lines = service.list(asked, FEDRIS)  # type: ignore[arg-type]
    assert (verdict.code, [i.name for i in verdict.information], lines) == (code, names, ())


def test_a_list_has_a_thousand_lines_at_most(service: MaintenanceService) -> None:
    for ticket, quality in (("t-1", 1), ("t-2", 2)):
        days = [
            date.fromordinal(738000 + n).isoformat() for n in range(1000 if quality == 1 else 1)
        ]
        drafts = [inscription(day, day, quality=quality) for day in days]
        assert service.maintain(call(FEDRIS, *drafts, ticket=ticket), FEDRIS).ok
    verdict, lines = service.list(listing(FEDRIS), FEDRIS)
    assert len(lines) == 1000
    assert [(i.name, i.value) for i in verdict.information] == [("truncated", "inscription")]


def at_once(engine: Engine, calls: Sequence[object]) -> list[Verdict]:
    """The calls' verdicts, each from an engine of its own, as from another process."""

    def one(sent: object) -> Verdict:
        other = open_database(address(engine))
        try:
            return serving(other).maintain(sent, FEDRIS)  # type: ignore[arg-type]
        finally:
            other.dispose()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def test_the_same_call_at_the_same_time_writes_once(
    engine: Engine, service: MaintenanceService
) -> None:
    verdicts = at_once(engine, [call(FEDRIS, inscription())] * 6)
    assert all(verdict.ok for verdict in verdicts)
    assert count(engine) == (1, 1)


def test_lines_that_overlap_at_the_same_time_are_written_once(
    engine: Engine, service: MaintenanceService
) -> None:
    calls = [call(FEDRIS, inscription(), ticket=f"t-{n}") for n in range(6)]
    assert sum(verdict.ok for verdict in at_once(engine, calls)) == 1
    assert count(engine) == (1, 1)


def test_a_part_of_a_file_type_of_its_own(engine: Engine, service: MaintenanceService) -> None:
    """A participation file stands beside the usual one in the same months (DOMAIN 1)."""
    both = [of_source(), of_source(file_type=FileType.PARTICIPATION)]
    assert service.maintain(call(AVIQ, *both, source=WALLONIA), AVIQ).ok
    register = InscriptionRegister(engine)
    assert len(register.lines(Part(source=WALLONIA), NOOR, None, None, 10)) == 2
