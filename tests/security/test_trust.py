"""Paths to a configured anchor, at a given time (SECURITY 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from ksz_childbenefits.errors import ConfigurationError, FailedAuthentication, UnsupportedAlgorithm
from ksz_childbenefits.security import trust as trust_module
from ksz_childbenefits.security.trust import Anchor, Intermediate, Trust, TrustPolicy, fingerprint
from tests.security.pki import (
    BEGIN,
    END,
    NOW,
    Hash,
    Party,
    authority,
    customer,
    ec_key,
    issue,
    key_usage,
    pki,
    rsa_key,
    subject,
)

SECOND = timedelta(seconds=1)
USAGE = key_usage("digital_signature")


def trusting(*anchors: Party, intermediates: tuple[Party, ...] = ()) -> Trust:
    return Trust(
        TrustPolicy(
            tuple(Anchor(party.certificate, None) for party in anchors),
            tuple(Intermediate(party.certificate, None) for party in intermediates),
        )
    )


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521", "non_repudiation", "indirect"])
def test_good_certificates_lead_to_the_anchor(kind: str) -> None:
    certificate = getattr(pki(), kind).certificate
    trusted = pki().trust().check(certificate, NOW)
    assert trusted.certificate == certificate
    assert trusted.fingerprint == fingerprint(certificate)
    assert trusted.anchors == {fingerprint(pki().root.certificate)}


@pytest.mark.parametrize("kind", ["expired", "future", "encipherer", "stranger", "stranger_root"])
def test_bad_certificates_are_not_trusted(kind: str) -> None:
    with pytest.raises(FailedAuthentication):
        pki().trust().check(getattr(pki(), kind).certificate, NOW)


@pytest.mark.parametrize("kind", ["short", "edwards"])
def test_keys_that_are_not_accepted(kind: str) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        pki().trust().check(getattr(pki(), kind).certificate, NOW)


def test_an_operator_can_ask_for_longer_keys() -> None:
    policy = replace(pki().policy(), min_rsa_bits=3072)
    with pytest.raises(UnsupportedAlgorithm):
        Trust(policy).check(pki().rsa.certificate, NOW)
    assert Trust(policy).check(pki().p256.certificate, NOW)


@pytest.mark.parametrize("hash_", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
@pytest.mark.parametrize("pss", [False, True])
def test_certificates_signed_by_rsa_of_either_kind(hash_: Hash, pss: bool) -> None:
    party = issue(pki().root, subject("x"), ec_key(1), USAGE, hash_=hash_, pss=pss)
    assert pki().trust().check(party.certificate, NOW)


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
@pytest.mark.parametrize("hash_", [hashes.SHA256(), hashes.SHA512()])
def test_authorities_on_every_curve(curve: type[ec.EllipticCurve], hash_: Hash) -> None:
    root = authority("EC", ec_key(9, curve))
    party = issue(root, subject("x"), ec_key(1), USAGE, hash_=hash_)
    assert trusting(root).check(party.certificate, NOW)


def test_a_certificate_without_any_extension_is_trusted() -> None:
    """KeyUsage is checked where present; SAN and EKU are the web's, not ours."""
    party = issue(pki().root, subject("Bare"), ec_key(1))
    assert pki().trust().check(party.certificate, NOW)


def test_a_critical_extension_that_nobody_knows_is_refused() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    party = issue(pki().root, subject("Odd"), ec_key(1), unknown)
    with pytest.raises(FailedAuthentication):
        pki().trust().check(party.certificate, NOW)


def test_an_authority_signs_no_messages() -> None:
    for certificate in (pki().root.certificate, pki().intermediate.certificate):
        with pytest.raises(FailedAuthentication):
            pki().trust().check(certificate, NOW)
    usage = key_usage("digital_signature", "key_cert_sign")
    both = issue(pki().root, subject("Both"), ec_key(1), x509.BasicConstraints(True, None), usage)
    with pytest.raises(FailedAuthentication):
        pki().trust().check(both.certificate, NOW)


@pytest.mark.parametrize(
    "extension",
    [
        x509.BasicConstraints(ca=True, path_length=None),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.85073003328"), b"x"),
    ],
)
def test_the_reason_for_the_log_never_quotes_a_strangers_certificate(
    extension: x509.ExtensionType,
) -> None:
    # As in an eID certificate: serialNumber is the SSIN of its holder.
    holder = subject("Jan Peeters (Signature)", "85073003328")
    stranger = issue(None, holder, ec_key(9), extension)
    with pytest.raises(FailedAuthentication) as caught:
        pki().trust().check(stranger.certificate, NOW)
    assert "85073003328" not in caught.value.reason
    assert "Peeters" not in caught.value.reason


def test_a_certificate_whose_names_cannot_be_read_is_not_trusted() -> None:
    der = pki().stranger.certificate.public_bytes(Encoding.DER)
    assert der.count(b"\x0c\x06Fedris") == 1
    odd = x509.load_der_x509_certificate(der.replace(b"\x0c\x06Fedris", b"\x06\x06Fedris"))
    with pytest.raises(FailedAuthentication):
        pki().trust().check(odd, NOW)


def test_a_path_needs_the_intermediate() -> None:
    with pytest.raises(FailedAuthentication):
        trusting(pki().root).check(pki().indirect.certificate, NOW)


