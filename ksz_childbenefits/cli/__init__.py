"""The command line ``ksz-childbenefits``: one file per command group."""

from ksz_childbenefits.cli.app import main

__all__ = ["main"]
