"""A server over real sockets with a gateway that only says what reached it."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.logs import JsonLines, configure_logging, log_uncaught
from ksz_childbenefits.server.forking import workers_to_come
from ksz_childbenefits.server.limits import BoundedConfig, Limits
from ksz_childbenefits.server.run import Tls, Work, bind, configuration, serve
from ksz_childbenefits.server.supervisor import Worker
from ksz_childbenefits.soap_app import Deliver
from ksz_childbenefits.tls import TlsIdentity

PATH = "/ChildBenefitsService/v1/consult"
SLOW = b"<slow/>"
SLOW_SECONDS = 0.6
LARGE = b"<large/>"
LARGE_BYTES = 20_000_000
BROKEN = b"<broken/>"
SECRET = "85073003328"
CLOSED = "the endpoint is closed"
UNFORESEEN = "unforeseen"
"""In place of the number of workers: an error that nobody thought of."""

SHORT = Limits(read_seconds=0.8, write_seconds=0.8, idle_seconds=2, request_bytes=256 * 1024)
"""The limits of SECURITY 1 with its times made short."""


class SeeingGateway:
    """Answers with what it got; two bodies make it slow or talkative, one breaks its promise."""

    contract = CONSULTATION

    def answer(self, message: Message, deliver: Deliver) -> None:
        if message.body == SLOW:
            time.sleep(SLOW_SECONDS)
        if message.body == LARGE:
            deliver(Reply(b"x" * LARGE_BYTES))
            return
        if message.body == BROKEN:
            raise ValueError(SECRET)
        seen = f"{len(message.body)}|{message.charset}|{message.soap_action}|{message.received}"
        deliver(Reply(seen.encode(), 500 if message.body == b"<fault/>" else 200))

    def overloaded(self, message: Message) -> Reply:
        return Reply(b"<MSG00001/>", 503, retry_after=5)

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        logging.getLogger(__name__).info(CLOSED)


class UnreadyGateway(SeeingGateway):
    """One whose stores do not answer."""

    def ready(self) -> bool:
        return False


def seeing() -> tuple[SeeingGateway]:
    return (SeeingGateway(),)


def unready() -> tuple[SeeingGateway]:
    return (UnreadyGateway(),)


@dataclass
class Site:
    """Where a server listens, and what it has logged."""

    port: int
    metrics_port: int
    workers: int = 1
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)
    errors: Path | None = None
    clock: int | None = None

    def cpu_seconds(self) -> float:
        """What the thread of the server has spent."""
        assert self.clock is not None
        return time.clock_gettime(self.clock)

    def log(self) -> str:
        return "\n".join(self.lines) + (self.errors.read_text() if self.errors else "")


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def tell_uncaught(args: threading.ExceptHookArgs) -> None:
    """As ``configure_logging`` has it."""
    log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


@contextmanager
def threaded(
    build: Callable[[], tuple[SeeingGateway]] = seeing,
    limits: Limits = SHORT,
    public_url: str | None = None,
    tls: Tls | None = None,
) -> Iterator[Site]:
    """One worker in a thread of this process, with all logs down to DEBUG collected."""
    work = Work(build, limits=limits, public_url=public_url, tls=tls)
    with bind("127.0.0.1", 0) as metrics, bind("127.0.0.1", 0) as listener:
        inner = metrics.getsockname()[1]
        yield from _threaded(configuration(work, None, inner), [listener, metrics])


def _threaded(config: BoundedConfig, sockets: list[socket.socket]) -> Iterator[Site]:
    server = Worker(config)
    root = logging.getLogger()
    service, metrics = (listener.getsockname()[1] for listener in sockets)
    site = Site(service, metrics)
    handler, level = _Lines(site.lines), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    hook, threading.excepthook = threading.excepthook, tell_uncaught
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert thread.ident is not None
        site.clock = time.pthread_getcpuclockid(thread.ident)
        yield site
    finally:
        config.stopping.set()
        server.should_exit = True
        thread.join(10)
        threading.excepthook = hook
        root.removeHandler(handler)
        root.setLevel(level)


@contextmanager
def spawned(
    workers: int, errors: Path, drain_seconds: float = 0, tls: Path | None = None
) -> Iterator[Site]:
    """``serve`` in a process of its own; its standard error goes to a file, beside its settings.

    ``tls``: a folder with server.pem, server.key and client-authority.pem.
    """
    settings = errors.with_name("settings")
    settings.write_text(f"{workers} {drain_seconds} {tls or ''}")
    command = [sys.executable, "-m", "tests.server.serving", str(settings)]
    root = Path(__file__).parent.parent.parent
    path = os.pathsep.join(p for p in (str(root), os.environ.get("PYTHONPATH")) if p)
    environment = {**os.environ, "PYTHONPATH": path}
    with (
        errors.open("w") as stream,
        subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=stream, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            expected = f"listening on http{'s' if tls else ''}://127.0.0.1:"
            assert lines[0].startswith(expected), errors.read_text()
            ports = [int(line.partition("127.0.0.1:")[2].partition("/")[0]) for line in lines]
            yield Site(ports[0], ports[1], workers, process, errors=errors)
        finally:
            process.terminate()
            process.wait(20)


# A client that says exactly what it is told to.


def post(body: bytes = b"<a/>", *headers: str, path: str = PATH, method: str = "POST") -> bytes:
    """A request as bytes; a header given replaces the default of its name."""
    given = {line.split(":")[0].lower() for line in headers}
    usual = ["Host: h", "Content-Type: text/xml", f"Content-Length: {len(body)}"]
    lines = [line for line in usual if line.split(":")[0].lower() not in given] + list(headers)
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    given = {line.split(":")[0].lower() for line in headers}
    lines = [*([] if "host" in given else ["Host: h"]), *headers]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


CHUNKED_HEAD = post(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


def connect(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=10)


def receive(stream: socket.socket, method: str = "POST") -> Response | None:
    """One response; None: the connection was closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            more = stream.recv(65536)
        except ConnectionError:
            return None
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    status = int(first.split()[1])
    length = 0 if method == "HEAD" or status == 100 else int(headers["content-length"])
    rest = bytearray(body)
    while len(rest) < length:
        more = stream.recv(2**20)
        assert more, "the reply was cut"
        rest += more
    return Response(status, headers, bytes(rest))


