"""``deliberation add|list|show|revoke|check|import``: what customers may ask, on whose decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ksz_childbenefits.bulk.deliberation_file import read_amendment
from ksz_childbenefits.cli import deliberation_check, options, registers
from ksz_childbenefits.cli.deliberation_text import (
    Detail,
    content,
    instant,
    print_details,
    print_list,
    state,
    today,
)
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import DataError, UsageError
from ksz_childbenefits.registers.amendments import Changes
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.deliberations import DeliberationRegister, Recorded, ReviewedFile

app = typer.Typer(
    help="What customers may ask: decisions of the Information Security Committee, as data.",
    no_args_is_help=True,
)
app.command("check")(deliberation_check.check)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The deliberation's number.")]
Customer = Annotated[str, typer.Option(metavar="NAME", help="The customer, by its short name.")]
OneCustomer = Annotated[str | None, typer.Option(metavar="NAME", help="Only of this customer.")]


@app.callback()
def deliberation() -> None:
    """What customers may ask: decisions of the Information Security Committee, as data."""


@app.command("add")
def add(  # noqa: PLR0913 - the command's options
    number: Number,
    *,
    config: options.Config,
    customer: Customer,
    legal_contexts: options.LegalContexts,
    sources: options.Sources = None,
    months_back: options.MonthsBack = None,
    no_inscription: options.NoInscription = False,
    withheld: options.Withheld = None,
    begin: Annotated[
        str | None, typer.Option("--valid-from", metavar="DAY", help="Without it: today.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--valid-to", metavar="DAY", help="Its last day; else open.")
    ] = None,
) -> None:
    """Record one deliberation. To have it reviewed, or for more than one: `deliberation import`."""
    given = Deliberation(
        number=number,
        customer=customer,
        legal_contexts=frozenset(legal_contexts),
        sources=frozenset(sources or AuthenticSource),
        months_back=months_back,
        inscription_required=not no_inscription,
        valid_from=options.day(begin, "--valid-from") if begin else today(),
        valid_to=options.day(end, "--valid-to") if end else None,
        withheld=options.blocks(withheld),
    )
    with registers.opened(load_settings(config)) as engine:
        DeliberationRegister(engine).add(given, datetime.now(UTC))
    print_details(f"added: {number} of {customer}", content(given))


@app.command("list")
def list_(config: options.Config, customer: OneCustomer = None) -> None:
    """List deliberations, those that expired or were revoked included."""
    with registers.opened(load_settings(config)) as engine:
        # An empty list is believed: it is not said of somebody who does not exist.
        if customer is not None and CustomerRegister(engine).find(customer) is None:
            raise UsageError(f"customer {customer!r} is not registered")
        found = DeliberationRegister(engine).recorded(customer)
    print_list((one.deliberation for one in found), today())


@app.command("show")
def show(number: Number, config: options.Config, customer: OneCustomer = None) -> None:
    """Show a deliberation whole: what it says, where it came from, why it was revoked."""
    with registers.opened(load_settings(config)) as engine:
        found = DeliberationRegister(engine).recorded(customer, number)
    if not found:
        raise DataError(f"there is no deliberation {number!r}")
    for one in found:
        print_details(f"{number} of {one.deliberation.customer}", _whole(one))


@app.command("revoke")
def revoke(
    number: Number,
    *,
    config: options.Config,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept.")],
    customer: OneCustomer = None,
) -> None:
    """Revoke a deliberation for ever, from the next request on, at all workers and machines."""
    with registers.opened(load_settings(config)) as engine:
        register = DeliberationRegister(engine)
        revoked = register.revoke(number, customer, reason, datetime.now(UTC))
    for one in revoked:
        print_details(f"revoked: {number} of {one.customer}", content(one))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file (docs/formats.md).", dir_okay=False)
    ],
    config: options.Config,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
) -> None:
    """Do what a reviewed FILE says, all or nothing; the same file again changes nothing more."""
    amendment = read_amendment(file)
    with registers.opened(load_settings(config)) as engine:
        register = DeliberationRegister(engine)
        if dry_run:
            done = register.changes(amendment)
        else:
            done = register.amend(amendment, datetime.now(UTC))
    _print_changes(done)
    reviewed = ReviewedFile(amendment.digest, amendment.prepared_by, amendment.reviewed_by)
    terminal().print(_file(reviewed), markup=False, soft_wrap=True)
    if dry_run:
        terminal().print("A dry run: nothing was changed.")


def _print_changes(done: Changes) -> None:
    for row, reason in done.revoked:
        held = row.deliberation
        details = (*content(held), ("reason", reason))
        print_details(f"revoke: {held.number} of {held.customer}", details)
    for word, given in (("add", done.added), ("unchanged", done.unchanged)):
        for one in given:
            print_details(f"{word}: {one.number} of {one.customer}", content(one))
    revoked, added, unchanged = len(done.revoked), len(done.added), len(done.unchanged)
    terminal().print(f"{revoked} revoked, {added} added, {unchanged} unchanged")


def _whole(one: Recorded) -> Iterator[Detail]:
    yield from content(one.deliberation)
    yield "state", state(one.deliberation, today())
    if one.at is None:
        yield "recorded", "before this was kept"
    else:
        yield "recorded", f"{instant(one.at)}, {one.origin}"
    if one.file is not None:
        yield "file", _file(one.file)
    if one.revocation_file is not None:
        yield "revoked by file", _file(one.revocation_file)


def _file(file: ReviewedFile) -> str:
    return f"SHA-256 {file.digest}, prepared by {file.prepared_by}, reviewed by {file.reviewed_by}"
