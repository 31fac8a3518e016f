"""The command line ``ksz-childbenefits``: one file per command group."""


def main() -> None:
    """The entry point of ``ksz-childbenefits``."""
    # Only here: each worker of the service imports this module again, and runs no command.
    from ksz_childbenefits.cli.app import main as run  # noqa: PLC0415

    run()
