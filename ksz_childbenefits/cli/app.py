"""The commands, gathered; and where their errors become one line and an exit code."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from ksz_childbenefits.cli.display import complain
from ksz_childbenefits.errors import KszError, UsageError

_COMMANDS: Final = {
    "serve": "serve",
    "consult": "consult",
    "route": "route",
    "demo": "demo",
    "customer": "customer",
    "deliberation": "deliberation",
    "operator": "operator",
    "cadastre": "holdings",
    "persons": "persons",
    "repertory": "repertory",
    "audit": "audit",
    "conformance": "conformance",
}
"""The modules of the commands: each has an ``app`` of several, or a function of the same name."""

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


def _root() -> None:
    """What makes a group of an app before any command is known."""


class _Commands(TyperGroup):
    """The root command: an error of ours ends in one clear line, never in a traceback.

    A command is imported when it is called: all of them take longer than the service to start.
    """

    def list_commands(self, _: Any) -> list[str]:
        """Their names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, _: Any, name: str) -> Any:
        """The command of that name; None: there is none."""
        if name not in _COMMANDS:
            return None
        module = import_module(f"ksz_childbenefits.cli.{_COMMANDS[name]}")
        parent = typer.Typer(add_completion=False)
        parent.callback()(_root)
        if hasattr(module, "app"):
            parent.add_typer(module.app, name=name)
        else:
            parent.command(name)(getattr(module, name))
        return typer.main.get_group(parent).commands[name]

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
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


app.callback(help=_HELP)(_root)


def main() -> None:
    """Run the command that was given."""
    app(prog_name="ksz-childbenefits")
