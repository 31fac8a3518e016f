"""Who we are and whom we trust: made once for a process, of files that must be fit for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.identity import identity_of, kept_lists, pseudonymiser_of
from ksz_childbenefits.runtime import build_endpoints
from ksz_childbenefits.security.trust import fingerprint


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """The demo, copied so that it can be changed."""
    shutil.copytree(demo.parent, tmp_path / "demo")
    return tmp_path / "demo" / demo.name


def test_all_endpoints_of_a_process_share_keys_and_trust(demo: Path) -> None:
    """So paths are validated, and revocation lists are read, once."""
    first, *others = build_endpoints(load_settings(demo))
    assert others
    assert isinstance(first, Endpoint)
    for other in others:
        assert isinstance(other, Endpoint)
        assert other.trust is first.trust
        assert other.keys is first.keys


@pytest.mark.parametrize("name", ["service.key", "pseudonym.key"])
def test_secrets_that_others_can_read_are_refused(config: Path, name: str) -> None:
    settings = load_settings(config)
    (config.parent / "keys" / name).chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"{name} is a secret that others can read"):
        build_endpoints(settings)


def test_a_pseudonym_key_that_could_be_tried_out_is_refused(config: Path) -> None:
    key = config.parent / "keys" / "pseudonym.key"
    key.write_bytes(b"x" * 15)
    with pytest.raises(ConfigurationError, match="less than 16 bytes"):
        pseudonymiser_of(load_settings(config))
    key.write_bytes(b"x" * 16)
    assert pseudonymiser_of(load_settings(config)).key == b"x" * 16


def test_lists_that_are_fetched_are_kept_by_their_authority(config: Path) -> None:
    """Where a worker reads the list is where the supervisor keeps it, whatever the address."""
    text = config.read_text()
    before = kept_lists(load_settings(config))
    assert [(one.url, one.path) for one in before] == [
        (None, config.parent / "keys" / "authority.crl")
    ]
    for url in ("http://crl.test/a", "https://crl.test/b"):
        config.write_text(
            text.replace("keys/authority.crl", url) + '\n[revocation]\ncache = "lists"\n'
        )
        settings = load_settings(config)
        (one,) = kept_lists(settings)
        assert one.url == url
        assert one.path == config.parent / "lists" / f"{fingerprint(one.issuer)}.crl"
        assert one.path.parent.is_dir()
        (anchor,) = identity_of(settings).trust.policy.anchors
        assert anchor.crl == one.path


def test_a_folder_for_lists_that_cannot_be_made_is_said(config: Path) -> None:
    with config.open("a") as stream:
        stream.write('\n[revocation]\ncache = "config.toml/lists"\n')
    with pytest.raises(ConfigurationError, match=r"cannot make .*lists: Not a directory"):
        kept_lists(load_settings(config))
