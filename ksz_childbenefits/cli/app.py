"""The commands, gathered; and where their errors become one line and an exit code."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from ksz_childbenefits.cli import (
    audit,
    certificates,
    conformance,
    consult,
    customer,
    deliberation,
    demo,
    holdings,
    operator,
    persons,
    repertory,
    route,
    serve,
)
from ksz_childbenefits.cli.display import complain
from ksz_childbenefits.errors import KszError, UsageError

REFUSED = 1
"""Exit code: the service refused, did not answer, or a conformance case differs."""

MISUSED = 2
"""Exit code: a mistake in the command, its files or its configuration."""

_HELP = """The child-benefit exchange of Belgian social security: who is paid which child benefit,
by whom, in which months.

Start with `demo init demo`, then `serve --config demo/config.toml`, and in a
second terminal `consult`. docs/demo-world.md lists the invented persons to ask for.

Exit codes: 0 done; 1 refused by the service, no answer, or a difference found; 2 a mistake in the
command or its files.
"""


class _Commands(TyperGroup):
    """The root command: an error of ours ends in one clear line, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            complain(str(error))
            raise typer.Exit(MISUSED) from None
        except KszError as error:
            complain(str(error))
            raise typer.Exit(REFUSED) from None


app = typer.Typer(
    name="ksz-childbenefits",
    cls=_Commands,
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(demo.app, name="demo")
app.command("serve")(serve.serve)
app.command("consult")(consult.consult)
app.command("route")(route.route)
customer.app.command("certify")(certificates.certify)
customer.app.command("withdraw")(certificates.withdraw)
customer.app.command("certificates")(certificates.show)
app.add_typer(customer.app, name="customer")
app.add_typer(deliberation.app, name="deliberation")
app.add_typer(operator.app, name="operator")
app.add_typer(holdings.app, name="cadastre")
app.add_typer(persons.app, name="persons")
app.add_typer(repertory.app, name="repertory")
app.add_typer(audit.app, name="audit")
app.add_typer(conformance.app, name="conformance")


def main() -> None:
    """Run the command that was given."""
    app(prog_name="ksz-childbenefits")
