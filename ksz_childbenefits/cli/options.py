"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import BLOCKS, UnknownBlock, check_blocks
from ksz_childbenefits.errors import UsageError

Ssin = Annotated[
    str, typer.Argument(metavar="SSIN", help="The person's number (INSZ/NISS), eleven digits.")
]

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration, such as demo/config.toml.",
        dir_okay=False,
    ),
]

Host = Annotated[
    str | None,
    typer.Option(metavar="H", help="Address to listen on, instead of the configured one."),
]

Port = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Port, instead of the configured one; 0: any free one.",
        min=0,
        max=65535,
    ),
]

Workers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Processes, instead of the configured number.", min=1, max=64),
]

From = Annotated[str, typer.Option("--from", help="First month asked.", metavar="YYYY-MM")]

To = Annotated[
    str | None,
    typer.Option("--to", help="Last month asked. Without it: this month.", metavar="YYYY-MM"),
]

Sources = Annotated[
    list[AuthenticSource] | None,
    typer.Option(
        "--source",
        metavar="S",
        help="FEDERAL, BRUSSELS, FLANDERS, WALLONIA or EASTBELGIUM; repeatable. Without it: all.",
        case_sensitive=False,
    ),
]

LegalContexts = Annotated[
    list[str],
    typer.Option("--legal-context", metavar="C", help="A purpose it may ask for; repeatable."),
]

MonthsBack = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="How far back it may ask; else no limit.")
]

NoInscription = Annotated[
    bool,
    typer.Option("--no-inscription", help="It may ask for persons that it has not inscribed."),
]

Withheld = Annotated[
    list[str] | None,
    typer.Option(
        "--withhold",
        metavar="BLOCK",
        help="Data it may not see, such as bonuses or paymentPeriods[SOCIAL]; repeatable.",
    ),
]

On = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The consultation day. Without it: today, in Brussels."),
]


def blocks(paths: list[str] | None) -> frozenset[str]:
    """The blocks of data that ``--withhold`` names; UsageError for others."""
    try:
        check_blocks(paths or ())
    except UnknownBlock as error:
        raise UsageError(f"--withhold: {error}; there are {', '.join(BLOCKS)}") from None
    return frozenset(paths or ())


def month(text: str, option: str) -> YearMonth:
    """The month that ``option`` was given; UsageError for anything else."""
    try:
        return YearMonth.parse(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None


def day(text: str, option: str) -> date:
    """The consultation day that ``option`` was given, as a day or an instant; else UsageError."""
    try:
        return parse_as_of(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
