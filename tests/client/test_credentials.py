"""Credentials as ``demo init`` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksz_childbenefits.client import read_credentials
from ksz_childbenefits.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.pem").write_bytes(b"service")
    customer = tmp_path / "ocmw"
    customer.mkdir()
    (customer / "key.pem").write_bytes(b"key")
    (customer / "certificate.pem").write_bytes(b"certificate")
    (customer / "customer.toml").write_text(
        'name = "ocmw"\nlegal_context = "C"\nsector = "17"\ninstitution = "1"\n'
    )
    return customer


def test_all_is_read(folder: Path) -> None:
    found = read_credentials(folder)
    assert (found.key_pem, found.certificate_pem) == (b"key", b"certificate")
    assert found.service_certificate_pem == b"service"
    assert found.legal_context == "C"
    assert (found.cbe_number, found.sector, found.institution) == (None, 17, 1)


@pytest.mark.parametrize("name", ["key.pem", "certificate.pem", "customer.toml", "../service.pem"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=Path(name).name):
        read_credentials(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not toml", "customer.toml"),
        ('cbe_number = "1"', "legal_context"),
        ('legal_context = "C"\nsector = "x"', "customer.toml"),
    ],
)
def test_a_wrong_customer_file_is_explained(folder: Path, text: str, reason: str) -> None:
    (folder / "customer.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=reason):
        read_credentials(folder)
