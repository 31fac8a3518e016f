"""The answers of the calls become results, and these one status (DOMAIN 1 and 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    SourceResult,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.routing import SourceRoute
from ksz_childbenefits.domain.selection import ELEMENTS, Selection, select
from ksz_childbenefits.domain.sources import AuthenticSource, Operator

ARCHIVE = "archive"
"""Names, in a source's status, a federal archive that failed where two were asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one operator gave for one source: its files, or None where it failed.

    ``truncated`` names the elements of which the operator itself left some out.
    """

    operator: Operator
    files: tuple[File, ...] | None
    truncated: tuple[str, ...] = ()


class NoSourceAnswered(Exception):
    """Every source asked has a technical error: no status, but a fault (MSG00002)."""

    def __init__(self, *information: Information) -> None:
        """Keep an ``authenticSource`` for each of them."""
        super().__init__("no source answered")
        self.information = information


def source_result(route: SourceRoute, answers: Iterable[Answer]) -> SourceResult:
    """The result of one source asked, from the answers of the operators called for it.

    The files of two archives are put in one order. A file counts once per archive: none is dropped.
    """
    if route.months is None or not route.consulted:
        return _nothing(route.source, Code.NOT_INTEGRATED_SUPPLIER)
    given = tuple(answers)
    held = [file for answer in given for file in answer.files or ()]
    selection = select(held, route.months, route.source)
    failures = _failures(route, given)
    information = (*failures, *_truncations(given, selection))
    if selection.files:
        status = Status(StatusValue.DATA_FOUND, Code.SUCCESS, information)
        return SourceResult(route.source, status, selection.files)
    if any(answer.files is None for answer in given):
        failed = Information("authenticSource", route.source)
        error = (StatusValue.TECHNICAL_ERROR, Code.COMMUNICATION_ERROR)
        return SourceResult(route.source, Status(*error, (failed, *failures)))
    return _nothing(route.source, Code.NO_DATA)


def _truncations(answers: Iterable[Answer], selection: Selection) -> Iterator[Information]:
    """What operators left out, and what was left out here, each element once (DOMAIN 5)."""
    cut = {*selection.truncated, *(name for answer in answers for name in answer.truncated)}
    return (Information("truncated", name) for name in ELEMENTS if name in cut)


def _nothing(source: AuthenticSource, code: Code) -> SourceResult:
    return SourceResult(source, Status(StatusValue.NO_DATA_FOUND, code))


def _failures(route: SourceRoute, answers: Iterable[Answer]) -> tuple[Information, ...]:
    """The archives that failed, named only where two were asked: one alone is the source."""
    if len(route.operators) == 1:
        return ()
    return tuple(Information(ARCHIVE, a.operator) for a in answers if a.files is None)


def global_status(
    results: Sequence[SourceResult], left_out: Iterable[AuthenticSource] = ()
) -> Status:
    """The status of the whole, and after it the sources left out of an open question (DOMAIN 2, 5).

    A source not consulted counts as answered. Raises NoSourceAnswered where every source asked
    has a technical error.
    """
    failed = tuple(Information("authenticSource", r.source) for r in results if _incomplete(r))
    values = [result.status.value for result in results]
    if all(value is StatusValue.TECHNICAL_ERROR for value in values):
        raise NoSourceAnswered(*failed)
    omitted = tuple(Information("authenticSourceNotAllowed", source) for source in left_out)
    if failed:
        return Status(StatusValue.INCOMPLETE_DATA, Code.PARTIAL, (*failed, *omitted))
    if StatusValue.DATA_FOUND in values:
        return Status(StatusValue.DATA_FOUND, Code.SUCCESS, omitted)
    unknown = all(r.status.code is Code.NOT_INTEGRATED_SUPPLIER for r in results)
    code = Code.NOT_INTEGRATED_SUPPLIER if unknown else Code.NO_DATA
    return Status(StatusValue.NO_DATA_FOUND, code, omitted)


def _incomplete(result: SourceResult) -> bool:
    names = {information.name for information in result.status.information}
    return result.status.value is StatusValue.TECHNICAL_ERROR or ARCHIVE in names
