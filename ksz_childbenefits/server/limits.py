"""The bounds of a connection and of all requests together (SECURITY 1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Each bound is per worker; times are in seconds.

    ``read_seconds`` counts from a request's first byte (of a new connection: from its opening)
    to the last byte of its body; ``write_seconds`` from the moment the client stops taking the
    reply until it has taken all of it.
    """

    header_bytes: int = 16 * 1024
    request_bytes: int = 256 * 1024
    read_seconds: float = 10
    write_seconds: float = 10
    idle_seconds: float = 30
    parallel_requests: int = 64
    threads: int = 8
