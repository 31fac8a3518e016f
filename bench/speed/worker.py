"""The service's own server with another endpoint in it. Not part of the service.

    worker.py kept|dropped|echo:BYTES CONFIG WORKERS

``kept``: the service as it is. ``dropped``: its audit records go nowhere. ``echo``: no service at
all, the answer is always the same, and so long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ksz_childbenefits.audit.record import Entry, Record
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION, Contract
from ksz_childbenefits.errors import Unrecorded
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.logs import configure_logging
from ksz_childbenefits.runtime import build_endpoint
from ksz_childbenefits.server.forking import workers_to_come
from ksz_childbenefits.server.run import Work, serve
from ksz_childbenefits.soap_app import Deliver, MessageEndpoint


class _Nowhere:
    """A trail that keeps nothing."""

    def arrive(self) -> None:
        """Nobody waits for anybody."""

    def depart(self) -> None:
        """Likewise."""

    def entry(self, record: Record) -> Entry:
        """Nothing is to be written."""
        return Entry(record, "")

    def submit(self, entry: Entry, settled: Callable[[Unrecorded | None], None]) -> None:
        """As if it were."""
        settled(None)

    def store(self, record: Record) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True)
class _Echo:
    """Answers with as many bytes as the service does."""

    reply: Reply

    @property
    def contract(self) -> Contract:
        return CONSULTATION

    def answer(self, message: Message, deliver: Deliver) -> None:
        deliver(self.reply)

    def overloaded(self, message: Message) -> Reply:
        return self.reply

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _endpoints(variant: str, settings: Settings) -> Sequence[MessageEndpoint]:
    configure_logging(settings.logs.level)
    name, _, size = variant.partition(":")
    if name == "echo":
        return (_Echo(Reply(b"x" * int(size))),)
    endpoint = build_endpoint(settings)
    return (endpoint if name == "kept" else replace(endpoint, trail=_Nowhere()),)


def main() -> None:
    variant, config, workers = sys.argv[1:]
    settings = load_settings(Path(config))
    build = partial(_endpoints, variant, settings)
    with workers_to_come():
        serve(lambda: Work(build, workers=int(workers)), host="127.0.0.1", port=0)


if __name__ == "__main__":
    main()