def test_an_intermediate_alone_is_no_anchor() -> None:
    trust = trusting(pki().stranger_root, intermediates=(pki().intermediate,))
    with pytest.raises(FailedAuthentication):
        trust.check(pki().indirect.certificate, NOW)


def test_a_customer_is_no_authority() -> None:
    below = customer(pki().p256, "Below", ec_key(1))
    trust = trusting(pki().root, intermediates=(pki().p256,))
    with pytest.raises(FailedAuthentication):
        trust.check(below.certificate, NOW)


def test_an_authority_needs_key_cert_sign() -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    lame = issue(pki().root, subject("Lame"), ec_key(8), constraints, key_usage("crl_sign"))
    below = customer(lame, "Below", ec_key(1))
    with pytest.raises(FailedAuthentication):
        trusting(pki().root, intermediates=(lame,)).check(below.certificate, NOW)


def test_the_length_of_a_path_is_bounded_by_its_authorities() -> None:
    """The intermediate may have no authority below it (path length 0)."""
    deeper = authority("Deeper", ec_key(8), pki().intermediate)
    below = customer(deeper, "Below", ec_key(1))
    trust = trusting(pki().root, intermediates=(pki().intermediate, deeper))
    with pytest.raises(FailedAuthentication):
        trust.check(below.certificate, NOW)


def test_an_anchor_that_expired_is_no_anchor() -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    old = issue(None, subject("Old"), rsa_key(0), constraints, end=NOW - SECOND)
    with pytest.raises(FailedAuthentication):
        trusting(old).check(customer(old, "x", ec_key(1)).certificate, NOW)


def test_two_anchors_of_one_name_with_different_keys() -> None:
    """Rollover of an authority: what either has issued is trusted, and no more."""
    old, new, other = (authority("Same", rsa_key(number)) for number in (0, 3, 5))
    trust = trusting(old, new)
    for issuer in (old, new):
        trusted = trust.check(customer(issuer, "x", ec_key(1)).certificate, NOW)
        assert trusted.anchors == {fingerprint(issuer.certificate)}
    with pytest.raises(FailedAuthentication):
        trust.check(customer(other, "x", ec_key(1)).certificate, NOW)


@pytest.mark.parametrize("turn", [1, -1])
def test_two_certificates_of_one_authority_are_one_anchor(turn: int) -> None:
    """RFC 5280, 6.1.1: an anchor is a name and a key. Renewed, it has two certificates."""
    old, new = (authority("Same", rsa_key(0)) for _ in range(2))
    elsewhere = authority("Same", rsa_key(3))
    trust = trusting(*(old, new, elsewhere)[::turn])
    trusted = trust.check(customer(old, "x", ec_key(1)).certificate, NOW)
    assert trusted.anchors == {fingerprint(old.certificate), fingerprint(new.certificate)}


def test_a_remembered_path_ends_with_its_certificates() -> None:
    trust = pki().trust()
    begin, end = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    party = issue(pki().root, subject("Short-lived"), ec_key(1), USAGE, begin=begin, end=end)
    for _ in range(2):
        assert trust.check(party.certificate, NOW)
    for moment in (begin - SECOND, end + SECOND, BEGIN - SECOND, END + SECOND):
        with pytest.raises(FailedAuthentication):
            trust.check(party.certificate, moment)
    assert trust.check(party.certificate, end)


def test_a_path_is_validated_once_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    trust = pki().trust()
    first = trust.check(pki().rsa.certificate, NOW)
    monkeypatch.setattr(verification, "PolicyBuilder", None)
    assert trust.check(pki().rsa.certificate, NOW) is first


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_module, "_MAX_CACHED_PATHS", 2)
    trust = pki().trust()
    for party in pki().good:
        trust.check(party.certificate, NOW)
    assert len(trust._paths) == 2


def anchor() -> Anchor:
    return Anchor(pki().root.certificate, None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"anchors": ()}, "no trust anchor"),
        ({"anchors": (anchor(), anchor())}, "twice"),
        ({"intermediates": (Intermediate(pki().root.certificate, None),)}, "twice"),
        ({"max_age": timedelta(0)}, "age"),
        ({"max_ahead": -SECOND}, "ahead"),
        ({"max_references": 1}, "references"),
        ({"min_rsa_bits": 1024}, "2048"),
        ({"signature_algorithms": frozenset()}, "no signature algorithm"),
        ({"digest_algorithms": frozenset()}, "no digest algorithm"),
        ({"signature_algorithms": frozenset({"urn:x"})}, "does not know"),
        ({"digest_algorithms": frozenset({"urn:x"})}, "does not know"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(changes: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        replace(pki().policy(), **changes)  # type: ignore[arg-type]


def test_the_defaults_are_those_of_the_profile() -> None:
    policy = pki().policy()
    assert (policy.max_age, policy.max_ahead) == (300 * SECOND, 60 * SECOND)
    assert (policy.max_references, policy.min_rsa_bits) == (8, 2048)
    assert {uri.rpartition("#")[2] for uri in policy.signature_algorithms} == {
        *("rsa-sha256", "rsa-sha384", "rsa-sha512"),
        *("sha256-rsa-MGF1", "sha384-rsa-MGF1", "sha512-rsa-MGF1"),
        *("ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"),
    }
    assert {uri.rpartition("#")[2] for uri in policy.digest_algorithms} == {
        *("sha256", "sha384", "sha512"),
    }
