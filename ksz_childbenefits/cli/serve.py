"""``serve``: the service itself."""

from __future__ import annotations

from typing import Annotated

import typer

from ksz_childbenefits.cli import options
from ksz_childbenefits.server.forking import workers_to_come


def serve(
    config: options.Config,
    host: options.Host = None,
    port: options.Port = None,
    workers: options.Workers = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="DAY|INSTANT",
            help="Answer as on this consultation day: 2023-12-31, or 2023-12-31T23:30:00Z (the day "
            "that it then is in Brussels). Refused in production.",
        ),
    ] = None,
) -> None:
    """Run the service until it is interrupted; its address is printed once it is ready."""
    day = options.day(as_of, "--as-of") if as_of else None
    with workers_to_come():
        # Imported while the workers' source does the same.
        from ksz_childbenefits.runtime import serve as run  # noqa: PLC0415

        run(config, host, port, workers, day)
