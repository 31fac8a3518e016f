"""Credentials as ``demo init`` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksz_childbenefits.client import Tls, read_credentials
from ksz_childbenefits.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.pem").write_bytes(b"service")
    customer = tmp_path / "ocmw"
    customer.mkdir()
    (customer / "key.pem").write_bytes(b"key")
    (customer / "key.pem").chmod(0o600)
    (customer / "certificate.pem").write_bytes(b"certificate")
    (customer / "customer.toml").write_text(
        'name = "ocmw"\nlegal_context = "C"\nsector = "17"\ninstitution = "1"\n'
    )
    return customer


def test_all_is_read(folder: Path) -> None:
    found = read_credentials(folder)
    assert (found.key, found.certificate) == (b"key", b"certificate")
    assert found.service_certificates == b"service"
    assert (found.passphrase, found.tls) == (None, Tls())
    assert found.legal_context == "C"
    assert (found.cbe_number, found.sector, found.institution) == (None, 17, 1)


def test_a_pkcs_12_with_its_passphrase_and_tls(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "customer.toml").write_text(
        'legal_context = "C"\ncbe_number = "0206731645"\nkey = "me.p12"\n'
        'passphrase = { file = "../me.passphrase" }\n'
        'tls_authority = "ca.pem"\ntls_certificate = "tls.pem"\ntls_key = "tls.key"\n'
        'tls_passphrase = { env = "KSZ_TLS" }\n'
    )
    monkeypatch.setenv("KSZ_TLS", "tls secret")
    for path, content in ((folder / "me.p12", b"bundle"), (folder / "../me.passphrase", b"s\n")):
        path.write_bytes(content)
        path.chmod(0o600)
    found = read_credentials(folder)
    assert (found.key, found.certificate, found.passphrase) == (b"bundle", None, b"s")
    own = found.tls.own
    assert own is not None
    assert (own.certificate, own.key) == (folder / "tls.pem", folder / "tls.key")
    assert own.passphrase is not None
    assert own.passphrase.read() == b"tls secret"
    assert found.tls.authority == folder / "ca.pem"
    assert "bundle" not in repr(found)
    assert "b's'" not in repr(found)


@pytest.mark.parametrize("secret", ["key.pem", "passphrase"])
def test_a_secret_that_others_can_read_is_refused(folder: Path, secret: str) -> None:
    (folder / "passphrase").write_bytes(b"s")
    (folder / "passphrase").chmod(0o600)
    with (folder / "customer.toml").open("a") as stream:
        stream.write('passphrase = { file = "passphrase" }\n')
    assert read_credentials(folder)
    (folder / secret).chmod(0o604)
    with pytest.raises(ConfigurationError, match=f"{secret} is a secret that others can read"):
        read_credentials(folder)


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
        ('legal_context = "C"\ntls_key = "a"', "go together"),
        ('legal_context = "C"\npassphrase = "secret"', "passphrase"),
        ('legal_context = "C"\npassphrase = {}', "either file or env"),
    ],
)
def test_a_wrong_customer_file_is_explained(folder: Path, text: str, reason: str) -> None:
    (folder / "customer.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=reason):
        read_credentials(folder)
