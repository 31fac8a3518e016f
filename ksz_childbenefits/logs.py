"""Logs and pseudonyms: what happened, under which ticketCBSS, and never an SSIN (SECURITY 5).

Each line is one JSON object. Ours are written as ``_log.info("refused", extra={"ticket": …})``: the
message names the event and is always the same, what differs goes into fields.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import logging.config
import re
import sys
import threading
import traceback
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from ksz_childbenefits.errors import KszError

_OURS = "ksz_childbenefits"
_FOLDERS = re.compile(r"(?:(?<![\w.:/])|(?<=:)(?!//))(?:/[\w.@+~-]+)+/")
_NUMBER = re.compile(r"\d{11,}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Keyed pseudonyms: one SSIN gives one name, which nobody without the key reverses."""

    key: bytes

    def of(self, ssin: str) -> str:
        """Sixteen hexadecimal digits that stand for ``ssin`` in logs and metrics."""
        return hmac.new(self.key, ssin.encode(), hashlib.sha256).hexdigest()[:16]


class JsonLines(JsonFormatter):
    """One JSON object per record: time, level, logger, event, then the fields of the event.

    What libraries log is not ours to trust: of that, one line without folders and long numbers. Of
    an exception only its class is told: a trace holds paths, and both may hold personal data.
    """

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """The fields of a record, in the order in which they are written."""
        ours = record.name.partition(".")[0] == _OURS
        error = record.exc_info[0] if record.exc_info else None
        text = record.getMessage()
        if isinstance(record.msg, BaseException):
            error, text = type(record.msg), "error"
        log_data["time"] = f"{datetime.fromtimestamp(record.created, UTC):%FT%T.%f}"[:-3] + "Z"
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["event"] = text if ours else _harmless(text)
        if ours:
            extra = record.__dict__.items()
            log_data |= {name: value for name, value in extra if name not in RESERVED_ATTRS}
        if error is not None:
            log_data["error"] = error.__name__


def configure_logging(level: str = "INFO") -> None:
    """One JSON object per line on standard error, for everything that this process logs.

    Libraries that log requests whole are kept silent. So are Python's warnings: they show paths,
    and strangers cause them (with odd certificates). And so is a line that cannot be written,
    which Python would tell with a trace of the program.
    """
    warnings.simplefilter("ignore")
    logging.raiseExceptions = False
    sys.excepthook = log_uncaught
    threading.excepthook = lambda args: log_uncaught(
        args.exc_type, args.exc_value, args.exc_traceback
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": JsonLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": {
                # spyne logs malformed input whole, alembic every migration step.
                "spyne": {"level": "CRITICAL"},
                "alembic": {"level": "WARNING"},
                # Both log each request's address.
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
            },
        }
    )


def log_uncaught(
    _kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None
) -> None:
    """One line in place of the trace that Python would print: ``sys.excepthook``."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return
    if isinstance(error, KszError):
        reason = without_folders(str(error))
    else:
        reason = place_of(error) if error is not None else "unknown"
    _log.critical("uncaught error", extra={"reason": reason})


def without_folders(text: str) -> str:
    """The text with files named as they are, but not where they are."""
    return _FOLDERS.sub("", text)


def place_of(error: BaseException) -> str:
    """Where an unforeseen error arose: its class, and our functions on the way, innermost last.

    The error's own text is left out, because it can hold personal data, and so are paths.
    """
    steps = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return f"{type(error).__name__} at {' > '.join(steps)}"


def _harmless(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return _NUMBER.sub("[number]", without_folders(first))
