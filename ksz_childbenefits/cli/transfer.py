"""What ``import`` and ``export`` of every kind share: the bar, stopping, the report."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TaskID, TimeRemainingColumn
from rich.progress import Progress as Bar
from sqlalchemy import Engine

from ksz_childbenefits.bulk.intake import Intake, run_import
from ksz_childbenefits.cli import registers
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.config import load_settings

STOPPED = 130
"""Exit code: stopped by Ctrl-C."""

REJECTED = 1
"""Exit code: at least one line of the file was rejected."""

_SWITCH_SECONDS = 0.0005
"""How long the thread that reads may keep the one that stores from going on."""

ToRead = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file; packed with gzip or not.", dir_okay=False)
]

ToWrite = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The new file; packed if it ends in .gz.", dir_okay=False),
]


def import_file(intake: Intake[Any], path: Path, config: Path) -> None:
    """Import a file, or the rest of it; exit code 1 if any line was rejected."""
    console = terminal()
    sys.setswitchinterval(_SWITCH_SECONDS)
    # What the program consists of stays: not to be looked through for garbage again and again.
    gc.freeze()
    with registers.opened(load_settings(config)) as engine:
        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        try:
            with Bar("Importing", *columns, console=console, transient=True) as bar:
                outcome = run_import(engine, intake, path, watch=shown(bar))
        except KeyboardInterrupt:
            console.print("Stopped. The same command goes on with what is left.")
            raise typer.Exit(STOPPED) from None
    if outcome.repeated:
        console.print("This file was imported before and is not read again. Then:")
    console.print(f"Imported {outcome.imported:,} lines, rejected {outcome.rejected:,}.")
    if outcome.rejected:
        console.print(f"Rejected lines: {outcome.rejections}", soft_wrap=True)
        raise typer.Exit(REJECTED)


def export_file(
    write: Callable[[Engine, Path, Callable[[int, int], None]], int], path: Path, config: Path
) -> None:
    """Export into a new file, or leave none."""
    console = terminal()
    with registers.opened(load_settings(config)) as engine:
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Bar("Exporting", *columns, console=console, transient=True) as bar:
                count = write(engine, path, shown(bar))
        except KeyboardInterrupt:
            console.print("Stopped: nothing is written.")
            raise typer.Exit(STOPPED) from None
    console.print(f"Exported {count:,} lines to {path}", soft_wrap=True)


def shown(bar: Bar) -> Callable[[int, int], None]:
    """What tells a bar how much is done, of how much."""
    task: TaskID = bar.add_task("", total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)
