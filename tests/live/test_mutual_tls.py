"""A service that demands certificates in TLS, and still believes signatures alone (SECURITY 1)."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ksz_childbenefits.cli.app import app
from ksz_childbenefits.client import ServiceFault, ServiceUnreachable, Tls
from ksz_childbenefits.contract.namespaces import SOAP_ENV
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.tls import client_context
from tests.live.services import (
    CHILD,
    PATH,
    Service,
    ask,
    change,
    client,
    credentials,
    outcome,
    serving,
)
from tests.security.messages import PAYLOAD
from tests.tls_files import PASSPHRASE, TlsFiles, tls_files

pytestmark = pytest.mark.live


@dataclass
class Site:
    service: Service
    config: Path
    files: TlsFiles

    def tls(self, name: str) -> Tls:
        """What a caller of this name uses."""
        return Tls(self.files.ca, self.files.write(name))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    config, files = create_demo(folder / "demo"), tls_files(folder / "tls")
    own = files.write_encrypted("service")
    change(
        config,
        (
            "metrics_port = 0",
            f'tls_certificate = "{own.certificate}"\ntls_key = "{own.key}"\n'
            'tls_passphrase = { env = "KSZ_TLS" }\n'
            f'tls_client_authority = "{files.ca}"\nmetrics_port = 0',
        ),
    )
    one_worker = ("serve", "--port", "0", "--workers", "1")
    with serving(config, *one_worker, KSZ_TLS=PASSPHRASE.decode()) as service:
        yield Site(service, config, files)


def test_a_customer_with_a_certificate_is_served(site: Site) -> None:
    me = replace(credentials(site.config), tls=site.tls("fedris"))
    assert ask(client(site.service, me)) == "DATA_FOUND"


def test_who_may_consult_is_told_by_the_signature(site: Site) -> None:
    """Whatever certificate the connection has; one that is no customer's, or another customer's."""
    for name in ("proxy", "sfpd"):
        me = replace(credentials(site.config), tls=site.tls(name))
        assert ask(client(site.service, me)) == "DATA_FOUND"
    stranger = replace(credentials(site.config, "stranger"), tls=site.tls("fedris"))
    with pytest.raises(ServiceFault) as caught:
        ask(client(site.service, stranger))
    assert caught.value.code == "wsse:FailedAuthentication"


def test_a_certificate_signs_no_message(site: Site) -> None:
    context = client_context(site.files.ca, site.files.write("fedris"))
    unsigned = f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>{PAYLOAD}</s:Body></s:Envelope>'
    answer = httpx.post(
        f"{site.service.url}{PATH}",
        content=unsigned,
        headers={"Content-Type": "text/xml"},
        verify=context,
    )
    assert answer.status_code == 500
    assert "wsse:InvalidSecurity" in answer.text


@pytest.mark.parametrize("kind", ["no certificate", "system's authorities"])
def test_a_customer_without_the_right_files_reaches_nothing(site: Site, kind: str) -> None:
    tls = {
        "no certificate": Tls(site.files.ca),
        "system's authorities": Tls(None, site.files.write("fedris")),
    }[kind]
    with pytest.raises(ServiceUnreachable):
        client(site.service, replace(credentials(site.config), tls=tls))


def test_the_environment_does_not_choose_the_authority(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    strangers = tls_files(tmp_path / "strangers", 21)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(strangers.ca))
    me = replace(credentials(site.config), tls=site.tls("fedris"))
    assert outcome(client(site.service, me)) == "DATA_FOUND"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.files.ca))
    other = replace(me, tls=Tls(strangers.ca, site.files.write("fedris")))
    with pytest.raises(ServiceUnreachable):
        client(site.service, other)


def test_the_command_line_presents_what_the_credentials_name(site: Site) -> None:
    own = site.files.write_encrypted("command")
    assert own.passphrase is not None
    told = site.config.parent / "credentials" / "fedris" / "customer.toml"
    before = told.read_text()
    ask_ = ("consult", CHILD, "--as", "fedris", "--from", "2018-01", "--config", str(site.config))
    arguments = [*ask_, "--url", site.service.url]
    refused = CliRunner().invoke(app, arguments)
    assert (refused.exit_code, refused.stdout) == (1, "")
    told.write_text(
        f'{before}tls_authority = "{site.files.ca}"\ntls_certificate = "{own.certificate}"\n'
        f'tls_key = "{own.key}"\ntls_passphrase = {{ file = "{own.passphrase.file}" }}\n'
    )
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert re.search("DATA.FOUND|MSG00000", done.stdout)


def test_probes_ask_inside(site: Site) -> None:
    assert site.service.metrics is not None
    inside = site.service.metrics.removesuffix("/metrics")
    context = client_context(site.files.ca)
    ready = httpx.get(f"{inside}/health/ready", verify=context)
    assert ready.status_code == 200
    with pytest.raises((httpx.TransportError, ssl.SSLError)):
        httpx.get(f"{site.service.url}/health/ready", verify=context)
