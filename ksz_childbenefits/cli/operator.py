"""``operator add``: let an operator maintain the lines of its sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.security.credentials import load_certificate

app = typer.Typer(help="Who maintains the lines of the authentic sources.", no_args_is_help=True)


@app.callback()
def operator() -> None:
    """Who maintains the lines of the authentic sources."""


Name = Annotated[
    Operator,
    typer.Argument(
        metavar="NAME", help="Opgroeien, ORINT, Iriscare or AVIQ.", case_sensitive=False
    ),
]

Certificate = Annotated[
    Path,
    typer.Option(
        metavar="PEM",
        help="A certificate that the operator signs with; its subject names the CBE number.",
    ),
]


@app.command("add")
def add(name: Name, *, config: options.Config, certificate: Certificate) -> None:
    """Register a certificate to an operator, beside those that it has."""
    loaded = load_certificate(certificate)
    with registers.opened(load_settings(config)) as engine:
        OperatorRegister(engine).add_certificate(name, loaded)
    terminal().print(f"{name} may maintain the person repertory with this certificate")


@app.command("withdraw")
def withdraw(name: Name, *, config: options.Config, certificate: Certificate) -> None:
    """Take a certificate from an operator; its next call is refused.

    It lets in no customer of the same CBE number either, unless it is registered to one.
    """
    loaded = load_certificate(certificate)
    with registers.opened(load_settings(config)) as engine:
        OperatorRegister(engine).remove_certificate(name, loaded)
    terminal().print(f"{name} may not sign with it any more")
