"""Each message once, by a key that does not depend on how the message is spelled (SECURITY 3)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from lxml import etree

from ksz_childbenefits.errors import FailedCheck, MessageExpired, Unavailable
from ksz_childbenefits.security.replay import admit
from tests.security.checks import check
from tests.security.messages import Recipe, algorithm_for, by_xmlsec
from tests.security.pki import NOW, customer, pki
from tests.security.test_tampering import with_token

ORDINARY = Recipe(algorithm=algorithm_for(pki().p256))


class Memory:
    """A store of one process."""

    def __init__(self) -> None:
        self.kept: dict[bytes, datetime] = {}

    def insert(self, key: bytes, expires: datetime) -> bool:
        if key in self.kept:
            return False
        self.kept[key] = expires
        return True


class Broken:
    def insert(self, key: bytes, expires: datetime) -> bool:
        raise Unavailable("no answer")


def test_a_message_is_admitted_once() -> None:
    store, message = Memory(), by_xmlsec(ORDINARY, pki().p256)
    admit(check(message), store, NOW)
    with pytest.raises(FailedCheck):
        admit(check(message), store, NOW)


def test_the_key_is_kept_longer_than_the_message_would_be_accepted() -> None:
    """Accepted from 60 s before Created to 300 s after it; kept 60 s more."""
    store, verified = Memory(), check(by_xmlsec(ORDINARY, pki().p256), NOW + timedelta(seconds=9))
    admit(verified, store, NOW)
    assert store.kept == {verified.replay_key: NOW + timedelta(seconds=360)}
    assert len(verified.replay_key) == 32


def test_two_messages_are_two() -> None:
    store = Memory()
    admit(check(by_xmlsec(ORDINARY, pki().p256)), store, NOW)
    later = ORDINARY.with_(created=NOW + timedelta(seconds=1))
    admit(check(by_xmlsec(later, pki().p256)), store, NOW)


def test_a_message_respelled_is_the_same() -> None:
    """Nothing outside what is signed makes a new message of an old one."""
    message = by_xmlsec(ORDINARY.with_(signed=(0, 1)), pki().p256)
    key = check(message).replay_key
    root = etree.fromstring(message)
    etree.SubElement(root[0], "{urn:x}other")
    assert check(etree.tostring(root)).replay_key == key
    lines = message.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>\r\n ")
    assert check(lines).replay_key == key
    renewed = customer(pki().root, "Renewed", pki().p256.key)
    swapped = check(with_token(message, renewed))
    assert swapped.certificate == renewed.certificate
    assert swapped.replay_key == key


def test_a_message_that_waited_too_long_is_expired() -> None:
    verified = check(by_xmlsec(ORDINARY, pki().p256))
    with pytest.raises(MessageExpired):
        admit(verified, Memory(), NOW + timedelta(seconds=361))


def test_a_store_that_does_not_answer_refuses() -> None:
    with pytest.raises(Unavailable):
        admit(check(by_xmlsec(ORDINARY, pki().p256)), Broken(), NOW)
