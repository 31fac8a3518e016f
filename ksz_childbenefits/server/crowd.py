"""How many connections a worker bears, and how much unsent reply: beyond that the slowest go.

Whoever asks a question whole and takes its answer is done within moments. So where there are too
many, the one to give up is the one that has waited longest for its next byte: it says nothing,
drips, stays idle, or does not take its reply. Turning the newcomer away instead would let a few
hundred slow ones close the door to everybody.
"""

from __future__ import annotations

from typing import Protocol


class Connection(Protocol):
    """What a crowd is made of."""

    def unsent(self) -> int:
        """Bytes of replies that the peer has not taken yet."""
        ...

    def give_up(self, reason: str) -> None:
        """Close at once, whatever is under way."""
        ...


class Crowd:
    """The connections of one worker; used by its event loop alone."""

    def __init__(self, connections: int, unsent_bytes: int) -> None:
        """At most so many connections, and so many bytes of unsent replies."""
        self._connections = connections
        self._unsent_bytes = unsent_bytes
        self._waiting: dict[Connection, None] = {}
        self._served: set[Connection] = set()
        self._slow: dict[Connection, None] = {}

    def waits(self, connection: Connection) -> None:
        """It is new, or its answer is made: from now on it waits for its peer."""
        self._served.discard(connection)
        self._waiting.pop(connection, None)
        self._waiting[connection] = None
        if len(self._waiting) + len(self._served) > self._connections:
            self._give_up(next(iter(self._waiting)), "too many connections")

    def is_served(self, connection: Connection) -> None:
        """Its request is whole: from now on it waits for us."""
        self._waiting.pop(connection, None)
        self._served.add(connection)

    def is_slow(self, connection: Connection) -> None:
        """Its peer does not take the reply as fast as we write it: it waits for its peer again."""
        if connection not in self._slow:
            self._slow[connection] = None
            self.waits(connection)
        if sum(slow.unsent() for slow in self._slow) > self._unsent_bytes:
            self._give_up(next(iter(self._slow)), "too much that is not taken")

    def took_all(self, connection: Connection) -> None:
        """Its peer has taken the reply."""
        self._slow.pop(connection, None)

    def left(self, connection: Connection) -> None:
        """It is closed."""
        self._waiting.pop(connection, None)
        self._served.discard(connection)
        self._slow.pop(connection, None)

    def _give_up(self, connection: Connection, reason: str) -> None:
        self.left(connection)
        connection.give_up(reason)
