"""Our verdict on a mutated message beside those of two oracles.

What we accept, an oracle must call signed, and what we serve must be what it calls signed. The
other way round it may differ: the profile is stricter than XML Signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from ksz_childbenefits.errors import Fault
from ksz_childbenefits.security.freshness import read_timestamp
from ksz_childbenefits.security.security_header import TIMESTAMP
from ksz_childbenefits.security.wssecurity import Verified
from tests.security.checks import canonical, check
from tests.security.mutations import Mutated, mutated
from tests.security.mutations.trees import BODY
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec

ORACLES: Final[dict[str, Callable[..., list[bytes] | None]]] = {
    "xmlsec": signed_by_xmlsec,
    "signxml": signed_by_signxml,
}


@dataclass(frozen=True)
class Comparison:
    """What came of one seed.

    ``accepted_by``: the oracles that verify it; ``refused``: our fault and its reason, None where
    we accept; ``wrong``: what must not be.
    """

    seed: int
    family: str
    changes: tuple[str, ...]
    accepted_by: tuple[str, ...]
    refused: tuple[str, str] | None
    wrong: str | None

    @property
    def accepted(self) -> bool:
        """Whether we accept it."""
        return self.refused is None


def compare(seed: int) -> Comparison:
    """Make the mutation of a seed and ask all three."""
    one = mutated(seed)
    signed = {
        name: found
        for name, oracle in ORACLES.items()
        if (found := oracle(one.message, one.party.certificate)) is not None
    }
    ours = _ours(one)
    if isinstance(ours, Fault):
        refused = (type(ours).__name__, ours.reason)
        return Comparison(seed, one.family, one.changes, tuple(signed), refused, None)
    found = wrong(ours, signed)
    return Comparison(seed, one.family, one.changes, tuple(signed), None, found)


def _ours(one: Mutated) -> Verified | Fault:
    try:
        return check(one.message)
    except Fault as fault:
        return fault


def wrong(ours: Verified, signed: dict[str, list[bytes]]) -> str | None:
    """What must not be in what we accept, given what each oracle that accepts calls signed."""
    if not signed:
        return "accepted by us, refused by both oracles"
    for name, elements in signed.items():
        if canonical(ours.payload) not in _payloads(elements):
            return f"served is what {name} does not call signed"
        if ours.created not in _times(elements):
            return f"of a time that {name} does not call signed"
    return None


def _payloads(signed: list[bytes]) -> list[bytes]:
    """The contents of the Bodies among what an oracle calls signed."""
    elements = [etree.fromstring(element) for element in signed]
    return [canonical(child) for body in elements if body.tag == BODY for child in body]


def _times(signed: list[bytes]) -> list[datetime]:
    """When the Timestamps among what an oracle calls signed were made."""
    elements = [etree.fromstring(element) for element in signed]
    return [read_timestamp(stamp).created for stamp in elements if stamp.tag == TIMESTAMP]
