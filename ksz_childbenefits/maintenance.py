"""The maintenance of the person repertory: by whom, once per ticket, all or nothing (DOMAIN 2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from datetime import date

from ksz_childbenefits.domain import ssin
from ksz_childbenefits.domain.consultation import Code, Information, NoResult
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.inscriptions import (
    MAX_LINES,
    Closings,
    Draft,
    Listing,
    Maintenance,
    Operation,
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
from ksz_childbenefits.registers.checks import check_line, require
from ksz_childbenefits.registers.inscriptions import InscriptionRegister, Ledger
from ksz_childbenefits.registers.rules import BrokenRule, Rule

_ELEMENTS = {Operation.REGISTER: "inscription", Operation.CLOSE: "closing"}
"""What a line is called in a request, and so where a rule is said to be broken."""

Breach = tuple[int, Rule]
"""The line of a request, counted from 0, and the rule that it breaks."""


@dataclass(frozen=True, slots=True)
class MaintenanceService:
    """Registers, closes and lists the lines of whoever calls.

    ``today`` gives the consultation day. Whether a number exists is never told: any valid SSIN can
    be inscribed. Raises Unavailable when the register does not answer.
    """

    register: InscriptionRegister
    today: Callable[[], date]

    def maintain(self, call: Maintenance, writer: Writer) -> Verdict:
        """Register or close all lines of the call, or none.

        A call under a ticket that this writer has used does nothing: with the same content it ends
        as the first did, with other content it is refused. A refusal uses up no ticket.
        """
        try:
            check_sender(call.sender.identification, writer)
            ticket = ticket_kept(call.sender.ticket)
            with self.register.writing(_name(writer)) as ledger:
                if not _written(ledger, ticket, call):
                    self._write(ledger, call, part_of(writer, call.source, self.today()))
                    ledger.remember(ticket, _digest(call))
        except NoResult as refusal:
            return Verdict(refusal.status.code, refusal.status.information)
        return Verdict(Code.SUCCESS)

    def list(self, call: Listing, writer: Writer) -> tuple[Verdict, tuple[RepertoryLine, ...]]:
        """The writer's own lines of one number, at most 1,000 (then ``truncated`` is told)."""
        try:
            check_sender(call.sender.identification, writer)
            part = part_of(writer, call.source, self.today())
            begin, end = _period(call)
        except NoResult as refusal:
            return Verdict(refusal.status.code, refusal.status.information), ()
        lines = self.register.lines(part, call.ssin, begin, end, MAX_LINES + 1)
        if not lines:
            return Verdict(Code.NO_DATA), ()
        cut = (Information("truncated", "inscription"),) if len(lines) > MAX_LINES else ()
        return Verdict(Code.SUCCESS, cut), lines[:MAX_LINES]

    def _write(self, ledger: Ledger, call: Maintenance, part: Part) -> None:
        lines = _lines(call, part)
        held = ledger.held(part, sorted({line.ssin for line in lines}))
        if call.operation is Operation.REGISTER:
            found = overlaps(lines, [one.line for one in held])
            _refuse(call, [(index, Rule.OVERLAP) for index in sorted(found)])
            ledger.add(lines)
        else:
            closings = Closings(held)
            _refuse(call, _unclosed(closings, lines))
            ledger.close(closings.ends)


def _name(writer: Writer) -> str:
    if isinstance(writer, Customer):
        return f"customer {writer.name}"
    return f"operator {writer.operator}"


def _written(ledger: Ledger, ticket: str, call: Maintenance) -> bool:
    """Whether this call was answered before; MSG00008 where its ticket stands for another."""
    known = ledger.digest(ticket)
    if known not in (None, _digest(call)):
        raise NoResult(Code.INVALID_DATA, Information("ticket", "used for other content"))
    return known is not None


def _digest(call: Maintenance) -> bytes:
    content = [call.operation, call.source, [astuple(draft) for draft in call.drafts]]
    return hashlib.sha256(json.dumps(content).encode()).digest()


def _lines(call: Maintenance, part: Part) -> list[RepertoryLine]:
    """The lines of the call, each held to the rules by itself."""
    lines, breaches = [], []
    for index, draft in enumerate(call.drafts):
        try:
            lines.append(_line(draft, part))
        except BrokenRule as broken:
            breaches.append((index, broken.rule))
    _refuse(call, breaches)
    return lines


def _line(draft: Draft, part: Part) -> RepertoryLine:
    try:
        line = line_of(draft, part)
    except ValueError as error:
        raise BrokenRule(str(error), Rule.INVALID_DATE) from None
    if part.archive is not None:
        text = "since the split a FEDERAL line names its archive"
        require(line.archive is not None, text, Rule.ARCHIVE_MISSING)
    require(line.archive is part.archive, "the archive is another's", Rule.ARCHIVE_FORBIDDEN)
    check_line(line)
    return line


def _unclosed(closings: Closings, lines: Iterable[RepertoryLine]) -> list[Breach]:
    breaches = []
    for index, line in enumerate(lines):
        if not closings.knows(line):
            breaches.append((index, Rule.UNKNOWN_LINE))
        elif not closings.close(line):
            breaches.append((index, Rule.ALREADY_CLOSED))
    return breaches


def _refuse(call: Maintenance, breaches: Iterable[Breach]) -> None:
    """MSG00008 that names each broken rule and its line, counted from 1, if there are any."""
    element = _ELEMENTS[call.operation]
    told = [Information(f"{element}[{index + 1}]", rule) for index, rule in breaches]
    if told:
        raise NoResult(Code.INVALID_DATA, *told)


def _period(call: Listing) -> tuple[date | None, date | None]:
    """The days asked for; MSG00011 for a number that cannot be, MSG00008 for days that cannot."""
    if not ssin.is_valid(call.ssin):
        raise NoResult(Code.SSIN_INVALID, Information("ssin", call.ssin))
    sent = {"beginDate": call.begin, "endDate": call.end}
    told = [Information.as_sent(name, text) for name, text in sent.items() if text is not None]
    try:
        begin, end = (None if text is None else day_of(text) for text in sent.values())
    except ValueError:
        raise NoResult(Code.INVALID_DATA, *told) from None
    if begin is not None and end is not None and end < begin:
        raise NoResult(Code.INVALID_DATA, *told)
    return begin, end
