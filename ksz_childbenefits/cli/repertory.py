"""``repertory import|export``: the lines of the person repertory."""

from __future__ import annotations

import typer

from ksz_childbenefits.bulk.export import export_repertory
from ksz_childbenefits.bulk.repertory import RepertoryIntake
from ksz_childbenefits.cli import options, transfer

app = typer.Typer(help="The person repertory: who is known where.", no_args_is_help=True)


@app.callback()
def repertory() -> None:
    """The person repertory: who is known where."""


@app.command("import")
def import_(file: transfer.ToRead, config: options.Config) -> None:
    """Add the lines of FILE.csv[.gz] (docs/formats.md); goes on after a kill.

    Lines that break a rule are left out and written to a file beside it, whose name is told; then
    the exit code is 1.
    """
    transfer.import_file(RepertoryIntake(), file, config)


@app.command("export")
def export(file: transfer.ToWrite, config: options.Config) -> None:
    """Write all lines to FILE.csv[.gz], as `repertory import` reads them."""
    transfer.export_file(export_repertory, file, config)
