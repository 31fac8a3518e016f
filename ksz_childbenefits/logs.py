"""Logs and pseudonyms: what happened, under which ticketCBSS, and never an SSIN (SECURITY 5)."""

from __future__ import annotations

import hashlib
import hmac
import logging
import logging.config
import traceback
import warnings
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Keyed pseudonyms: one SSIN gives one name, which nobody without the key reverses."""

    key: bytes

    def of(self, ssin: str) -> str:
        """Sixteen hexadecimal digits that stand for ``ssin`` in logs and metrics."""
        return hmac.new(self.key, ssin.encode(), hashlib.sha256).hexdigest()[:16]


def configure_logging(level: str = "INFO") -> None:
    """One line per event on standard error; libraries that log requests whole are kept silent.

    So are Python's warnings: they show paths, and strangers cause them (with odd certificates).
    """
    warnings.simplefilter("ignore")
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": level, "handlers": ["stderr"]},
            # spyne logs malformed input whole, alembic every migration step.
            "loggers": {"spyne": {"level": "CRITICAL"}, "alembic": {"level": "WARNING"}},
        }
    )


def place_of(error: BaseException) -> str:
    """Where an unforeseen error arose: its class, and our functions on the way, innermost last.

    The error's own text is left out, because it can hold personal data, and so are paths.
    """
    steps = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return f"{type(error).__name__} at {' > '.join(steps)}"
