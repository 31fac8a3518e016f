"""``python -m ksz_childbenefits.cli``: the command line without its entry point."""

from ksz_childbenefits.cli import main

if __name__ == "__main__":
    main()
