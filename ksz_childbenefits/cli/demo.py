"""``demo init``: everything that a first consultation needs, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.demo.init import create_demo

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
