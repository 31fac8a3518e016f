"""A property, over generated mutations: what is accepted is what the oracles call signed.

``bench/soak/differential.py`` does the same with more than twenty thousand.
"""

from __future__ import annotations

from collections import Counter

import pytest
from lxml import etree

from ksz_childbenefits.errors import FailedCheck
from ksz_childbenefits.security.wssecurity import Verified
from tests.security import differential
from tests.security.differential import compare
from tests.security.messages import Recipe, algorithm_for, by_xmlsec
from tests.security.mutations import FAMILIES, mutated
from tests.security.mutations.trees import BODY
from tests.security.oracles import signed_by_signxml, signed_by_xmlsec
from tests.security.pki import NOW, pki

MUTATIONS = 1500
AT_LEAST_VERIFYING = 0.3


@pytest.mark.once
def test_nothing_is_served_that_the_oracles_do_not_call_signed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = [compare(seed) for seed in range(MUTATIONS)]
    verifying = Counter(one.family for one in results if one.accepted_by)
    accepted = Counter(one.family for one in results if one.accepted)
    with capsys.disabled():
        print(
            f"\n{MUTATIONS} mutations: {verifying.total()} verify with an oracle, "
            f"{accepted.total()} are accepted"
        )
    assert [one for one in results if one.wrong] == []
    assert verifying.total() >= AT_LEAST_VERIFYING * MUTATIONS
    assert set(verifying) == set(accepted) == set(FAMILIES)


def naive(message: bytes) -> Verified:
    """Believes a message whose signature xmlsec verifies, and serves what stands in Body."""
    for party in (pki().p256, pki().p384, pki().rsa):
        if signed_by_xmlsec(message, party.certificate) is not None:
            payload = etree.fromstring(message).find(f"{BODY}/*")
            if payload is not None:
                return Verified(party.certificate, "", frozenset(), b"", NOW, NOW, payload)
    raise FailedCheck


def test_a_verifier_that_can_be_fooled_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison would prove nothing: wrapping is among the mutations."""
    monkeypatch.setattr(differential, "check", naive)
    seeds = (seed for seed in range(2000) if "swap_the_body" in mutated(seed).changes)
    wrong = (compare(seed).wrong for seed in seeds)
    assert "served is what xmlsec does not call signed" in wrong


def test_a_seed_makes_the_same_changes_again() -> None:
    for seed in range(40):
        assert mutated(seed).changes == mutated(seed).changes
        assert mutated(seed).family == list(FAMILIES)[seed % len(FAMILIES)]


def test_the_oracles_say_no_to_a_changed_message() -> None:
    """Else they would prove nothing."""
    party = pki().p256
    message = by_xmlsec(Recipe(algorithm=algorithm_for(party)), party)
    other = message.replace(b"<ssin>85073003328", b"<ssin>80010100175")
    for oracle in (signed_by_xmlsec, signed_by_signxml):
        assert oracle(message, party.certificate) is not None
        assert oracle(other, party.certificate) is None
        assert oracle(message, pki().p384.certificate) is None
        assert oracle(b"<a", party.certificate) is None
