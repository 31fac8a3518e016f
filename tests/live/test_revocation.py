"""Lists that the service fetches for itself: in force at once, kept, told in metrics and log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client.parser import text_string_to_metric_families

from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.security.trust import fingerprint
from tests.list_site import ListSite, list_site
from tests.live.services import (
    Service,
    authority_of,
    change,
    client,
    credentials,
    outcome,
    serving,
    until,
)

pytestmark = pytest.mark.live

DATA = "DATA_FOUND"


@pytest.fixture
def site() -> Iterator[ListSite]:
    with list_site() as found:
        yield found


@pytest.fixture
def config(tmp_path: Path, site: ListSite) -> Path:
    """A demo that fetches its list, every second."""
    made = create_demo(tmp_path / "demo")
    change(
        made,
        ('crl = "keys/authority.crl"', f'crl = "{site.url}"'),
        ('authority_key = "keys/authority.key"', "# the list is elsewhere:"),
        (
            "[demo]",
            '[revocation]\ncache = "lists"\nfetch_seconds = 1\ndeadline_seconds = 1\n[demo]',
        ),
    )
    return made


def publish(site: ListSite, config: Path, *revoked: str) -> tuple[datetime, datetime]:
    """A list of the demo's authority; when it was made, and until when it is fresh."""
    serials = [
        x509.load_pem_x509_certificate(
            (config.parent / "credentials" / name / "certificate.pem").read_bytes()
        ).serial_number
        for name in revoked
    ]
    draft = config.with_name("draft.crl")
    pki.write_crl(draft, authority_of(config), serials, datetime.now(UTC))
    crl = x509.load_pem_x509_crl(draft.read_bytes())
    site.publish(crl.public_bytes(Encoding.DER))
    assert crl.next_update_utc is not None
    return crl.last_update_utc, crl.next_update_utc


def answers(service: Service, config: Path) -> set[str]:
    """What several new connections get, so that all workers are met."""
    return {outcome(client(service, credentials(config))) for _ in range(6)}


def gauges(service: Service) -> dict[str, float]:
    assert service.metrics is not None
    text = requests.get(service.metrics, timeout=5).text
    return {
        family.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("ksz_revocation_list")
    }


def test_a_revocation_reaches_all_workers_without_a_reload(config: Path, site: ListSite) -> None:
    publish(site, config)
    with serving(config) as service:
        assert answers(service, config) == {DATA}
        publish(site, config, "fedris")
        until(lambda: answers(service, config) == {"ServiceFault"}, service.log)
        # A man in the middle shows the list from before: nobody is let in by that.
        crl = config.parent / "keys" / "authority.crl"
        site.publish(crl.read_bytes())
        until(lambda: "older than the one that is kept" in service.log(), service.log)
        assert answers(service, config) == {"ServiceFault"}
        made, ends = publish(site, config)
        until(lambda: answers(service, config) == {DATA}, service.log)
        assert gauges(service) == {
            "ksz_revocation_list_this_update_seconds": made.timestamp(),
            "ksz_revocation_list_next_update_seconds": ends.timestamp(),
        }
    fetched = [line for line in service.log().splitlines() if '"revocation list fetched"' in line]
    assert json.loads(fetched[-1])["authority"].startswith("CN=Demo authority")


def test_without_a_list_nobody_is_let_in_and_with_a_kept_one_all_are(
    config: Path, site: ListSite
) -> None:
    with serving(config) as service:
        assert answers(service, config) == {"ServiceFault"}
        ready = requests.get(f"{service.url}/health/ready", timeout=5)
        assert ready.status_code == 200
        assert gauges(service)["ksz_revocation_list_next_update_seconds"] == 0
        assert '"revocation list of no use"' in service.log()
        assert "is missing" in service.log()
        publish(site, config)
        until(lambda: answers(service, config) == {DATA}, service.log)
    site.answer = lambda handler: handler.say(500)
    certificate = authority_of(config).certificate
    assert (config.parent / "lists" / f"{fingerprint(certificate)}.crl").is_file()
    with serving(config) as service:
        assert answers(service, config) == {DATA}
        until(lambda: '"revocation list not fetched"' in service.log())
        assert answers(service, config) == {DATA}


def test_a_kept_list_that_is_stale_refuses(config: Path, site: ListSite) -> None:
    """And a reload brings the list of another address."""
    site.answer = lambda handler: handler.say(500)
    authority, lists = authority_of(config), config.parent / "lists"
    lists.mkdir()
    kept = lists / f"{fingerprint(authority.certificate)}.crl"
    pki.write_crl(kept, authority, [], datetime.now(UTC) - timedelta(days=pki.CRL_DAYS, hours=1))
    with serving(config) as service:
        assert answers(service, config) == {"ServiceFault"}
        assert "is not fresh" in service.log()
        with list_site() as other:
            publish(other, config)
            change(config, (site.url, other.url))
            service.reload()
            until(lambda: answers(service, config) == {DATA}, service.log)
            asked, before = len(site.requests), len(other.requests)
            until(lambda: len(other.requests) > before + 2)
            assert len(site.requests) == asked
