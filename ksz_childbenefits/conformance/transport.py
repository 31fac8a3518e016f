"""How a request gets to a service and its answer back: over HTTP, or any other ``Transport``."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final, Protocol
from urllib.parse import urlsplit

import requests

from ksz_childbenefits.conformance.answer import Answer, NoAnswer
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.conformance.wire import Wire
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.errors import UsageError

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
_PORTS: Final = {"http": 80, "https": 443}
_CHUNK: Final = 1000


class Transport(Protocol):
    """Sends a request; NoAnswer when there is none."""

    def __call__(self, message: HttpMessage) -> Answer:
        """Give the answer to ``message``."""
        ...


class HttpTransport:
    """Sends over HTTP to the host of a URL; proxies and redirects are not followed."""

    def __init__(self, url: str) -> None:
        """``url``: the host, or the whole address of the service; UsageError when it is neither."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UsageError(f"{url} is not a URL") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise UsageError(f"{url} is not an http or https URL")
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/") or CONSULTATION.path
        self._session = requests.Session()
        self._session.trust_env = False
        self._wire = Wire(parts.hostname, self._port, parts.scheme == "https")

    def connect(self) -> None:
        """Try the host and the port; UsageError when nothing listens there."""
        address = (self._host, self._port)
        try:
            socket.create_connection(address, CONNECT_SECONDS).close()
        except OSError as error:
            raise UsageError(f"cannot connect to {self._origin}: {error}") from None

    def __call__(self, message: HttpMessage) -> Answer:
        """Send ``message`` and read the whole answer; NoAnswer when there is none."""
        if message.wire is not None:
            return self._wire.send(message.wire, self._values(message))
        try:
            response = self._session.request(
                message.method,
                self._origin + (message.path or self._path),
                data=_chunks(message.body) if message.chunked else message.body,
                headers=message.headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise NoAnswer(f"no answer ({type(error).__name__})") from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)

    def _values(self, message: HttpMessage) -> dict[str, str]:
        """What pieces of the wire leave open, each letter an octet."""
        body = message.body.decode("latin-1")
        return {
            "host": f"{self._host}:{self._port}",
            "path": self._path,
            "length": str(len(body)),
            "chunks": f"{len(body):x}\r\n{body}\r\n",
            "message": body,
        }


def _chunks(body: bytes) -> Iterator[bytes]:
    """The body in pieces: requests sends an iterator with chunked transfer encoding."""
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
