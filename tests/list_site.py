"""Where an authority publishes its revocation list, on a real socket, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as its site says."""

    protocol_version = "HTTP/1.1"
    server: ListSite

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        with suppress(OSError):
            self.server.answer(self)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent
        """Keep silent."""

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class ListSite(ThreadingHTTPServer):
    """``requests`` holds the paths that were asked for."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/root.crl"

    def publish(self, data: bytes) -> None:
        """Answer with this list from now on."""
        self.answer = lambda handler: handler.say(200, data)


def nothing(handler: Handler) -> None:
    handler.say(404)


@contextmanager
def list_site(answer: Answer = nothing) -> Iterator[ListSite]:
    with ListSite(answer) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
