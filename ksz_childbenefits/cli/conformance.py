"""``conformance run``: the samples against a running service."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.conformance import report
from ksz_childbenefits.conformance.case import Tag, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.run import Tally, run
from ksz_childbenefits.conformance.transport import HttpTransport

app = typer.Typer(help="Prove that a service speaks the KSZ's contract.", no_args_is_help=True)

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


@app.callback()
def _group() -> None:
    """Keep ``run`` a command of its own, though it is the only one."""


@app.command("run")
def run_command(
    url: Annotated[str, typer.Option(help="The service, for instance http://127.0.0.1:8080.")],
    credentials: Annotated[
        Path,
        typer.Option(
            help="A folder with service.pem, and for each customer NAME/key.pem and "
            "NAME/certificate.pem, as `demo init` writes it.",
            exists=True,
            file_okay=False,
        ),
    ],
    tag: Annotated[Tag | None, typer.Option(help="Only the cases with this tag.")] = None,
) -> None:
    """Sign every sample freshly, send it, and compare the answer with the expected one.

    Tickets, times and signature may differ; everything else may not. Cases that need an outage or
    another day are counted as skipped. Exit code 1 when an answer differs, 130 after Ctrl-C.
    """
    console = terminal()
    keys = KeyRing(credentials)
    cases = load_cases(samples())
    transport = HttpTransport(url)
    judge = Judge(transport, keys, keys.service())
    transport.connect()
    tally = Tally()
    stopped = False
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("conformance", total=len(cases))
        try:
            for result in run(cases, judge, tag):
                tally.add(result)
                report.show(console, result)
                progress.update(task, advance=1, description=result.case.name)
        except KeyboardInterrupt:
            stopped = True
    report.summarise(console, tally, stopped)
    if stopped:
        raise typer.Exit(STOPPED)
    if tally.failed:
        raise typer.Exit(1)


def samples() -> Path:
    """The folder of the samples that this version ships."""
    return Path(str(resources.files("ksz_childbenefits") / "samples"))
