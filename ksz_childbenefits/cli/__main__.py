"""``python -m ksz_childbenefits.cli``: the command line without its entry point."""

from ksz_childbenefits.cli.app import main

main()
