"""Files of TLS that cannot be used are named, with the reason; nobody is asked at the terminal."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase
from ksz_childbenefits.tls import TlsIdentity, client_context, server_context
from tests.tls_files import TlsFiles, secret, tls_files


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return tls_files(tmp_path / "tls")


def other_key(files: TlsFiles) -> TlsIdentity:
    return replace(files.write("a"), key=files.write("b").key)


def in_vain(files: TlsFiles) -> TlsIdentity:
    return replace(files.write("a"), passphrase=files.write_encrypted("b").passphrase)


def another(files: TlsFiles) -> TlsIdentity:
    wrong = Passphrase(secret(files.folder / "wrong", b"wrong"))
    return replace(files.write_encrypted("a"), passphrase=wrong)


def readable(files: TlsFiles) -> TlsIdentity:
    own = files.write("a")
    own.key.chmod(0o644)
    return own


def no_pem(files: TlsFiles) -> TlsIdentity:
    own = files.write("a")
    own.key.write_bytes(b"no key")
    return own


BROKEN: dict[str, Callable[[TlsFiles], TlsIdentity]] = {
    "is not that of the certificate": other_key,
    "is not that of the certificate, or they are not in PEM": no_pem,
    "has no passphrase, one was given": in_vain,
    "has another passphrase": another,
    "needs a passphrase": lambda files: replace(files.write_encrypted("a"), passphrase=None),
    "others can read": readable,
    r"cannot read .*none\.pem": lambda files: replace(
        files.write("a"), certificate=files.folder / "none.pem"
    ),
    r"cannot read .*none\.key": lambda files: replace(
        files.write("a"), key=files.folder / "none.key"
    ),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_presented_is_said(reason: str, files: TlsFiles) -> None:
    own = BROKEN[reason](files)
    with pytest.raises(ConfigurationError, match=reason):
        server_context(own)
    with pytest.raises(ConfigurationError, match=reason):
        client_context(files.ca, own)


@pytest.mark.parametrize("content", [None, b"", b"no certificates"])
def test_authorities_that_cannot_be_believed_are_said(
    content: bytes | None, files: TlsFiles
) -> None:
    path = files.folder / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    for attempt in (lambda: client_context(path), lambda: server_context(files.write("a"), path)):
        with pytest.raises(ConfigurationError, match=r"authorities\.pem"):
            attempt()


def test_what_is_demanded(files: TlsFiles) -> None:
    own = files.write("a")
    assert server_context(own).verify_mode == ssl.CERT_NONE
    assert server_context(own, files.ca).verify_mode == ssl.CERT_REQUIRED
    for context in (client_context(), client_context(files.ca, own)):
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_with_an_authority_of_ones_own_the_systems_are_not_believed(files: TlsFiles) -> None:
    (believed,) = client_context(files.ca).get_ca_certs(binary_form=True)
    assert ssl.DER_cert_to_PEM_cert(believed).encode() == files.authority.certificate_pem
