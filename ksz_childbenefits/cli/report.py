"""An answer on a terminal: who pays what to whom, and the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ksz_childbenefits.cli import timeline
from ksz_childbenefits.cli.answer import Answer, AnsweredFile, SourceAnswer, Verdict
from ksz_childbenefits.cli.display import listed, new_table, status_text
from ksz_childbenefits.domain.files import FileMember, Fund
from ksz_childbenefits.domain.months import MonthRange


def print_report(console: Console, answer: Answer, asked: MonthRange) -> None:
    """Print the whole answer over the months ``asked``."""
    console.print(_verdict(answer.verdict))
    console.print(f"ticketCBSS {answer.ticket_cbss}", style="dim")
    for source in answer.sources:
        console.print()
        console.print(_source(source))
    if answer.sources:
        console.print()
        console.print(_timeline(answer, asked, console.width))


def _verdict(verdict: Verdict, name: str = "") -> Text:
    """A status in words: value, code, description, and its information below."""
    head = Text(f"{name}  " if name else "", style="bold")
    head.append(status_text(verdict.value)).append(f"  {verdict.code}  {verdict.description}")
    for label, value in verdict.information:
        head.append(f"\n  {label}: {value}")
    return head


def _source(source: SourceAnswer) -> RenderableType:
    files = [Padding(part, (0, 0, 0, 2)) for file in source.files for part in _file(file)]
    return Group(_verdict(source.verdict, source.source), *files)


def _file(file: AnsweredFile) -> Iterator[RenderableType]:
    named = [f"File {file.number}" if file.number else "File"]
    named.append(f"paid by {_fund(file.fund)}")
    if file.entitled_person:
        named.append(f"entitled person {file.entitled_person}")
    yield Text(", ".join(named))
    table = new_table("Person", "As", "What", "From", "To", "To whom")
    _add_members(table, "child", file.children)
    _add_members(table, "beneficiary", file.beneficiaries)
    yield table


def _fund(fund: Fund) -> str:
    """The fund's number with its names, each name once."""
    names = " / ".join(dict.fromkeys(d.text for d in fund.descriptions))
    return f"{fund.number} ({names})" if names else fund.number


def _add_members(table: Table, role: str, members: Iterable[FileMember]) -> None:
    """One row for each period and bonus; a person's number stands on the first of them."""
    for member in members:
        payments = [
            *(
                (p.category, str(p.begin), str(p.end or "open"), p.beneficiaries)
                for p in member.periods
            ),
            *(
                (f"{b.category} bonus", str(b.payment_date), "", b.beneficiaries)
                for b in member.bonuses
            ),
        ]
        person = (member.ssin, role)
        for what, begin, end, receivers in payments or [("", "", "", ())]:
            table.add_row(*person, what, begin, end, listed(receivers) if receivers else "")
            person = ("", "")


def _timeline(answer: Answer, asked: MonthRange, width: int) -> Text:
    rows = timeline.rows(answer.sources, asked)
    return Text("\n".join((*timeline.draw(rows, asked, width), timeline.LEGEND)))
