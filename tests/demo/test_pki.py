"""The demo's own authority renews its own revocation list (docs/operators.md)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.demo.pki import load_authority, make_authority, renew_crl, write_crl
from ksz_childbenefits.runtime import _keep_crl_fresh

MADE = datetime(2024, 1, 1, tzinfo=UTC)
REVOKED = [17, 2**80]


def listed(path: Path) -> tuple[datetime | None, list[int]]:
    crl = x509.load_pem_x509_crl(path.read_bytes())
    return crl.next_update_utc, sorted(entry.serial_number for entry in crl)


@pytest.mark.parametrize(
    ("days", "renewed"), [(0, False), (14, False), (15, True), (29, True), (400, True)]
)
def test_it_is_renewed_at_half_its_time_with_the_same_numbers(
    tmp_path: Path, days: int, renewed: bool
) -> None:
    authority, path = make_authority("Authority", MADE), tmp_path / "a.crl"
    write_crl(path, authority, REVOKED, MADE)
    now = MADE + timedelta(days=days)
    assert renew_crl(path, authority, now) is renewed
    made = now if renewed else MADE
    assert listed(path) == (made + timedelta(days=30), REVOKED)
    assert list(tmp_path.iterdir()) == [path]


def test_a_demo_that_lay_for_long_is_renewed_when_it_is_served(tmp_path: Path) -> None:
    config = create_demo(tmp_path / "demo")
    settings, keys = load_settings(config), config.parent / "keys"
    path = keys / "authority.crl"
    _, revoked = listed(path)
    authority = load_authority(keys / "authority.key", keys / "authority.pem")
    write_crl(path, authority, revoked, datetime.now(UTC) - timedelta(days=40))
    stop = threading.Event()
    stop.set()
    _keep_crl_fresh(settings, stop)
    for thread in threading.enumerate():
        if thread.name == "crl-renewal":
            thread.join(10)
    expiry, numbers = listed(path)
    assert expiry is not None
    assert expiry > datetime.now(UTC)
    assert numbers == revoked != []
