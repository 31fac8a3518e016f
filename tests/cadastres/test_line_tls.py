"""The line to an operator over TLS: a private authority, and a certificate of our own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.line import HttpReply, LineLimits, OperatorLine
from ksz_childbenefits.contract.namespaces import CADASTRE_SOAP_ACTION
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import CadastreFailure
from ksz_childbenefits.server.run import Tls
from ksz_childbenefits.tls import TlsIdentity, client_context
from tests.server.serving import PATH, Site, threaded
from tests.tls_files import TlsFiles, tls_files

SECONDS = 2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def operator(files: TlsFiles) -> Iterator[Site]:
    """An operator that demands a certificate of the authority."""
    with threaded(tls=Tls(files.write("operator"), files.ca)) as site:
        yield site


def call(site: Site, authority: Path | None, own: TlsIdentity | None, host: str) -> HttpReply:
    with closing(BackgroundLoop()) as loop:
        line = OperatorLine(
            Operator.AVIQ,
            f"https://{host}:{site.port}{PATH}",
            CADASTRE_SOAP_ACTION,
            loop,
            LineLimits(seconds=SECONDS),
            tls=client_context(authority, own),
        )
        return line.send(b"<a/>", time.monotonic() + SECONDS).result(SECONDS + 1)


def test_it_presents_its_certificate(operator: Site, files: TlsFiles) -> None:
    for own in (files.write("gateway"), files.write_encrypted("other gateway")):
        reply = call(operator, files.ca, own, "127.0.0.1")
        assert (reply.status, reply.body.split(b"|")[0]) == (200, b"4")


@pytest.mark.parametrize("kind", ["none", "expired", "of another authority"])
def test_an_operator_that_refuses_our_certificate_fails(
    operator: Site, files: TlsFiles, kind: str
) -> None:
    strangers = tls_files(files.folder / "strangers", 21)
    own = {
        "none": None,
        "expired": files.write("expired", files.issue("expired", timedelta(seconds=5))),
        "of another authority": strangers.write("gateway"),
    }[kind]
    with pytest.raises(CadastreFailure, match="no reply"):
        call(operator, files.ca, own, "127.0.0.1")


def test_an_operator_that_is_somebody_else_is_not_asked(operator: Site, files: TlsFiles) -> None:
    """Under an authority that is not believed (the system's are none of ours), or another name."""
    own = files.write("gateway")
    strangers = tls_files(files.folder / "strangers", 21)
    for authority, host in (
        (None, "127.0.0.1"),
        (strangers.ca, "127.0.0.1"),
        (files.ca, "[::ffff:127.0.0.1]"),
    ):
        with pytest.raises(CadastreFailure, match=r"no reply \(ConnectError\)"):
            call(operator, authority, own, host)
