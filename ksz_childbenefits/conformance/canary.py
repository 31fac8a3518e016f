"""An address that a message names and nobody must fetch: who does is noticed."""

from __future__ import annotations

import select
import socket
from types import TracebackType


class Canary:
    """Listens on this machine while it is open; use as a context.

    A service on another machine could not reach it, but may say so in its firewall's log.
    """

    def __init__(self) -> None:
        """Take a free port."""
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> Canary:
        """Use it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the port back."""
        self._listener.close()

    @property
    def address(self) -> str:
        """An http URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/canary"

    def fetched(self) -> bool:
        """Whether somebody has connected since it was last asked."""
        came = False
        while select.select([self._listener], [], [], 0)[0]:
            self._listener.accept()[0].close()
            came = True
        return came
