"""``audit``: the trail verified, searched, exported, told to citizens, and cut to what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from ksz_childbenefits.assembly import evidence_box, marks_believed
from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.links import heads_in_log
from ksz_childbenefits.audit.pruning import prune as delete_before
from ksz_childbenefits.audit.reading import Records, Trail
from ksz_childbenefits.audit.record import BEGUN
from ksz_childbenefits.audit.verification import Verification
from ksz_childbenefits.bulk.export import export_audit
from ksz_childbenefits.cadastres.server import KSZ
from ksz_childbenefits.cli import audit_text, options, registers, transfer
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.domain.ssin import fits_pattern, is_valid
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.identity import identity_of
from ksz_childbenefits.secret_files import read_secret

FAULTY = 1
"""Exit code: something is wrong with the trail, or nothing was found."""

_SHOWN = 100
"""How many findings are told one by one."""

_NO_RECORD = (AttributeError, LookupError, TypeError, ValueError)
"""What telling a text leads to that is not a record's."""

app = typer.Typer(help="Who asked what about whom, on what ground.", no_args_is_help=True)


@app.command("verify")
def verify(
    config: options.Config,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A log of the service, repeatable: the marks that it tells of must be there.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Find every record that was changed, removed or reordered, and say which.

    Marks are believed with the service's certificates and those of audit.certificates. Exit code 1
    when something is wrong. Records of the last second or so need not be sealed yet: that is told,
    and is no fault.
    """
    settings, console = load_settings(config), terminal()
    run, grave, told = Verification(marks_believed(settings)), 0, 0
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        registers.opened(settings) as engine,
        _stoppable(),
        Bar(*columns, console=console, transient=True) as bar,
    ):
        for finding in run.findings(engine, _witnesses(log or []), transfer.shown(bar)):
            grave, told = grave + finding.grave, told + 1
            if told <= _SHOWN:
                console.print(audit_text.finding(finding), soft_wrap=True, markup=False)
    console.print(f"Verified {run.items:,} items of {run.chains:,} chains: {grave:,} faults.")
    if grave:
        raise typer.Exit(FAULTY)


def _witnesses(logs: list[Path]) -> Iterator[Head]:
    for path in logs:
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                yield from heads_in_log(lines)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None


@app.command("search")
def search(
    config: options.Config,
    ssin: Annotated[str | None, typer.Option(metavar="SSIN", help="All about a person.")] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="NAME", help="All that a customer or operator asked.")
    ] = None,
    ticket: Annotated[
        str | None, typer.Option(metavar="TICKET", help="A ticketCBSS, or a customer's own ticket.")
    ] = None,
) -> None:
    """List the records of a person, a customer or a ticket, one a line, the oldest first.

    A person is found by earlier numbers too. Exit code 1 when there is none.
    """
    if [ssin, customer, ticket].count(None) != 2:
        raise UsageError("give one of --ssin, --customer and --ticket")
    # "0 records" is believed: it is not said of what no record can be about.
    if ssin is not None and not fits_pattern(ssin):
        raise UsageError("--ssin: not an SSIN, which is eleven digits")
    with registers.opened(load_settings(config)) as engine, _stoppable():
        trail = Trail(engine)
        if ssin is not None:
            found = trail.of_person(ssin)
        elif customer is not None:
            if customer not in (*trail.titles(), *Operator, KSZ):
                raise UsageError(f"customer {customer!r} is not registered")
            found = trail.of_customer(customer)
        else:
            found = trail.of_ticket(ticket or "")
        _print(found, audit_text.line)


@app.command("report")
def report(
    config: options.Config,
    ssin: Annotated[str, typer.Option(metavar="SSIN", help="The person who asks.")],
) -> None:
    """Tell who consulted a person, when and on what ground: what a citizen may ask for.

    Earlier numbers of the person count too. Consultations about others in whose files the person
    stands are not among them. Exit code 1 when there is none.
    """
    if not is_valid(ssin):
        raise UsageError("--ssin: not an SSIN: eleven digits, the last two of which check the rest")
    with registers.opened(load_settings(config)) as engine, _stoppable():
        trail = Trail(engine)
        titles = trail.titles()
        typer.echo(audit_text.heading(ssin, datetime.now(UTC)))
        _print(trail.of_person(ssin), lambda record: _told(record, titles))


def _told(record: dict[str, Any], titles: dict[str, str]) -> str:
    """As a citizen is told it; of what was only begun there is no answer, nor a fault."""
    if record["status"] != BEGUN:
        return audit_text.told(record, titles)
    text = audit_text.told({**record, "fault": BEGUN}, titles)
    told = (f"  {'Answer':<10} begun: how it ended is told under the same reference, if it did",)
    kept = [line for line in text.split("\n") if not line.startswith("  Answer ")]
    return "\n".join([*kept[:-2], *told, *kept[-2:]])


def _print(found: Records, text: Callable[[dict[str, object]], str]) -> None:
    """All of them; one that somebody has made unreadable keeps no other from being shown."""
    count = unreadable = 0
    for record in found:
        count += 1
        try:
            shown = text(record)
        except _NO_RECORD:
            unreadable += 1
            shown = "a record that cannot be read: `audit verify` tells more"
        typer.echo(shown)
    typer.echo(f"{count:,} records.")
    if unreadable or not count:
        raise typer.Exit(FAULTY)


@app.command("export")
def export(file: transfer.ToWrite, config: options.Config) -> None:
    """Write the whole trail to FILE.jsonl[.gz], each item as it was hashed (docs/formats.md)."""
    transfer.export_file(export_audit, file, config)


@app.command("prune")
def prune(config: options.Config) -> None:
    """Delete what is older than audit.keep_days; the rest can be verified as before.

    Stopped or killed, the next run goes on. Exit code 1 where something was left alone, for nobody
    vouches for how old it is: `audit verify` tells more.
    """
    settings, now = load_settings(config), datetime.now(UTC)
    if settings.audit.keep_days is None:
        raise UsageError("audit.keep_days is not configured: everything is kept")
    before = now - timedelta(days=settings.audit.keep_days)
    credentials, console = identity_of(settings).keys.at(now), terminal()
    with registers.opened(settings) as engine, _stoppable():
        columns = (SpinnerColumn(), TextColumn("Deleted {task.completed:,.0f}"))
        with Bar(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=None)
            done = delete_before(
                engine,
                before,
                credentials,
                marks_believed(settings),
                lambda count: bar.update(task, completed=count),
            )
    for line in audit_text.pruned(done):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"Deleted {done.deleted:,} items of before {before:%Y-%m-%d %H:%M} UTC.")
    if done.doubtful:
        raise typer.Exit(FAULTY)


@app.command("evidence")
def evidence(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The ticketCBSS.")],
    config: options.Config,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files are written.", file_okay=False)
    ] = Path(),
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The key, instead of audit.evidence_key.", dir_okay=False
        ),
    ] = None,
) -> None:
    """Write the signed request and reply of an exchange as they were: TICKET.request.xml and so on.

    They are checked against the record. Exit code 1 when nothing is kept under the ticket.
    """
    settings = load_settings(config)
    box = evidence_box(settings) if key is None else EvidenceBox(read_secret(key))
    with registers.opened(settings) as engine:
        kept = list(Trail(engine).evidence(ticket, box))
    for number, messages in enumerate(kept, 1):
        name = ticket.lower() if len(kept) == 1 else f"{ticket.lower()}.{number}"
        for part in ("request", "reply"):
            _write(folder / f"{name}.{part}.xml", getattr(messages, part))
    if not kept:
        terminal().print("No messages are kept under this ticket.")
        raise typer.Exit(FAULTY)


def _write(path: Path, message: bytes) -> None:
    try:
        path.touch(mode=0o600)
        path.write_bytes(message)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    terminal().print(str(path), soft_wrap=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        terminal().print("Stopped.")
        raise typer.Exit(transfer.STOPPED) from None
