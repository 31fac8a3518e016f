"""Answers become results and one status (DOMAIN 1 and 5)."""

from __future__ import annotations

import pytest

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    SourceResult,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.merging import (
    Answer,
    NoSourceAnswered,
    global_status,
    source_result,
)
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.routing import SourceRoute
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.domain.makers import (
    AVIQ,
    BRUSSELS,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    IRISCARE,
    ORINT,
    WALLONIA,
    file,
    months,
)

RANGE = months("2018-01", "2019-12")
EARLY = file("2015-01-01", "2018-06-30", fund="101", number="1")
LATE = file("2018-07-01", fund="102", number="2")
OUTSIDE = file("2010-01-01", "2017-12-31", fund="103", number="3")


def route(
    source: AuthenticSource, *operators: Operator, asked: MonthRange | None = RANGE
) -> SourceRoute:
    return SourceRoute(source, asked, operators, tuple)


def info(*pairs: tuple[str, str]) -> tuple[Information, ...]:
    return tuple(Information(name, value) for name, value in pairs)


FOUND = Status(StatusValue.DATA_FOUND, Code.SUCCESS)
NOTHING = Status(StatusValue.NO_DATA_FOUND, Code.NO_DATA)
UNKNOWN = Status(StatusValue.NO_DATA_FOUND, Code.NOT_INTEGRATED_SUPPLIER)


def error(source: AuthenticSource, *more: tuple[str, str]) -> Status:
    information = info(("authenticSource", source), *more)
    return Status(StatusValue.TECHNICAL_ERROR, Code.COMMUNICATION_ERROR, information)


# One source.


def test_the_codes() -> None:
    assert {code.name: code.value for code in Code} == {
        "SUCCESS": "MSG00000",
        "COMMUNICATION_ERROR": "MSG00002",
        "SSIN_UNKNOWN": "MSG00005",
        "SSIN_REPLACED": "MSG00006",
        "SSIN_CANCELLED": "MSG00007",
        "INVALID_DATA": "MSG00008",
        "SSIN_INVALID": "MSG00011",
        "NOT_INTEGRATED_CUSTOMER": "MSG00012",
        "LEGAL_CONTEXT": "MSG00013",
        "CREDENTIALS": "MSG00014",
        "NOT_INTEGRATED_SUPPLIER": "MSG00021",
        "NOT_ALLOWED": "MSG00027",
        "NO_DATA": "MSG00100",
        "PARTIAL": "CHB00001",
    }


@pytest.mark.parametrize("asked", [RANGE, None])
def test_a_source_not_consulted_does_not_know_the_person(asked: MonthRange | None) -> None:
    assert source_result(route(WALLONIA, asked=asked), ()) == SourceResult(WALLONIA, UNKNOWN)


def test_a_source_with_files() -> None:
    answers = [Answer(AVIQ, (LATE, OUTSIDE, EARLY))]
    expected = SourceResult(WALLONIA, FOUND, (EARLY, LATE))
    assert source_result(route(WALLONIA, AVIQ), answers) == expected


@pytest.mark.parametrize("files", [(), (OUTSIDE,)])
def test_a_source_that_has_nothing(files: tuple[()]) -> None:
    found = source_result(route(WALLONIA, AVIQ), [Answer(AVIQ, files)])
    assert found == SourceResult(WALLONIA, NOTHING)


def test_a_source_that_failed() -> None:
    found = source_result(route(WALLONIA, AVIQ), [Answer(AVIQ, None)])
    assert found == SourceResult(WALLONIA, error(WALLONIA))


def test_more_than_a_hundred_files_are_said_to_be_truncated() -> None:
    many = tuple(file("2018-01-01", number=f"{n:03d}") for n in range(101))
    found = source_result(route(WALLONIA, AVIQ), [Answer(AVIQ, many)])
    information = info(("truncated", "file"))
    expected = Status(StatusValue.DATA_FOUND, Code.SUCCESS, information)
    assert found == SourceResult(WALLONIA, expected, many[1:])


def test_what_an_operator_truncated_is_said_once_in_the_order_of_the_xsd() -> None:
    many = tuple(file("2018-01-01", number=f"{n:03d}") for n in range(101))
    answers = [Answer(AVIQ, many, ("child", "file")), Answer(IRISCARE, (EARLY,), ("bonus",))]
    found = source_result(BOTH, answers)
    assert found.status.information == info(
        ("truncated", "file"), ("truncated", "bonus"), ("truncated", "child")
    )


# FEDERAL at two archives.


BOTH = route(FEDERAL, IRISCARE, AVIQ)


def test_the_files_of_two_archives_are_one_result_in_one_order() -> None:
    answers = [Answer(IRISCARE, (LATE,)), Answer(AVIQ, (EARLY,))]
    assert source_result(BOTH, answers) == SourceResult(FEDERAL, FOUND, (EARLY, LATE))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([Answer(IRISCARE, (EARLY,)), Answer(AVIQ, ())], (EARLY,)),
        ([Answer(IRISCARE, ()), Answer(AVIQ, (EARLY,))], (EARLY,)),
    ],
)
def test_data_found_if_either_archive_has_files(answers: list[Answer], expected: tuple[()]) -> None:
    assert source_result(BOTH, answers) == SourceResult(FEDERAL, FOUND, expected)


def test_two_archives_with_nothing() -> None:
    answers = [Answer(IRISCARE, ()), Answer(AVIQ, ())]
    assert source_result(BOTH, answers) == SourceResult(FEDERAL, NOTHING)


