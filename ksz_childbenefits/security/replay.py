"""Each signed message is taken once (SECURITY 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ksz_childbenefits.errors import FailedCheck, MessageExpired
from ksz_childbenefits.metrics import REPLAYS
from ksz_childbenefits.security.wssecurity import Verified


class ReplayStore(Protocol):
    """The keys of the messages taken, shared by all workers and machines."""

    def insert(self, key: bytes, expires: datetime, /) -> bool:
        """Store ``key`` (32 octets), to be kept at least until ``expires`` (aware).

        True for the one call that stored it, False when it is there already, or may have been and
        is forgotten; atomic, whoever calls at the same time. A store that does not answer raises
        errors.Unavailable: the message is then refused, never taken unseen.
        """
        ...


def admit(verified: Verified, store: ReplayStore, now: datetime) -> None:
    """Take a message for the first and only time; the insert decides, nothing is looked up before.

    FailedCheck for a replay. MessageExpired for a message that lay so long between verification and
    here that its key may have come and gone: ``now`` is the time of this call. Unavailable as the
    store raises it.
    """
    if now > verified.expires_acceptance:
        raise MessageExpired("the message was too old when it came to be admitted")
    if not store.insert(verified.replay_key, verified.expires_acceptance):
        REPLAYS.inc()
        raise FailedCheck("the message is a replay, or too old to know")
