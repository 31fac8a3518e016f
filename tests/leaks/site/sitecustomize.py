"""Runs first in every Python that a test starts: keeps what a service logs, and its metrics."""

import importlib.abc
import importlib.machinery
import io
import os
import sys
from multiprocessing import util
from pathlib import Path

FOLDER = os.environ.get("KSZ_LEAKS_FOLDER")
SERVICES = {
    "serve",
    "--multiprocessing-fork",
    "tests.server.serving",
    "tests.hostile_cost.measuring",
}


class Tee(io.TextIOBase):
    """Standard error, and a copy of it."""

    def __init__(self, stream, copy):
        self._stream = stream
        self._copy = copy

    def write(self, text):
        self._copy.write(text)
        return self._stream.write(text)

    def flush(self):
        self._copy.flush()
        self._stream.flush()

    def fileno(self):
        return self._stream.fileno()

    def isatty(self):
        return self._stream.isatty()


class Finder(importlib.abc.MetaPathFinder):
    """Finds the module of the metrics as it is, and has its expositions kept."""

    def find_spec(self, name, path=None, target=None):
        if name != "ksz_childbenefits.metrics":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            keep(module)

        spec.loader.exec_module = exec_module
        return spec


def keep(metrics):
    """Copy what is exposed, and expose it once more at the end of the process."""
    expose = metrics.generate_latest

    def kept(registry):
        text = expose(registry)
        with Path(FOLDER, f"metrics-{os.getpid()}").open("ab") as copy:
            copy.write(text)
        return text

    metrics.generate_latest = kept
    util.Finalize(None, metrics.exposition, exitpriority=1)


if FOLDER and SERVICES.intersection(sys.orig_argv):
    log = Path(FOLDER, f"log-{os.getpid()}")
    sys.stderr = Tee(sys.stderr, log.open("a", buffering=1, encoding="utf-8"))
    sys.meta_path.insert(0, Finder())
