"""A request byte by byte over a socket: what no HTTP library would send, and slow peers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, TypeVar

from ksz_childbenefits.conformance.answer import Answer, NoAnswer
from ksz_childbenefits.conformance.edit import fill
from ksz_childbenefits.conformance.recipe import Piece, WireRecipe
from ksz_childbenefits.errors import KszError

_T = TypeVar("_T")

CLOSED: Final = "connection closed without an answer"

_PATIENCE_SECONDS: Final = 60.0
"""How long anything is waited for: longer than every bound of SECURITY 1."""

_SMALL_WINDOW: Final = 1024
"""The receive buffer of a peer that reads nothing, so that the service notices soon."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A host and port, over TLS or not."""

    host: str
    port: int
    tls: bool

    def send(self, recipe: WireRecipe, values: Mapping[str, str]) -> Answer:
        """Send what ``recipe`` says, over all its connections, and give the first answer.

        What follows the answer on its connection is in ``rest``. NoAnswer, with the seconds that
        the slowest took, where every connection was closed without one.
        """
        outcomes = in_threads([lambda: self._one(recipe, values)] * recipe.connections)
        seconds = [outcome for outcome in outcomes if not isinstance(outcome, Answer)]
        for outcome in outcomes:
            if isinstance(outcome, Answer):
                return outcome
        raise NoAnswer(CLOSED, max(seconds))

    def _one(self, recipe: WireRecipe, values: Mapping[str, str]) -> Answer | float:
        """The answer on one connection, or after how many seconds it was closed without one."""
        with self._connected(recipe) as stream:
            started = time.monotonic()
            with contextlib.suppress(OSError):  # an answer may come before all is sent
                for piece in recipe.piece:
                    _send(stream, piece, values)
            if not recipe.reads:
                _wait_for_the_end(stream)
                return time.monotonic() - started
            data = _received(stream)
        return _answer(data) or time.monotonic() - started

    def _connected(self, recipe: WireRecipe) -> socket.socket:
        stream = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if not recipe.reads:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)
        stream.settimeout(_PATIENCE_SECONDS)
        try:
            stream.connect((self.host, self.port))
        except OSError as error:
            stream.close()
            raise NoAnswer(f"no connection ({type(error).__name__})") from None
        if self.tls:
            return ssl.create_default_context().wrap_socket(stream, server_hostname=self.host)
        return stream


def in_threads(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    """The results of calls that are made at the same time; the first error, if there was one.

    Its threads end with the program: whoever stops it need not wait for slow peers.
    """
    futures: list[Future[_T]] = [Future() for _ in calls]
    for future, call in zip(futures, calls, strict=True):
        threading.Thread(target=_settle, args=(future, call), daemon=True).start()
    return [future.result() for future in futures]


def _settle(future: Future[_T], call: Callable[[], _T]) -> None:
    try:
        future.set_result(call())
    except (NoAnswer, OSError, KszError) as error:
        future.set_exception(error)


def _send(stream: socket.socket, piece: Piece, values: Mapping[str, str]) -> None:
    """Send a piece: at once, or so often in its rhythm."""
    octets = fill(piece.text, values).encode("latin-1")
    if not piece.every:
        stream.sendall(octets * piece.times)
        return
    for _ in range(piece.times):
        stream.sendall(octets)
        time.sleep(piece.every)


def _received(stream: socket.socket) -> bytes:
    """All that comes: once there is an answer, we say that nothing follows and read to the end."""
    data, told = b"", False
    try:
        while more := stream.recv(65536):
            data += more
            if not told and _answer(data) is not None:
                told = True
                stream.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return data


def _wait_for_the_end(stream: socket.socket) -> None:
    """Wait until the service has closed, without reading."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            stream.send(b"\r\n")
        except OSError:
            return
        time.sleep(0.2)


def _answer(data: bytes) -> Answer | None:
    """The answer in ``data`` once it is whole; ``100 Continue`` is passed over."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    status = int(first.split()[1])
    if status == 100:
        return _answer(body)
    length = int(headers.get("content-length", "0"))
    if len(body) < length:
        return None
    return Answer(status, headers, body[:length], body[length:])
