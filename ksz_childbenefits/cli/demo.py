"""``demo init`` and ``demo world``: what a first consultation needs, and what a country does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from sqlalchemy import Engine, func, select

from ksz_childbenefits.cli import options
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo.generator import generate_world
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.migrating import migrate
from ksz_childbenefits.registers.schema import persons as persons_table

STOPPED = 130
"""Exit code: stopped by Ctrl-C, as shells say it."""

app = typer.Typer(
    help="A world of invented persons, to try the service with.", no_args_is_help=True
)


@app.callback()
def demo() -> None:
    """A world of invented persons, to try the service with."""


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Write DIR/config.toml, freshly generated keys and certificates, and a filled database."""
    console = terminal()
    with console.status("Generating keys and filling the registers ..."):
        config = create_demo(folder)
    console.print(f"Ready: {config}", soft_wrap=True)
    console.print(f"Next:  ksz-childbenefits serve --config {config}", soft_wrap=True)


@app.command("world")
def world(
    persons: Annotated[
        int, typer.Option("--persons", min=1, metavar="N", help="How many persons, roughly.")
    ],
    config: options.Config,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    files: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            help="Percentage of families whose files the cadastres hold; repertories know all.",
        ),
    ] = 100,
) -> None:
    """Add N invented persons to the database: families, domiciles, some five lines each, files.

    The same seed gives the same world, as it is since the split of 2024. Files take most of the
    time and space: for millions of persons `--files 1` will do. Ctrl-C stops after whole families.
    """
    engine = open_database(load_settings(config).database.url)
    try:
        migrate(engine)
        _generate(engine, persons, seed, files)
    finally:
        engine.dispose()


def _generate(engine: Engine, size: int, seed: int, files: int) -> None:
    console = terminal()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress("Persons", *columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=size)
            for stored in generate_world(engine, size, seed, files):
                progress.update(task, completed=min(stored, size))
    except KeyboardInterrupt:
        console.print(f"Stopped: the database holds {_count(engine):,} persons.")
        raise typer.Exit(STOPPED) from None
    console.print(f"Ready: the database holds {_count(engine):,} persons.")


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        query = select(func.count()).select_from(persons_table)
        return connection.execute(query).scalar_one()
