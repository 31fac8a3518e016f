"""The supervisor: starts the workers, replaces them when they die or are to be renewed, stops them.

Nothing that a worker has accepted is dropped by any of this: a worker that goes stops accepting and
answers what it has, while the others, or those that take its place, accept at the same socket.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.process import BaseProcess
from types import TracebackType

from uvicorn.server import Server
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from ksz_childbenefits.errors import KszError
from ksz_childbenefits.logs import log_uncaught, without_folders
from ksz_childbenefits.metrics import worker_ended
from ksz_childbenefits.server.forking import FORKING
from ksz_childbenefits.server.limits import BoundedConfig

_log = logging.getLogger(__name__)

_STARTUP_SECONDS = 60
_HANDSHAKE_SECONDS = 1
"""How long a TLS handshake may take that was begun before the worker was told to go."""

_LOOK_SECONDS = 0.01
"""How often it is looked whether a worker is ready."""

_LAST_SECONDS = 30
"""How long workers have to finish when an error ends the supervisor."""

_STOP = {signal.SIGTERM, signal.SIGINT}


class Worker(Server):
    """uvicorn's server, in a process of its own."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, finish, let go; uvicorn does not see connections that shake hands."""
        for server in self.servers:
            server.close()
        if self.config.is_ssl:
            await asyncio.sleep(_HANDSHAKE_SECONDS)
        await super().shutdown(sockets)
        await asyncio.to_thread(self.config.loaded_app.close)


class _OneLine(AbstractContextManager[None]):
    """Logs the error that ends a process, as its last act."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and issubclass(kind, Exception):
            log_uncaught(kind, error, trace)
            raise SystemExit(1)


class WorkerProcess(Process):
    """The process of a worker, seen from the supervisor."""

    process: BaseProcess  # type: ignore[assignment]  # uvicorn's are made in another way

    def __init__(self, config: BoundedConfig, sockets: list[socket.socket]) -> None:
        """It is not started yet."""
        super().__init__(config, sockets)
        self.process = FORKING.Process(target=_begin, args=(config, self.target, sockets))
        self._asked_at: float | None = None
        self._reacted = False

    def is_alive(self, timeout: float = 5) -> bool:
        """Whether it reacts within so many seconds; a new one has as long as a start may take."""
        if self._reacted:
            return super().is_alive(timeout)
        if not self.process.is_alive():
            return False
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self.parent_conn.send(b"ping")
        # Nobody waits here for what takes long on a busy machine: signals are to be handled.
        if self.parent_conn.poll(0):
            self.parent_conn.recv()
            self._reacted = True
        return self._reacted or time.monotonic() < self._asked_at + _STARTUP_SECONDS

    def serves_within(self, seconds: float) -> bool:
        """Whether it comes to serve; often looked at: the service is ready with its last worker."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.is_alive():
            if self.is_ready(timeout=1):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """What the process does; an error that ends it is one line in the log, not a trace."""
        with _OneLine():
            # Made before anybody asks for it: uvicorn's pings come in another thread.
            self._server = Worker(self.config)
            super().target(sockets)

    def ended(self) -> None:
        """Wait for its end, and forget what was true only while it lived."""
        self.join()
        if self.pid is not None:
            worker_ended(self.pid)


class Supervisor(Multiprocess):
    """Keeps as many workers as configured; SIGHUP renews them, SIGTERM and SIGINT end them.

    ``renewed`` gives the configuration at each SIGHUP; a KszError of it refuses the renewal. The
    end is announced by ``config.stopping``, ``config.drain_seconds`` before workers are told to go:
    load balancers see that this machine is not ready any more.
    """

    config: BoundedConfig

    processes: list[WorkerProcess]  # type: ignore[assignment]

    def __init__(
        self,
        config: BoundedConfig,
        renewed: Callable[[], BoundedConfig],
        sockets: list[socket.socket],
        on_ready: Callable[[], None],
        on_renewed: Callable[[], None],
    ) -> None:
        """``on_ready`` is called once every worker accepts connections."""
        super().__init__(config, sockets)
        self._renewed = renewed
        self._on_ready = on_ready
        self._on_renewed = on_renewed
        self._retired: list[WorkerProcess] = []

    def run(self) -> None:
        """Supervise until told to stop; an error that ends this ends the workers too, first."""
        with ExitStack() as abandoned:
            abandoned.callback(self._abandon)
            super().run()
            abandoned.pop_all()

    def _abandon(self) -> None:
        """Leave no process behind that nobody would stop or replace, nor one that waits for it."""
        self.config.stopping.set()
        workers = multiprocessing.active_children()
        for worker in workers:
            worker.terminate()
        end = time.monotonic() + _LAST_SECONDS
        for worker in workers:
            worker.join(max(end - time.monotonic(), 0))
            worker.kill()
            worker.join()

    def init_processes(self) -> None:
        """Start the workers and wait for them; one that dies meanwhile is tried again later."""
        self.processes = self._started(self.config)
        if _all_ready(self.processes):
            self._on_ready()

    def _started(self, config: BoundedConfig) -> list[WorkerProcess]:
        return [self._start(config) for _ in range(config.workers)]

    def _start(self, config: BoundedConfig) -> WorkerProcess:
        process = WorkerProcess(config, self.sockets)
        process.start()
        return process

    def keep_subprocess_alive(self) -> None:
        """Replace each worker that died or does not react."""
        for process in [p for p in self._retired if not p.process.is_alive()]:
            process.ended()
            self._retired.remove(process)
        for index, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if not process.is_alive(timeout=self.config.timeout_worker_healthcheck):
                _log.error("worker died", extra={"worker": process.pid})
                process.kill()
                process.ended()
                self.processes[index] = self._start(self.config)

    def handle_hup(self) -> None:
        """Renew: all new workers serve before any old one goes; else the old ones stay."""
        try:
            config = self._renewed()
        except KszError as error:
            _log.error("reload refused", extra={"reason": without_folders(str(error))})
            return
        fresh = self._started(config)
        if not _all_ready(fresh):
            for process in fresh:
                process.kill()
                process.ended()
            _log.error("reload refused", extra={"reason": "the new workers do not start"})
            return
        old, self.processes, self.config = self.processes, fresh, config
        for process in old:
            process.terminate()
        self._retired += old
        self._on_renewed()
        _log.info("reloaded", extra={"workers": config.workers})

    def handle_ttin(self) -> None:
        """How many workers there are is configuration."""

    def handle_ttou(self) -> None:
        """How many workers there are is configuration."""

    def terminate_all(self) -> None:
        """Say that the end is near, give load balancers their time, then tell the workers."""
        _log.info("stopping")
        self.config.stopping.set()
        end = time.monotonic() + self.config.drain_seconds
        while time.monotonic() < end and not _STOP.intersection(self.signal_queue):
            time.sleep(0.1)
        super().terminate_all()

    def join_all(self) -> None:
        """Wait until the last worker has answered what it had."""
        for process in (*self.processes, *self._retired):
            process.ended()
        _log.info("stopped")


def _begin(
    config: BoundedConfig,
    target: Callable[[list[socket.socket]], None],
    sockets: list[socket.socket],
) -> None:
    """What the process of a worker does."""
    config.configure_logging()
    target(sockets)


def _all_ready(workers: Sequence[WorkerProcess]) -> bool:
    return all(worker.serves_within(_STARTUP_SECONDS) for worker in workers)