def ask(site: Site, request: bytes, method: str = "POST") -> Response | None:
    """Send on a new connection; a refusal may come before all is sent."""
    with connect(site) as stream:
        with suppress(ConnectionError):
            stream.sendall(request)
        return receive(stream, method)


def closed_after(stream: socket.socket, started: float) -> float:
    """Seconds from ``started`` until the server closes."""
    stream.settimeout(10)
    try:
        while stream.recv(65536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - started


def build() -> tuple[SeeingGateway]:
    """As ``seeing``, in a worker with its logs configured."""
    configure_logging("DEBUG")
    return seeing()


def work() -> Work:
    """What is served: how many workers, how long they drain, and TLS, stands in a file."""
    workers, drain, *folders = Path(sys.argv[1]).read_text().split()
    if workers == UNFORESEEN:
        raise ValueError(SECRET)
    if not workers.isdigit():
        raise ConfigurationError(f"{sys.argv[1]}: {workers} is no number")
    tls = None
    for folder in map(Path, folders):
        own = TlsIdentity(folder / "server.pem", folder / "server.key")
        tls = Tls(own, folder / "client-authority.pem")
    return Work(build, int(workers), SHORT, tls=tls, drain_seconds=float(drain))


if __name__ == "__main__":
    configure_logging("DEBUG")
    with workers_to_come():
        serve(work, host="127.0.0.1", port=0, metrics=("127.0.0.1", 0))
