"""Starting and stopping the server: one worker in this process, or several under a supervisor."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn.supervisors.multiprocess import Multiprocess

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.wsdl import served_wsdl
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.server.door import Door
from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.protocol import BoundedConfig, BoundedProtocol
from ksz_childbenefits.soap_app import MessageEndpoint

EndpointFactory = Callable[[], Sequence[MessageEndpoint]]
"""Makes a worker's endpoints, in the worker; it is pickled on its way there."""

_STARTUP_SECONDS = 60
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate chain and key, as PEM files."""

    certificate: Path
    key: Path


class WithoutTraces(logging.Filter):
    """Names an exception instead of printing its trace: traces hold paths, and may hold data."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without its trace."""
        if record.exc_info:
            kind = record.exc_info[0]
            text = "" if isinstance(record.msg, BaseException) else record.getMessage().strip()
            record.msg = f"{text or 'error'} [{kind.__name__ if kind else 'unknown'}]"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


_WITHOUT_TRACES = WithoutTraces()
_FOREIGN_LOGGERS = ("uvicorn.error", "asyncio", "spyne.application", "spyne.application.server")


def serve(  # noqa: PLR0913  # each is one setting of [service] or [limits]
    build: EndpointFactory,
    *,
    host: str,
    port: int,
    workers: int = 1,
    limits: Limits | None = None,
    public_url: str | None = None,
    tls: Tls | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests that were accepted by then are answered.

    ``port`` 0 takes a free one. ``on_ready`` gets "listening on URL" once every worker serves;
    by default it is printed. Raises ConfigurationError for addresses or a certificate that cannot
    be used.
    """
    limits = limits or Limits()
    _check_public_url(public_url)
    config = configuration(build, limits, workers, public_url, tls)
    with bind(host, port) as listener:
        bound = listener.getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        line = f"listening on http{'s' if tls else ''}://{shown}:{bound[1]}"
        ready = partial(on_ready or partial(print, flush=True), line)
        if workers == 1:
            SingleWorker(config, ready).run([listener])
        else:
            Supervisor(config, [listener], ready).run()


class SingleWorker(Server):
    """uvicorn's server that says when it is ready, and returns when it was told to stop."""

    def __init__(self, config: Config, on_ready: Callable[[], None]) -> None:
        """``on_ready`` is called once connections are accepted."""
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully; uvicorn would raise the signal once more when all is done."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


class Supervisor(Multiprocess):
    """uvicorn's supervisor (it restarts workers that died) that says when all are ready."""

    def __init__(
        self, config: Config, sockets: list[socket.socket], on_ready: Callable[[], None]
    ) -> None:
        """``on_ready`` is called once every worker accepts connections."""
        super().__init__(config, sockets)
        self._on_ready = on_ready

    def init_processes(self) -> None:
        """Start the workers and wait for them; one that dies meanwhile is tried again later."""
        super().init_processes()
        if all(worker.wait_until_ready(_STARTUP_SECONDS) for worker in self.processes):
            self._on_ready()


def configuration(
    build: EndpointFactory, limits: Limits, workers: int, public_url: str | None, tls: Tls | None
) -> BoundedConfig:
    """The settings of uvicorn; ConfigurationError for TLS files that cannot be used."""
    options: dict[str, Any] = {}
    if tls is not None:
        context = partial(_context, tls)
        context()
        options["ssl_context_factory"] = context
    return BoundedConfig(
        partial(_application, build, limits, public_url),
        factory=True,
        interface="asgi3",
        limits=limits,
        http=BoundedProtocol,
        loop=partial(_new_loop, limits.read_seconds),
        ws="none",
        lifespan="off",
        workers=workers,
        backlog=_BACKLOG,
        timeout_keep_alive=limits.idle_seconds,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **options,
    )


def _application(build: EndpointFactory, limits: Limits, public_url: str | None) -> Door:
    endpoints = build()
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_follow, args=(supervisor,), daemon=True).start()
    for name in _FOREIGN_LOGGERS:
        logging.getLogger(name).addFilter(_WITHOUT_TRACES)
    return Door(endpoints, limits, public_url)


def _follow(supervisor: BaseProcess) -> None:
    """Stop this worker when its supervisor was killed: none would restart or replace it."""
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _context(tls: Tls, *_: object) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 (SECURITY 1); called by uvicorn in every worker."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise ConfigurationError(f"cannot use the TLS certificate and key: {error}") from None
    return context


class _Loop(uvloop.Loop):
    """uvloop whose servers bound the TLS handshake like a request: uvicorn leaves it a minute."""

    handshake_seconds: float

    async def create_server(self, *args: Any, **options: Any) -> Any:
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = self.handshake_seconds
            options["ssl_shutdown_timeout"] = self.handshake_seconds
        return await super().create_server(*args, **options)


def _new_loop(handshake_seconds: float) -> asyncio.AbstractEventLoop:
    loop = _Loop()
    loop.handshake_seconds = handshake_seconds
    return loop


def _check_public_url(public_url: str | None) -> None:
    try:
        served_wsdl(CONSULTATION, public_url or "http://localhost")
    except ValueError as error:
        raise ConfigurationError(f"public_url: {error}") from None


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; the workers listen on it, so nothing is accepted before one is ready."""
    try:
        family, kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    listener.set_inheritable(True)
    return listener
