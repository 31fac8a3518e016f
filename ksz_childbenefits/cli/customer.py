"""``customer add``: let an institution in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.display import listed, terminal
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.security.credentials import load_certificate

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
        list[str],
        typer.Option("--legal-context", metavar="C", help="A purpose it may ask for; repeatable."),
    ],
    sector: Code = None,
    institution: Code = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="The one certificate that the customer signs with."),
    ] = None,
    anchor: Annotated[
        Path | None,
        typer.Option(
            metavar="PEM",
            help="Or: a configured authority, under which any certificate with the CBE number in "
            "its subject is the customer's.",
        ),
    ] = None,
    sources: options.Sources = None,
    months_back: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="How far back it may ask; else no limit.")
    ] = None,
    no_inscription: Annotated[
        bool,
        typer.Option("--no-inscription", help="It may ask for persons that it has not inscribed."),
    ] = False,
) -> None:
    """Register a customer with one deliberation, valid from today on, and how it signs."""
    settings = load_settings(config)
    added = Customer(name, cbe, sector, institution)
    deliberation = Deliberation(
        number=f"command line, {name}"[:64],
        customer=name,
        legal_contexts=frozenset(legal_contexts),
        sources=frozenset(sources or AuthenticSource),
        months_back=months_back,
        inscription_required=not no_inscription,
        valid_from=consultation_day(datetime.now(UTC)),
        valid_to=None,
    )
    certificates, anchors = _credentials(settings, certificate, anchor)
    with registers.opened(settings) as engine:
        CustomerRegister(engine).add(
            added,
            title=name,
            certificates=certificates,
            anchors=anchors,
            deliberations=[deliberation],
        )
    contexts = listed(sorted(deliberation.legal_contexts))
    terminal().print(f"{name} may consult {listed(sources or AuthenticSource)} for {contexts}")


def _credentials(
    settings: Settings, certificate: Path | None, anchor: Path | None
) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """The customer's certificate, or the authority that it is recognised under; exactly one."""
    if certificate is not None and anchor is None:
        return [load_certificate(certificate)], []
    if anchor is not None and certificate is None:
        return [], [_configured(settings, anchor)]
    raise UsageError("give either --certificate or --anchor")


def _configured(settings: Settings, anchor: Path) -> x509.Certificate:
    """The anchor, which the configuration must trust, or nobody would ever be let in by it."""
    wanted = load_certificate(anchor)
    if wanted not in [load_certificate(one.certificate) for one in settings.security.anchors]:
        raise UsageError(f"{anchor} is none of the anchors of the configuration")
    return wanted
