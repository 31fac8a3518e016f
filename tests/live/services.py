"""Whole services as processes of their own, customers that ask them, and credentials for both."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs12,
)

from ksz_childbenefits.client import ChildBenefitsClient, Credentials, connect, read_credentials
from ksz_childbenefits.demo import pki
from ksz_childbenefits.errors import KszError

PATH = "/ChildBenefitsService/v1/consult"
CHILD = "12031590217"
"""The demo's child of Brussels that moved to Namur on 2019-06-01."""

PASSPHRASE = b"a secret of the service"


@dataclass
class Service:
    """A service that runs; its log is in a file."""

    url: str
    metrics: str | None
    process: subprocess.Popen[str]
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text()

    def reload(self, word: str = '"reloaded"') -> None:
        """SIGHUP, and wait until the log says ``word`` once more."""
        before = self.log().count(word)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log().count(word) > before, self.log)


def until(
    condition: Callable[[], object], explain: Callable[[], object] = str, seconds: float = 30
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


@contextmanager
def serving(config: Path, *arguments: str, **environment: str) -> Iterator[Service]:
    """``serve`` with these options; ``arguments`` can be another command that listens."""
    command = arguments or ("serve", "--port", "0")
    log = config.with_name(f"log-{time.monotonic_ns()}")
    with (
        log.open("w") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "ksz_childbenefits.cli", *command, "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, **environment},
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"https?://\S+", line)
            assert found, log.read_text()
            yield Service(found.group(), _metrics(config, process), process, log)
        finally:
            process.terminate()
            process.wait(30)
    assert "Traceback" not in log.read_text()


def _metrics(config: Path, process: subprocess.Popen[str]) -> str | None:
    if "metrics_port" not in config.read_text():
        return None
    assert process.stdout is not None
    return process.stdout.readline().split()[-1]


def change(config: Path, *pairs: tuple[str, str]) -> None:
    """Replace texts of the configuration, each of which stands there once."""
    text = config.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    config.write_text(text)


@dataclass(frozen=True)
class Issued:
    """A key and its certificate."""

    key: pki.PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, key: Path, certificate: Path) -> None:
        pki.write_key(key, self.key)
        pki.write_certificate(certificate, self.certificate)

    def write_pkcs12(self, path: Path) -> None:
        encryption = BestAvailableEncryption(PASSPHRASE)
        parts = b"service", self.key, self.certificate, None, encryption
        pki.write_secret(path, pkcs12.serialize_key_and_certificates(*parts))


def authority_of(config: Path) -> pki.Authority:
    keys = config.parent / "keys"
    return pki.load_authority(keys / "authority.key", keys / "authority.pem")


def issued(
    authority: pki.Authority, name: str, cbe_number: str | None = None, *, ec: bool = True
) -> Issued:
    key: pki.PrivateKey = pki.ec_key() if ec else pki.rsa_key()
    now = datetime.now(UTC).replace(microsecond=0)
    return Issued(key, pki.issue(authority, key, name, now, cbe_number=cbe_number))


def credentials(config: Path, customer: str = "fedris") -> Credentials:
    return read_credentials(config.parent / "credentials" / customer)


def client(service: Service, me: Credentials, *believed: bytes) -> ChildBenefitsClient:
    """A customer; ``believed``: the certificates that replies may be signed with, if others."""
    if believed:
        me = replace(me, service_certificates=b"".join(believed))
    return connect(f"{service.url}{PATH}?wsdl", me, f"{service.url}{PATH}")


def ask(customer: ChildBenefitsClient, sources: list[str] | None = None) -> str:
    """The status of an ordinary question."""
    reply: Any = customer.consult(CHILD, "2018-01", "2024-12", sources)
    return str(reply.status.value)


def outcome(customer: ChildBenefitsClient) -> str:
    """The status, or the class of the error."""
    try:
        return ask(customer)
    except KszError as error:
        return type(error).__name__


@dataclass
class Load:
    """Customers that ask without a pause, each with a client of its own; what they got."""

    clients: list[ChildBenefitsClient]
    sources: list[str] | None = None
    answers: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in self.clients]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, one: ChildBenefitsClient) -> None:
        while not self._over.is_set():
            try:
                self.answers.append(ask(one, self.sources))
            except KszError as error:
                self.lost.append(f"{type(error).__name__}: {error}")

    def more(self, count: int = 10) -> None:
        """Wait for so many more answers."""
        enough = len(self.answers) + count
        until(lambda: len(self.answers) >= enough, lambda: self.lost)
