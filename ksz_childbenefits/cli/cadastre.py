"""``cadastre …``: one operator's files, as a service of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from ksz_childbenefits.cli import options
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.server.forking import workers_to_come

app = typer.Typer(help="The files that one operator holds.", no_args_is_help=True)

OperatorName = Annotated[
    Operator,
    typer.Option(
        "--operator",
        metavar="NAME",
        help="Opgroeien, ORINT, Iriscare or AVIQ.",
        case_sensitive=False,
    ),
]


@app.callback()
def cadastre() -> None:
    """The files that one operator holds."""


@app.command("serve")
def serve(
    operator: OperatorName,
    config: options.Config,
    host: options.Host = None,
    port: options.Port = None,
    workers: options.Workers = None,
) -> None:
    """Answer KSZ for one operator until interrupted; the address is printed once it is ready."""
    with workers_to_come():
        # Imported while the workers' source does the same.
        from ksz_childbenefits.runtime import serve_cadastre  # noqa: PLC0415

        serve_cadastre(config, operator, host, port, workers)
