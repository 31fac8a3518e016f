"""The report of a run for a person: progress, differences, counts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ksz_childbenefits.conformance.attack import QUICK_SECONDS, Health, Tallies
from ksz_childbenefits.conformance.judge import Verdict
from ksz_childbenefits.conformance.run import Result, Tally

_CONTEXT = 3
_STYLES = {"-": "red", "+": "green", "@": "cyan"}


def difference(verdict: Verdict) -> Iterator[str]:
    """The unified difference of expected and actual lines, without the names of files."""
    compared = difflib.unified_diff(verdict.expected, verdict.actual, lineterm="", n=_CONTEXT)
    for number, line in enumerate(compared):
        if number > 1:
            yield line


def show(console: Console, result: Result) -> None:
    """Show a case that failed, with its story, rule and difference."""
    verdict = result.verdict
    if verdict is None or verdict.passed:
        return
    case = result.case
    console.print(f"[bold red]failed[/] [bold]{escape(case.name)}[/]  {escape(case.story)}")
    console.print(f"       [dim]{escape(case.rule)}; - expected, + came[/]")
    for line in difference(verdict):
        console.print(f"       {escape(line)}", style=_STYLES.get(line[0]), highlight=False)


def summarise(console: Console, tally: Tally, stopped: bool) -> None:
    """Show the counts, and why cases were skipped."""
    skipped = tally.skipped.total()
    if stopped:
        console.print("[yellow]stopped; so far:[/]")
    console.print(
        f"[green]{tally.passed} passed[/], "
        f"[{'red' if tally.failed else 'dim'}]{tally.failed} failed[/], "
        f"[{'yellow' if skipped else 'dim'}]{skipped} skipped[/]"
    )
    for reason, count in tally.skipped.most_common():
        console.print(f"  skipped {count}: {escape(reason)}", style="dim", highlight=False)


def show_families(console: Console, tallies: Tallies) -> None:
    """Show the counts of each family of attacks."""
    table = Table("family", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("passed", "failed", "skipped"):
        table.add_column(name, justify="right")
    for family, tally in tallies.families.items():
        style = "bold red" if tally.failed else ""
        numbers = (tally.passed, tally.failed, tally.skipped.total())
        table.add_row(family.value, *map(str, numbers), style=style)
    console.print(table)


def show_health(console: Console, before: Health, after: Health) -> None:
    """Show how honest requests were answered before and after."""
    for when, one in (("before", before), ("after", after)):
        verdict = "[green]well[/]" if one.good else "[bold red]not well[/]"
        console.print(
            f"honest requests {when} the attack: {verdict}; {one.answered} answered, "
            f"the slowest in {one.slowest * 1000:.0f} ms (at most {QUICK_SECONDS * 1000:.0f})"
        )
