"""Marks: signed items of a chain, which seal all that comes before them.

Each says what it is, when it was made and by whose key, and names the newest items of other chains
that its writer has seen, so that whoever removes the end of a chain, or all of it, has to remove
marks from the others too. A cut stands for the deleted beginning of a chain, outside of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography import x509

from ksz_childbenefits.audit.chain import Head, Item, follow
from ksz_childbenefits.audit.raw import members_of
from ksz_childbenefits.audit.record import encode, milliseconds
from ksz_childbenefits.contract.codec import instant
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.detached import is_signed, signature_value
from ksz_childbenefits.security.trust import fingerprint


class Mark(StrEnum):
    """The kinds of marks; after the last two nothing comes any more."""

    START = "start"
    CHECKPOINT = "checkpoint"
    STOP = "stop"
    SEAL = "seal"


ENDS = (Mark.STOP, Mark.SEAL)
"""How a chain ends: orderly, or by another writer that found it left alone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a mark tells of other chains.

    ``others``: their heads; ``former``: where the writer's own chain before this one had ended when
    it was found to be written by somebody else.
    """

    others: Iterable[Head] = ()
    former: Head | None = None


def marked(
    head: Head, mark: Mark, credentials: ServiceCredentials, now: datetime, seen: Seen
) -> Item:
    """The mark that follows."""
    members: dict[str, Any] = {
        "mark": mark.value,
        "at": instant(now),
        "signer": fingerprint(credentials.certificate),
        "others": [_told(other) for other in seen.others],
    }
    if seen.former is not None:
        members["former"] = _told(seen.former)
    head, text = follow(head, encode(members))
    signature = signature_value(credentials.key, text.encode())
    return Item(head, text, milliseconds(now), signature=signature)


def _told(head: Head) -> tuple[str, int, str]:
    return head.writer, head.number, head.hash.hex()


def cut(
    head: Head, before: datetime, credentials: ServiceCredentials, now: datetime
) -> tuple[str, bytes]:
    """Text and signature that say: what was up to ``head`` is deleted, for it was of ``before``."""
    members = {
        "cut": head.writer,
        "number": head.number,
        "hash": head.hash.hex(),
        "before": instant(before),
        "at": instant(now),
        "signer": fingerprint(credentials.certificate),
    }
    text = encode(members)
    return text, signature_value(credentials.key, text.encode())


def head_of_cut(text: str) -> Head:
    """Up to where a cut says that the chain is deleted; ValueError for a text that is no cut."""
    try:
        told = json.loads(text)
        return Head(str(told["cut"]), int(told["number"]), bytes.fromhex(told["hash"]))
    except (KeyError, TypeError) as error:
        raise ValueError("no cut") from error


@dataclass(frozen=True, slots=True)
class Believed:
    """The certificates that marks are believed with, by their SHA-256 (hex)."""

    certificates: Mapping[str, x509.Certificate]

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate]) -> Believed:
        """Those of the configuration: the service's, and those that it had before."""
        return cls({fingerprint(one): one for one in certificates})

    def signed(self, text: str, signature: bytes, signer: object) -> bool:
        """Whether the certificate that the text names as its ``signer`` is ours and signed it."""
        certificate = self.certificates.get(str(signer))
        return certificate is not None and is_signed(certificate, signature, text.encode())

    def deleted(self, text: str, signature: object, writer: str) -> Head | None:
        """Up to where a cut says that the writer's chain is deleted; None: it is not believed."""
        signed = signature if isinstance(signature, bytes) else b""
        try:
            if not self.signed(text, signed, members_of(text).get("signer")):
                return None
            head = head_of_cut(text)
        except (ValueError, RecursionError):
            return None
        return head if head.writer == writer else None
