"""The report of a run for a person: progress, differences, counts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

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