@pytest.mark.parametrize("down", [IRISCARE, AVIQ])
def test_one_archive_down_and_files_at_the_other(down: Operator) -> None:
    answers = [Answer(o, None if o is down else (EARLY,)) for o in (IRISCARE, AVIQ)]
    status = Status(StatusValue.DATA_FOUND, Code.SUCCESS, info(("archive", down)))
    found = source_result(BOTH, answers)
    assert found == SourceResult(FEDERAL, status, (EARLY,))
    assert global_status([found]) == Status(
        StatusValue.INCOMPLETE_DATA, Code.PARTIAL, info(("authenticSource", "FEDERAL"))
    )


@pytest.mark.parametrize("down", [IRISCARE, AVIQ])
def test_one_archive_down_and_no_files_at_the_other(down: Operator) -> None:
    answers = [Answer(o, None if o is down else (OUTSIDE,)) for o in (IRISCARE, AVIQ)]
    found = source_result(BOTH, answers)
    assert found == SourceResult(FEDERAL, error(FEDERAL, ("archive", down)))


def test_both_archives_down() -> None:
    found = source_result(BOTH, [Answer(IRISCARE, None), Answer(AVIQ, None)])
    expected = error(FEDERAL, ("archive", "Iriscare"), ("archive", "AVIQ"))
    assert found == SourceResult(FEDERAL, expected)


@pytest.mark.parametrize("operator", [ORINT, AVIQ, IRISCARE])
def test_one_archive_asked_is_the_source_itself(operator: Operator) -> None:
    found = source_result(route(FEDERAL, operator), [Answer(operator, None)])
    assert found == SourceResult(FEDERAL, error(FEDERAL))


def test_the_archive_is_named_before_what_was_truncated() -> None:
    many = tuple(file("2018-01-01", number=f"{n:03d}") for n in range(101))
    found = source_result(BOTH, [Answer(IRISCARE, None), Answer(AVIQ, many)])
    assert found.status.information == info(("archive", "Iriscare"), ("truncated", "file"))


# The whole.


def result(source: AuthenticSource, status: Status) -> SourceResult:
    return SourceResult(source, status, (EARLY,) if status is FOUND else ())


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({WALLONIA: FOUND}, FOUND),
        ({WALLONIA: FOUND, FLANDERS: NOTHING, BRUSSELS: UNKNOWN}, FOUND),
        ({WALLONIA: NOTHING}, NOTHING),
        ({WALLONIA: NOTHING, FLANDERS: UNKNOWN}, NOTHING),
        ({WALLONIA: UNKNOWN, FLANDERS: UNKNOWN}, UNKNOWN),
        ({WALLONIA: UNKNOWN}, UNKNOWN),
    ],
)
def test_without_a_technical_problem(
    statuses: dict[AuthenticSource, Status], expected: Status
) -> None:
    results = [result(source, status) for source, status in statuses.items()]
    assert global_status(results) == expected


@pytest.mark.parametrize(
    ("others", "failed"),
    [
        ({FLANDERS: FOUND}, [WALLONIA]),
        ({FLANDERS: NOTHING}, [WALLONIA]),
        # a source not consulted counts as answered: with all five asked, only WALLONIA consulted
        (dict.fromkeys((FEDERAL, BRUSSELS, FLANDERS, EASTBELGIUM), UNKNOWN), [WALLONIA]),
        # AVIQ down: WALLONIA, EASTBELGIUM and FLANDERS asked
        ({EASTBELGIUM: error(EASTBELGIUM), FLANDERS: FOUND}, [WALLONIA, EASTBELGIUM]),
    ],
)
def test_incomplete_where_some_source_could_not_be_consulted(
    others: dict[AuthenticSource, Status], failed: list[str]
) -> None:
    results = [result(s, status) for s, status in ({WALLONIA: error(WALLONIA)} | others).items()]
    assert global_status(results) == Status(
        StatusValue.INCOMPLETE_DATA,
        Code.PARTIAL,
        info(*(("authenticSource", source) for source in failed)),
    )


@pytest.mark.parametrize("asked", [(WALLONIA,), (WALLONIA, EASTBELGIUM), (FEDERAL,)])
def test_where_every_source_asked_failed_there_is_no_status(
    asked: tuple[AuthenticSource, ...],
) -> None:
    """The service answers with the fault MSG00002 and these information elements."""
    with pytest.raises(NoSourceAnswered) as raised:
        global_status([result(source, error(source, ("archive", "AVIQ"))) for source in asked])
    assert raised.value.information == info(*(("authenticSource", source) for source in asked))


def test_truncated_is_not_incomplete() -> None:
    truncated = Status(StatusValue.DATA_FOUND, Code.SUCCESS, info(("truncated", "file")))
    assert global_status([SourceResult(WALLONIA, truncated, (EARLY,))]) == FOUND


@pytest.mark.parametrize("status", [FOUND, NOTHING, UNKNOWN])
def test_sources_left_out_are_named_after_any_others(status: Status) -> None:
    left_out = info(
        ("authenticSourceNotAllowed", "BRUSSELS"), ("authenticSourceNotAllowed", "FLANDERS")
    )
    found = global_status([result(WALLONIA, status)], (BRUSSELS, FLANDERS))
    assert found == Status(status.value, status.code, left_out)
    partial = [result(WALLONIA, status), result(FEDERAL, error(FEDERAL))]
    assert global_status(partial, (BRUSSELS, FLANDERS)) == Status(
        StatusValue.INCOMPLETE_DATA,
        Code.PARTIAL,
        (*info(("authenticSource", "FEDERAL")), *left_out),
    )
