"""TLS on real sockets: versions, whose certificates callers must present, renewal (SECURITY 1)."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ksz_childbenefits.server.run import Tls
from ksz_childbenefits.tls import TlsIdentity, client_context, server_context
from tests.server.serving import (
    SHORT,
    Response,
    Site,
    closed_after,
    connect,
    get,
    post,
    receive,
    spawned,
    threaded,
)
from tests.tls_files import TlsFiles, tls_files

pytestmark = pytest.mark.once

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def mutual(files: TlsFiles) -> Iterator[Site]:
    """A server that demands a certificate."""
    with threaded(tls=Tls(files.write("server"), files.ca)) as site:
        yield site
        assert "Traceback" not in site.log()


def ask(site: Site, context: ssl.SSLContext, request: bytes, *, inner: bool = False) -> Response:
    """One request over TLS; ssl.SSLError where the server refuses, which TLS 1.3 says late."""
    at = Site(site.metrics_port, 0) if inner else site
    with context.wrap_socket(connect(at), server_hostname="localhost") as stream:
        stream.sendall(request)
        answer = receive(stream)
        if answer is None:
            raise ssl.SSLError("closed without an answer")
        return answer


def only(version: ssl.TLSVersion, context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_tls_1_2_and_1_3_carry_what_http_does(files: TlsFiles, version: ssl.TLSVersion) -> None:
    context = only(version, client_context(files.ca))
    with threaded(tls=Tls(files.write_encrypted("encrypted"))) as site:
        with context.wrap_socket(connect(site), server_hostname="localhost") as stream:
            assert stream.version() == version.name.replace("_", ".", 1).replace("_", ".")
            stream.sendall(post(b"x" * 200_000))
            answer = receive(stream)
            assert answer is not None
            assert answer.status == 200
            stream.sendall(post(b"x" * 300_000)[:270_000])
            answer = receive(stream)
            assert answer is not None
            assert answer.status == 413
        started = time.monotonic()
        with connect(site) as silent:
            assert closed_after(silent, started) < SHORT.read_seconds + 2
        assert "Traceback" not in site.log()


@contextmanager
def old_server(own: TlsIdentity) -> Iterator[int]:
    """The port of a server that speaks any version, for as long as it takes to shake hands once."""
    context = server_context(own)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1

    def serve() -> None:
        context.wrap_socket(listener.accept()[0], server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(files: TlsFiles, version: ssl.TLSVersion) -> None:
    """Offered by a client that speaks them, as an old server shows."""
    context = only(version, client_context(files.ca))
    context.set_ciphers("ALL:@SECLEVEL=0")
    own = files.write("server")
    with old_server(own) as port:
        plain = socket.create_connection(("127.0.0.1", port))
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            assert stream.version() in {"TLSv1", "TLSv1.1"}
    with threaded(tls=Tls(own)) as site, pytest.raises((ssl.SSLError, ConnectionError)):
        ask(site, context, post())


def test_without_tls_nothing_is_said(mutual: Site) -> None:
    with connect(mutual) as stream:
        stream.sendall(post())
        assert receive(stream) is None


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_with_the_right_certificate_it_serves(
    mutual: Site, files: TlsFiles, version: ssl.TLSVersion
) -> None:
    for own in (files.write("client"), files.write_encrypted("other client")):
        context = only(version, client_context(files.ca, own))
        assert ask(mutual, context, post()).status == 200


def bad_certificates(files: TlsFiles) -> dict[str, TlsIdentity | None]:
    strangers = tls_files(files.folder / "strangers", 21)
    namesake = TlsFiles(strangers.folder, strangers.authority)
    return {
        "none": None,
        "of another authority": strangers.write("client"),
        "of itself": namesake.write("self", strangers.authority),
        "expired": files.write("expired", files.issue("expired", timedelta(seconds=5))),
    }


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
@pytest.mark.parametrize("kind", ["none", "of another authority", "of itself", "expired"])
def test_with_any_other_certificate_or_none_it_does_not(
    mutual: Site, files: TlsFiles, kind: str, version: ssl.TLSVersion
) -> None:
    context = only(version, client_context(files.ca, bad_certificates(files)[kind]))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(mutual, context, post())


def test_health_and_metrics_are_to_be_had_without_a_certificate_inside(
    mutual: Site, files: TlsFiles
) -> None:
    """Probes have none; what they reach serves no messages."""
    context = client_context(files.ca)
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert ask(mutual, context, get(path), inner=True).status == 200
    assert ask(mutual, context, post(), inner=True).status == 404


class Load:
    """Clients without a pause; which certificates the server presented, and what went wrong."""

    def __init__(self, site: Site, context: ssl.SSLContext) -> None:
        self.site, self.context = site, context
        self.serials: list[int] = []
        self.lost: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                plain = connect(self.site)
                with self.context.wrap_socket(plain, server_hostname="localhost") as stream:
                    der = stream.getpeercert(binary_form=True)
                    stream.sendall(post())
                    answer = receive(stream)
            except OSError as error:
                self.lost.append(repr(error))
                continue
            if answer is None or answer.status != 200:
                self.lost.append(repr(answer))
            assert der is not None
            self.serials.append(x509.load_der_x509_certificate(der).serial_number)


def until(site: Site, word: str, count: int = 1) -> None:
    deadline = time.monotonic() + 30
    while site.log().count(word) < count:
        assert time.monotonic() < deadline, site.log()
        time.sleep(0.05)


def test_reload_renews_certificates_and_loses_nothing(tmp_path: Path) -> None:
    """The server's own certificate, and the authority of the callers'."""
    folder = tmp_path / "tls"
    files, next_ = tls_files(folder), tls_files(folder, 22)
    first, second = (files.issue("server") for _ in range(2))
    authorities = folder / "client-authority.pem"
    authorities.write_bytes(files.authority.certificate_pem)
    files.write("server", first)
    old_client = client_context(files.ca, files.write("client"))
    new_client = client_context(files.ca, next_.write("next-client"))
    with (
        spawned(1, tmp_path / "stderr", tls=folder) as site,
        Load(site, old_client) as load,
    ):
        assert site.process is not None
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(site, new_client, post())
        files.write("server", second)
        authorities.write_bytes(files.authority.certificate_pem + next_.authority.certificate_pem)
        site.process.send_signal(signal.SIGHUP)
        until(site, '"reloaded"')
        # Old workers may accept for a moment more: with the old certificate, and the old authority.
        deadline = time.monotonic() + 10
        while second.certificate.serial_number not in load.serials[-1:]:
            assert time.monotonic() < deadline
        with suppress(ssl.SSLError, ConnectionError):
            ask(site, new_client, post())
        time.sleep(0.5)
        assert ask(site, new_client, post()).status == 200
        # A key that does not fit changes nothing.
        files.write("server", next_.issue("other"))
        (folder / "server.key").write_bytes(first.key_pem)
        site.process.send_signal(signal.SIGHUP)
        until(site, '"reload refused"')
        assert ask(site, new_client, post()).status == 200
    assert load.lost == []
    serials = {first.certificate.serial_number, second.certificate.serial_number}
    assert set(load.serials) == serials
    assert load.serials[0] == first.certificate.serial_number
