"""The service in this process, without HTTP: what is measured stage by stage and beside the floor.

All is CPU time of the process, so that the thread that writes the audit trail counts, and what
others do on the machine does not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, TextIO

from house import House

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.exchange import Message
from ksz_childbenefits.logs import configure_logging
from ksz_childbenefits.runtime import build_endpoint


@contextmanager
def opened(house: House) -> Iterator[Endpoint[Any]]:
    """The service's endpoint, with all that belongs to it; its log is written, to nowhere."""
    with redirect_stderr(_nowhere()):
        configure_logging()
    with closing(build_endpoint(load_settings(house.config))) as endpoint:
        yield endpoint


@cache
def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def answer(endpoint: Endpoint[Any], request: bytes) -> bytes:
    """The reply to a request; SystemExit for one that holds no data."""
    body = reply_to(endpoint, request)
    if not has_data(body):
        raise SystemExit("a reply without data")
    return body


def reply_to(endpoint: Endpoint[Any], request: bytes) -> bytes:
    """The reply to a request, whatever it says; SystemExit for a fault."""
    reply = endpoint.handle(Message(request, "utf-8", "", datetime.now(UTC)))
    if reply.status != HTTPStatus.OK:
        raise SystemExit(f"HTTP {reply.status}")
    return reply.body


def has_data(reply: bytes) -> bool:
    """Whether there is a file in it."""
    return b"<file>" in reply


def cpu(task: Callable[[bytes], object], requests: Sequence[bytes]) -> float:
    """Seconds of CPU that the task takes for one of these requests, on the mean."""
    begun = time.process_time()
    for request in requests:
        task(request)
    return (time.process_time() - begun) / len(requests)
