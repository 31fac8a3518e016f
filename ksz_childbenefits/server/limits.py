"""What all workers are told: bounds (SECURITY 1), and when the service is about to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from uvicorn.config import Config

from ksz_childbenefits.server.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Limits:
    """Each bound is per worker; times are in seconds.

    ``read_seconds`` counts from a request's first byte (of a new connection: from its opening)
    to the last byte of its body; ``write_seconds`` from the moment the client stops taking the
    reply until it has taken all of it. Beyond ``connections``, and beyond ``unsent_bytes`` of
    replies on their way, the connection that has waited longest is closed (crowd.py).
    """

    header_bytes: int = 16 * 1024
    request_bytes: int = 256 * 1024
    read_seconds: float = 10
    write_seconds: float = 10
    idle_seconds: float = 30
    connections: int = 500
    unsent_bytes: int = 64 * 1024 * 1024
    parallel_requests: int = 64
    threads: int = 4


class Stopping(Protocol):
    """A flag that all processes see: it is set when the service is about to end."""

    def is_set(self) -> bool:
        """Whether the end is near."""
        ...

    def set(self) -> None:
        """Say so."""
        ...


class BoundedConfig(Config):
    """uvicorn's configuration together with our bounds; every worker gets a copy of its own."""

    def __init__(
        self,
        *args: Any,
        limits: Limits,
        stopping: Stopping,
        drain_seconds: float,
        **options: Any,
    ) -> None:
        """As uvicorn's; ``stopping`` is set ``drain_seconds`` before workers are told to go."""
        super().__init__(*args, **options)
        self.limits = limits
        self.crowd = Crowd(limits.connections, limits.unsent_bytes)
        self.stopping = stopping
        self.drain_seconds = drain_seconds
