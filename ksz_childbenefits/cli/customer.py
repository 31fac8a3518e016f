"""``customer add``: let an institution in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.certificates import (
    Anchor,
    Certificate,
    certify,
    show,
    signs_with,
    withdraw,
)
from ksz_childbenefits.cli.display import listed, terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.customers import CustomerRegister

app = typer.Typer(help="Who may consult.", no_args_is_help=True)

Code = Annotated[
    int | None, typer.Option(min=0, max=999, metavar="N", help="Where the customer has one.")
]


@app.callback()
def customer() -> None:
    """Who may consult."""


@app.command("add")
def add(  # noqa: PLR0913 - the command's options
    name: Annotated[str, typer.Argument(metavar="NAME", help="A short name of your choice.")],
    *,
    config: options.Config,
    cbe: Annotated[str, typer.Option(metavar="N", help="The CBE number, ten digits.")],
    legal_contexts: Annotated[
        list[str] | None,
        typer.Option(
            "--legal-context",
            metavar="C",
            help="A purpose it may ask for; repeatable. Without it: nothing until `deliberation "
            "add` or `import`.",
        ),
    ] = None,
    sector: Code = None,
    institution: Code = None,
    certificate: Certificate = None,
    anchor: Anchor = None,
    sources: options.Sources = None,
    months_back: options.MonthsBack = None,
    no_inscription: options.NoInscription = False,
    withheld: options.Withheld = None,
) -> None:
    """Register a customer, how it signs and, in general, one deliberation, valid from today on."""
    settings = load_settings(config)
    given = []
    if legal_contexts:
        deliberation = Deliberation(
            number=f"command line, {name}"[:64],
            customer=name,
            legal_contexts=frozenset(legal_contexts),
            sources=frozenset(sources or AuthenticSource),
            months_back=months_back,
            inscription_required=not no_inscription,
            valid_from=consultation_day(datetime.now(UTC)),
            valid_to=None,
            withheld=options.blocks(withheld),
        )
        given = [deliberation]
    elif sources or months_back is not None or no_inscription or withheld:
        raise UsageError("what a customer may ask needs --legal-context")
    certificates, anchors = signs_with(settings, certificate, anchor)
    with registers.opened(settings) as engine:
        CustomerRegister(engine).add(
            Customer(name, cbe, sector, institution),
            title=name,
            certificates=certificates,
            anchors=anchors,
            deliberations=given,
        )
    may = listed(sources or AuthenticSource) if given else "nothing yet"
    contexts = f" for {listed(sorted(legal_contexts))}" if legal_contexts else ""
    terminal().print(f"{name} may consult {may}{contexts}", markup=False)


app.command("certify")(certify)
app.command("withdraw")(withdraw)
app.command("certificates")(show)
