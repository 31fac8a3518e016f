"""What the commands share on a terminal: consoles, tables, marks. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

COLOURS = {
    "DATA_FOUND": "green",
    "NO_DATA_FOUND": "cyan",
    "INCOMPLETE_DATA": "yellow",
    "TECHNICAL_ERROR": "red",
    "NO_RESULT": "red",
}
"""Colours of the status values; the value itself always stands in words."""


_UNFOLDED = 1_000_000
"""Columns that no table needs."""


def terminal() -> Console:
    """Standard output, as it is now: tests and pipes replace it."""
    return Console(highlight=False)


def complain(text: str) -> None:
    """One line on standard error, never folded."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]Error:[/red] {escape(text)}")


def status_text(value: str) -> Text:
    """A status value in its colour."""
    return Text(value, style=COLOURS.get(value, ""))


def new_table(*columns: str, title: str | None = None) -> Table:
    """A table in the style of all commands."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table) -> None:
    """A table on standard output; not folded in a pipe, or grep would miss what it looks for."""
    console = terminal()
    if not console.file.isatty():
        console.width = _UNFOLDED
    console.print(table)


def listed(values: Iterable[object]) -> str:
    """Values with commas between them, or a dash for none."""
    return ", ".join(str(value) for value in values) or "-"
