"""Starting the server: a supervisor and its workers, bound to their addresses."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import uvloop

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.wsdl import served_wsdl
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.server.door import METRICS_PATH, Door
from ksz_childbenefits.server.forking import FORKING
from ksz_childbenefits.server.limits import BoundedConfig, Limits, Stopping
from ksz_childbenefits.server.protocol import BoundedProtocol
from ksz_childbenefits.server.supervisor import Supervisor
from ksz_childbenefits.soap_app import MessageEndpoint
from ksz_childbenefits.tls import TlsIdentity, server_context

EndpointFactory = Callable[[], Sequence[MessageEndpoint]]
"""Makes a worker's endpoints, in the worker; it is pickled on its way there."""

_BACKLOG = 1024
_LOOK_SECONDS = 1.0
"""How often a worker looks whether those that it depends on are there."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What the server presents, and whose certificates callers must present (None: none).

    The inner listener, for metrics and health, demands none: probes have no certificates.
    """

    own: TlsIdentity
    client_authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What the workers do, and how many they are; all of it can be renewed while they serve.

    ``public_url``: base of the addresses in the WSDL; None: as the request names us.
    ``drain_seconds``: how long before the end the service says that it is not ready any more.
    """

    build: EndpointFactory
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    public_url: str | None = None
    tls: Tls | None = None
    drain_seconds: float = 0


def serve(  # noqa: PLR0913 - what a server can be told
    work: Callable[[], Work],
    *,
    host: str,
    port: int,
    metrics: tuple[str, int] | None = None,
    on_ready: Callable[[str], None] | None = None,
    on_renewed: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests that were accepted by then are answered.

    To be called inside ``server.forking.workers_to_come``.

    ``work`` is asked at the start and at each SIGHUP, when new workers take over without a request
    being lost; if it then raises a KszError, the old ones stay. ``port`` 0 takes a free one;
    ``metrics``: host and port of a second listener, which alone answers GET /metrics. ``on_ready``
    gets "listening on URL", and on a second line where metrics are, once every worker serves; by
    default it is printed. ``on_renewed`` is called when new workers have taken over. Raises
    ConfigurationError for an address or certificate of no use.
    """
    first, stopping = work(), FORKING.Event()
    with ExitStack() as resources:
        listener = resources.enter_context(bind(host, port))
        lines, sockets, inner = [f"listening on {_address(listener, first)}"], [listener], None
        if metrics is not None:
            sockets.append(resources.enter_context(bind(*metrics)))
            lines.append(f"metrics on {_address(sockets[1], first)}{METRICS_PATH}")
            inner = sockets[1].getsockname()[1]
        config = configuration(first, stopping, inner)
        Supervisor(
            config,
            lambda: configuration(work(), stopping, inner),
            sockets,
            lambda: (on_ready or _print)("\n".join(lines)),
            on_renewed,
        ).run()


def _print(line: str) -> None:
    print(line, flush=True)


def _address(listener: socket.socket, work: Work) -> str:
    host, port = listener.getsockname()[:2]
    return f"http{'s' if work.tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def configuration(
    work: Work, stopping: Stopping | None = None, metrics_port: int | None = None
) -> BoundedConfig:
    """The settings of uvicorn; ConfigurationError for what cannot be used of ``work``.

    ``stopping`` is set when the end is near; ``metrics_port``: the port of the inner listener.
    """
    _check_public_url(work.public_url)
    stopping = stopping or threading.Event()
    tls, limits = work.tls, work.limits
    options: dict[str, Any] = {}
    if tls is not None:
        server_context(tls.own, tls.client_authority)
        options["ssl_context_factory"] = partial(_context, tls)
    return BoundedConfig(
        partial(_application, work, stopping, metrics_port),
        factory=True,
        interface="asgi3",
        limits=limits,
        stopping=stopping,
        drain_seconds=work.drain_seconds,
        http=BoundedProtocol,
        loop=partial(_new_loop, limits.read_seconds, metrics_port, tls),
        ws="none",
        lifespan="off",
        workers=work.workers,
        backlog=_BACKLOG,
        timeout_keep_alive=limits.idle_seconds,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **options,
    )


def _application(work: Work, stopping: Stopping, metrics_port: int | None) -> Door:
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's business
        threading.Thread(target=_follow, args=(supervisor,), daemon=True).start()
    return Door(work.build(), work.limits, work.public_url, stopping, metrics_port)


def _follow(supervisor: Any) -> None:
    """Stop this worker when its supervisor was killed: none would restart or replace it.

    Or when the fork server was: the supervisor takes its workers for dead then, and replaces them.
    """
    fork_server = os.getppid()
    while os.getppid() == fork_server and not wait([supervisor.sentinel], _LOOK_SECONDS):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _context(tls: Tls, *_: object) -> ssl.SSLContext:
    """Called by uvicorn in every worker."""
    return server_context(tls.own, tls.client_authority)


class _Loop(uvloop.Loop):
    """uvloop whose servers bound the TLS handshake like a request: uvicorn leaves it a minute.

    uvicorn has one TLS context; that of the inner port demands no certificate.
    """

    handshake_seconds: float
    inner_port: int | None
    tls: Tls | None

    async def create_server(self, *args: Any, **options: Any) -> Any:
        if self.tls is not None:
            options["ssl_handshake_timeout"] = self.handshake_seconds
            options["ssl_shutdown_timeout"] = self.handshake_seconds
            if options["sock"].getsockname()[1] == self.inner_port:
                options["ssl"] = server_context(self.tls.own)
        return await super().create_server(*args, **options)


def _new_loop(
    handshake_seconds: float, inner_port: int | None, tls: Tls | None
) -> asyncio.AbstractEventLoop:
    loop = _Loop()
    loop.handshake_seconds, loop.inner_port, loop.tls = handshake_seconds, inner_port, tls
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
