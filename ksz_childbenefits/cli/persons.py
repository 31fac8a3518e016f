"""``persons import|export``: the register of persons, with their connecting factors."""

from __future__ import annotations

import typer

from ksz_childbenefits.bulk.export import export_persons
from ksz_childbenefits.bulk.persons import PersonsIntake
from ksz_childbenefits.cli import options, transfer

app = typer.Typer(
    help="The register of persons: numbers, domiciles and other connecting factors.",
    no_args_is_help=True,
)


@app.callback()
def persons() -> None:
    """The register of persons: numbers, domiciles and other connecting factors."""


@app.command("import")
def import_(file: transfer.ToRead, config: options.Config) -> None:
    """Add the persons and factors of FILE.csv[.gz] (docs/formats.md); goes on after a kill.

    Lines that break a rule are left out and written to a file beside it, whose name is told; then
    the exit code is 1.
    """
    transfer.import_file(PersonsIntake(), file, config)


@app.command("export")
def export(file: transfer.ToWrite, config: options.Config) -> None:
    """Write all persons and their factors to FILE.csv[.gz], as `persons import` reads them."""
    transfer.export_file(export_persons, file, config)
