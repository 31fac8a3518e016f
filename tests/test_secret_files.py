"""Secrets that others can read are refused, by libpq's rule for private keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase, read_secret, refuse_open_to_others

SOMEBODY = 65534
"""A user that is not root."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(b"s3cret")
    path.chmod(0o600)
    return path


def owned(path: Path, mode: int, owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the file to ``owner``; as anybody but root only the answer of the system is changed."""
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, owner, -1)
        return
    real = os.fstat

    def told(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        return os.stat_result((*found[:4], owner, *found[5:10]))

    monkeypatch.setattr(os, "fstat", told)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_what_its_owner_alone_can_read_is_read(
    secret: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned(secret, mode, SOMEBODY, monkeypatch)
    assert read_secret(secret) == b"s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o440, 0o644, 0o777])
def test_what_others_can_read_write_or_run_is_refused(
    secret: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned(secret, mode, SOMEBODY, monkeypatch)
    with pytest.raises(ConfigurationError, match=rf"its mode is {mode:04o}, and may be 0600"):
        read_secret(secret)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_what_root_owns_its_group_may_read(
    secret: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials of systemd are 0440 where they have an ACL, Kubernetes' with an fsGroup too."""
    owned(secret, mode, 0, monkeypatch)
    assert read_secret(secret) == b"s3cret"


@pytest.mark.parametrize("mode", [0o660, 0o650, 0o644, 0o642, 0o641])
def test_more_than_read_by_the_group_is_refused_of_root_too(
    secret: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned(secret, mode, 0, monkeypatch)
    with pytest.raises(ConfigurationError, match="may be 0640 at most"):
        read_secret(secret)


def test_a_link_is_judged_by_what_it_leads_to(secret: Path, tmp_path: Path) -> None:
    """Kubernetes mounts secrets as links, whose own mode is always 0777."""
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert read_secret(link) == b"s3cret"
    refuse_open_to_others(link)
    secret.chmod(0o644)
    for refuse in (read_secret, refuse_open_to_others):
        with pytest.raises(ConfigurationError, match="others can read"):
            refuse(link)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (pipe, tmp_path, tmp_path / "none"):
        for refuse in (read_secret, refuse_open_to_others):
            with pytest.raises(ConfigurationError, match=f"cannot read {path}"):
                refuse(path)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_passphrase_from_a_file_without_the_end_of_its_line(secret: Path, end: bytes) -> None:
    secret.write_bytes(b" pass phrase \n" + end)
    expected = b" pass phrase " if not end else b" pass phrase \n"
    assert Passphrase(secret).read() == expected


def test_a_passphrase_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSZ_PASSPHRASE", "wachtwoord é")
    assert Passphrase(variable="KSZ_PASSPHRASE").read() == "wachtwoord é".encode()


def test_a_passphrase_that_is_not_there_is_said(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KSZ_EMPTY", "")
    secret.write_bytes(b"\n")
    for place in (Passphrase(secret), Passphrase(None, "KSZ_EMPTY"), Passphrase(None, "KSZ_NONE")):
        with pytest.raises(ConfigurationError, match="there is no passphrase in"):
            place.read()
    secret.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others can read"):
        Passphrase(secret).read()
