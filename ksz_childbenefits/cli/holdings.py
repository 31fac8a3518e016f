"""``cadastre import|export|split``: what the operators hold."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import Engine

from ksz_childbenefits.bulk.export import Watch, export_holdings
from ksz_childbenefits.bulk.holdings import HoldingsIntake
from ksz_childbenefits.cadastres.proof import ProofFailed, SplitCount
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.cli import options, registers, transfer
from ksz_childbenefits.cli.cadastre import OperatorName, app
from ksz_childbenefits.cli.display import new_table, print_table, terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.sources import Operator

__all__ = ["app"]


@app.command("import")
def import_(file: transfer.ToRead, operator: OperatorName, config: options.Config) -> None:
    """Add the funds, files and repertory of FILE.jsonl[.gz] to an operator's part.

    As docs/formats.md describes them; goes on after a kill. Lines that break a rule are left out
    and written to a file beside it, whose name is told; then the exit code is 1.
    """
    transfer.import_file(HoldingsIntake(operator), file, config)


@app.command("export")
def export(file: transfer.ToWrite, operator: OperatorName, config: options.Config) -> None:
    """Write what an operator holds to FILE.jsonl[.gz], as `cadastre import` reads it."""

    def write(engine: Engine, path: Path, watch: Watch) -> int:
        return export_holdings(engine, operator, path, watch)

    transfer.export_file(write, file, config)


@app.command("split")
def split_(config: options.Config) -> None:
    """Carry ORINT's holdings over to Iriscare and AVIQ as of 2024-01-01, and prove it.

    Nothing is lost or doubled: every row is compared with its copy, by content. Goes on where it
    was stopped or killed; a second run carries what is new. The persons in federal files must be
    in the register (`persons import`). Exit code 1 if the proof fails.
    """
    console = terminal()
    with registers.opened(load_settings(config)) as engine:
        try:
            columns = (SpinnerColumn(), TextColumn("{task.description}"))
            with Progress(*columns, console=console, transient=True) as bar:
                task = bar.add_task("Splitting")
                count = split(engine, partial(_describe, bar, task))
        except KeyboardInterrupt:
            console.print("Stopped. The same command goes on with what is left.")
            raise typer.Exit(transfer.STOPPED) from None
        except ProofFailed as error:
            console.print(f"The proof fails: {error}")
            raise typer.Exit(transfer.REJECTED) from None
    _report(count)


def _describe(bar: Progress, task: object, what: str, rows: int) -> None:
    bar.update(task, description=f"{what}: {rows:,}")  # type: ignore[arg-type]


def _report(count: SplitCount) -> None:
    table = new_table("Held by", "Files", "Entries", "FEDERAL lines", "SHA-256 of all files")
    for operator in (Operator.ORINT, Operator.IRISCARE, Operator.AVIQ):
        cells = (count.files, count.entries, count.lines)
        numbers = [f"{column.get(operator, 0):,}" for column in cells]
        table.add_row(operator, *numbers, count.digests.get(operator, "-")[:16])
    print_table(table)
    terminal().print("Proved: every file has one copy, every entry one at each archive it leads to")
