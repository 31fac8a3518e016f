"""An answer on a terminal: who pays what to whom, and the timeline."""

from __future__ import annotations

from collections.abc import Iterator

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
    if answer.withheld:
        console.print(Text(f"  withheld: {listed(answer.withheld)}"))
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
    table = new_table("Person", "As", "What", "From", "To")
    if any(_names_receivers(child) for child in file.children):
        table.add_column("To whom")
    for role, members in (("child", file.children), ("beneficiary", file.beneficiaries)):
        for member in members:
            _add_member(table, role, member)
    yield table


def _fund(fund: Fund) -> str:
    """The fund's number with its first name; the JSON has it in every language."""
    return f"{fund.number} ({fund.descriptions[0].text})" if fund.descriptions else fund.number


def _names_receivers(child: FileMember) -> bool:
    """Whether a bonus or period of the child says who received it (only in FLANDERS)."""
    return any(p.beneficiaries for p in child.periods) or any(
        b.beneficiaries for b in child.bonuses
    )


def _add_member(table: Table, role: str, member: FileMember) -> None:
    """A row for each period and bonus; the person's number stands on the first of them."""
    rows = [
        *(
            (p.category, f"{p.begin}", f"{p.end or 'open'}", p.beneficiaries)
            for p in member.periods
        ),
        *(
            (f"{b.category} bonus", f"{b.payment_date}", "", b.beneficiaries)
            for b in member.bonuses
        ),
    ]
    person = (member.ssin, role)
    for what, begin, end, receivers in rows or [("", "", "", ())]:
        cells = (*person, what, begin, end, "\n".join(receivers))
        table.add_row(*cells[: len(table.columns)])
        person = ("", "")


def _timeline(answer: Answer, asked: MonthRange, width: int) -> Text:
    rows = timeline.rows(answer.sources, asked)
    return Text("\n".join((*timeline.draw(rows, asked, width), timeline.LEGEND)))
