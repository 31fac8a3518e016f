"""``conformance run`` and ``attack``: the samples and the hostile cases against a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.conformance import report
from ksz_childbenefits.conformance.attack import Tallies, attack, health
from ksz_childbenefits.conformance.canary import Canary
from ksz_childbenefits.conformance.case import Tag, load_case, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.run import Result, Tally, run
from ksz_childbenefits.conformance.transport import HttpTransport

app = typer.Typer(help="Prove that a service speaks the KSZ's contract.", no_args_is_help=True)

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


Url = Annotated[str, typer.Option(help="The service, for instance http://127.0.0.1:8080.")]
Credentials = Annotated[
    Path,
    typer.Option(
        help="A folder with service.pem, and for each customer NAME/key.pem and "
        "NAME/certificate.pem, as `demo init` writes it.",
        exists=True,
        file_okay=False,
    ),
]


@app.command("run")
def run_command(
    url: Url,
    credentials: Credentials,
    tag: Annotated[Tag | None, typer.Option(help="Only the cases with this tag.")] = None,
) -> None:
    """Sign every sample freshly, send it, and compare the answer with the expected one.

    Tickets, times and signature may differ; everything else may not. Cases that need an outage or
    another day are counted as skipped. Exit code 1 when an answer differs, 130 after Ctrl-C.
    """
    console = terminal()
    judge = _judge(url, credentials)
    cases = load_cases(samples())
    tally = Tally()
    stopped = _follow(console, run(cases, judge, tag), len(cases), tally.add)
    report.summarise(console, tally, stopped)
    _leave(stopped, tally.failed == 0)


@app.command("attack")
def attack_command(url: Url, credentials: Credentials) -> None:
    """Send every hostile case to a service, and see that each is refused as it must be.

    Takes a quarter of a minute, because slow peers do. Cases that need another authority or clock
    than the credentials give are counted as skipped. At the end the service must answer honest
    requests as quickly as before. Exit code 1 when it does not, or when a case got through, 130
    after Ctrl-C.
    """
    console = terminal()
    cases = load_cases(samples() / "hostile")
    honest = load_case(samples() / "accepted-plain")
    tallies = Tallies()
    with Canary() as canary:
        judge = replace(_judge(url, credentials), canary=canary)
        before = health(honest, judge)
        stopped = _follow(console, attack(cases, judge), len(cases), tallies.add)
        after = health(honest, judge)
    report.show_families(console, tallies)
    report.summarise(console, tallies.total, stopped)
    report.show_health(console, before, after)
    _leave(stopped, tallies.total.failed == 0 and before.good and after.good)


def _judge(url: str, credentials: Path) -> Judge:
    """A judge over HTTP; UsageError without the service's certificate, or where nothing listens."""
    keys = KeyRing(credentials)
    transport = HttpTransport(url)
    judge = Judge(transport, keys, keys.service())
    transport.connect()
    return judge


def _follow(
    console: Console, results: Iterable[Result], total: int, count: Callable[[Result], None]
) -> bool:
    """Count and show results as they come; whether Ctrl-C has stopped them."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        try:
            for result in results:
                count(result)
                report.show(console, result)
                progress.update(task, advance=1, description=result.case.name)
        except KeyboardInterrupt:
            return True
    return False


def _leave(stopped: bool, good: bool) -> None:
    """The exit code."""
    if stopped:
        raise typer.Exit(STOPPED)
    if not good:
        raise typer.Exit(1)


def samples() -> Path:
    """The folder of the samples that this version ships."""
    return Path(str(resources.files("ksz_childbenefits") / "samples"))
