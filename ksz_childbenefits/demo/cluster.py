"""A PostgreSQL server of one's own, for as long as it is needed: tests, demonstrations, soak runs.

It lives in a temporary folder, listens on a free port of the loopback interface, has a password
that nobody else knows, and runs as an unprivileged user, which PostgreSQL insists on.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from ksz_childbenefits.errors import UsageError

USERS = ("postgres", "nobody")
"""Whom the server runs as when we are root: the first that this machine has."""

START_SECONDS = 60
STOP_SECONDS = 60

_INSTALLED = (Path("/usr/lib/postgresql"), Path("/usr"))
_VERSION = re.compile("(?:pgsql-)?([0-9]+)")


_GUARD = """
exec 3<&0
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } &
guard=$!
wait "$server"
kill "$guard" 2>/dev/null
"""
"""Runs a server until our end of its standard input closes, however we end: a fast shutdown."""


@dataclass(slots=True)
class Cluster:
    """A server that runs, unless it is stopped; ``process`` guards it and ends with it."""

    port: int
    password: str
    launch: Callable[[], subprocess.Popen[bytes]]
    log: Path
    process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it, again at the same port and with what is on the disk.

        Return once it answers; UsageError says why it did not start.
        """
        self.process = self.launch()
        _wait(self)

    def stop(self) -> None:
        """Shut it down, if it runs: connections are closed, open transactions rolled back."""
        if self.process.poll() is None:
            _stop(self.process)

    def url(self, database: str) -> str:
        """The SQLAlchemy address of one of its databases."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database and give its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.url(database)


def find_binaries() -> Path | None:
    """The folder with ``initdb`` and ``postgres``: of PATH, else of the newest one installed."""
    candidates: list[Path] = []
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    versions = [
        (int(found.group(1)), folder / "bin")
        for parent in _INSTALLED
        if parent.is_dir()
        for folder in parent.iterdir()
        if (found := _VERSION.fullmatch(folder.name))
    ]
    candidates += [folder for _, folder in sorted(versions, reverse=True)]
    wanted = ("initdb", "postgres")
    return next((f for f in candidates if all((f / name).is_file() for name in wanted)), None)


@contextmanager
def running_cluster(
    settings: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Cluster]:
    """A new server with these settings, stopped and removed at the end.

    ``folder``: where its temporary folder is made. UsageError says what to install where this
    machine has no server, or why it did not start.
    """
    binaries = find_binaries()
    if binaries is None:
        raise UsageError(
            "PostgreSQL's server is not installed; on Debian and Ubuntu: apt-get install postgresql"
        )
    home = Path(tempfile.mkdtemp(prefix="ksz-postgresql-", dir=folder))
    try:
        identity = _unprivileged(home)
        password = _initialise(binaries, home, identity)
        port = _free_port()
        launch = partial(_launch, binaries, home, identity, port, settings or {})
        cluster = Cluster(port, password, launch, home / "server.log", launch())
        try:
            _wait(cluster)
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> dict[str, Any]:
    """Who runs the server, as subprocess takes it, and now owns the folder; empty: who we are."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in USERS if name in known), None)
    if user is None:
        raise UsageError(f"as root PostgreSQL needs one of the users {', '.join(USERS)}")
    shutil.chown(home, user)
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _initialise(binaries: Path, home: Path, identity: Mapping[str, Any]) -> str:
    password = secrets.token_urlsafe(24)
    secret = home / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    if identity:
        shutil.chown(secret, identity["user"])
    options = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
    command = (binaries / "initdb", *options, "--no-sync", f"--pwfile={secret}", home / "data")
    made = subprocess.run(  # noqa: S603 - the server that was found
        command, check=False, capture_output=True, text=True, cwd=home, **identity
    )
    secret.unlink()
    if made.returncode != 0:
        raise UsageError(f"PostgreSQL's initdb failed: {made.stderr.strip()}")
    return password


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _launch(
    binaries: Path,
    home: Path,
    identity: Mapping[str, Any],
    port: int,
    settings: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    fixed = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        # Its default tells the values of rows that break a rule.
        "log_error_verbosity": "terse",
    }
    options = [f"--{name}={value}" for name, value in (fixed | dict(settings)).items()]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the server that was found
            ("/bin/sh", "-c", _GUARD, "sh", binaries / "postgres", "-D", home / "data", *options),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=home,
            # A Ctrl-C is ours: the server is stopped when we have finished with it.
            start_new_session=True,
            **identity,
        )


def _wait(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and cluster.process.poll() is None:
        try:
            psycopg.connect(cluster.url("postgres"), connect_timeout=START_SECONDS).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    said = cluster.log.read_text(errors="replace")[-500:].strip()
    raise UsageError(f"PostgreSQL did not start: {said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Open transactions are rolled back."""
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGQUIT)
        process.wait()
