"""What the tests of this room ask again and again."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import pytest
from lxml import etree

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.envelope import open_envelope
from ksz_childbenefits.errors import Fault
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.security.wssecurity import Verified, verify
from tests.security.messages import PAYLOAD
from tests.security.pki import NOW, Directory, pki


@cache
def _trust() -> Trust:
    return pki().trust()


def check(
    message: bytes,
    now: datetime = NOW,
    trust: Trust | None = None,
    directory: Directory | None = None,
    charset: str | None = None,
) -> Verified:
    """Read and verify a message as the gateway does."""
    envelope = open_envelope(xmlio.parse(message, charset))
    return verify(envelope, trust or _trust(), directory or Directory(), now)


def refusal(
    message: bytes,
    now: datetime = NOW,
    trust: Trust | None = None,
    directory: Directory | None = None,
) -> type[Fault]:
    """The class of the fault that a message is refused with."""
    with pytest.raises(Fault) as caught:
        check(message, now, trust, directory)
    return caught.type


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


SERVED = canonical(etree.fromstring(PAYLOAD))
"""The canonical form of the payload that the messages carry."""
