"""Revocation lists: of the issuer, fresh, and in force as soon as they change (SECURITY 3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ksz_childbenefits.errors import FailedAuthentication
from ksz_childbenefits.security.trust import Anchor, Trust, TrustPolicy
from tests.security.checks import check, refusal
from tests.security.messages import Recipe, algorithm_for, by_xmlsec
from tests.security.pki import (
    NOW,
    Party,
    authority,
    customer,
    ec_key,
    issue,
    key_usage,
    pki,
    revocation_list,
    rsa_key,
    subject,
)

DAY = timedelta(days=1)


@pytest.fixture(name="lists")
def lists_(tmp_path: Path) -> tuple[Path, Path]:
    return pki().write_lists(tmp_path)


@pytest.fixture(name="trust")
def trust_(lists: tuple[Path, Path]) -> Trust:
    return Trust(pki().policy(*lists))


def write(path: Path, content: bytes) -> None:
    """Replace a list as an operator does, and be sure that the file's time moves on."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 1, before + 1))


def refused(trust: Trust, party: Party, word: str, now: datetime = NOW) -> None:
    with pytest.raises(FailedAuthentication) as caught:
        trust.check(party.certificate, now)
    assert word in caught.value.reason


def test_who_is_not_revoked_is_trusted(trust: Trust) -> None:
    for party in (*pki().good, pki().indirect):
        assert trust.check(party.certificate, NOW)


def test_who_is_revoked_is_not(trust: Trust) -> None:
    refused(trust, pki().revoked, "is revoked")
    message = by_xmlsec(Recipe(algorithm=algorithm_for(pki().revoked)), pki().revoked)
    assert refusal(message, trust=trust) is FailedAuthentication
    assert check(message)  # where the operator chose "no CRL"


def test_a_revocation_is_in_force_at_once(trust: Trust, lists: tuple[Path, Path]) -> None:
    assert trust.check(pki().rsa.certificate, NOW)
    write(lists[0], revocation_list(pki().root, pki().rsa))
    refused(trust, pki().rsa, "is revoked")
    write(lists[0], revocation_list(pki().root))
    assert trust.check(pki().rsa.certificate, NOW)


def test_a_list_that_did_not_change_is_not_read_again(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.check(pki().rsa.certificate, NOW)
    monkeypatch.setattr(Path, "read_bytes", None)
    assert trust.check(pki().p256.certificate, NOW)


def test_the_intermediate_can_be_revoked(trust: Trust, lists: tuple[Path, Path]) -> None:
    write(lists[0], revocation_list(pki().root, pki().intermediate))
    refused(trust, pki().indirect, "is revoked")
    assert trust.check(pki().rsa.certificate, NOW)


def test_the_intermediate_revokes_its_own(trust: Trust, lists: tuple[Path, Path]) -> None:
    write(lists[1], revocation_list(pki().intermediate, pki().indirect))
    refused(trust, pki().indirect, "is revoked")


def test_a_missing_list_refuses(trust: Trust, lists: tuple[Path, Path]) -> None:
    assert trust.check(pki().rsa.certificate, NOW)
    lists[0].unlink()
    refused(trust, pki().rsa, "is missing")


@pytest.mark.parametrize("moment", [NOW + DAY + timedelta(seconds=1), NOW - 2 * DAY])
def test_a_list_is_fresh_from_this_update_to_next_update(trust: Trust, moment: datetime) -> None:
    refused(trust, pki().rsa, "is not fresh", moment)


@pytest.mark.parametrize("moment", [NOW - DAY, NOW, NOW + DAY])
def test_both_ends_are_fresh(trust: Trust, moment: datetime) -> None:
    assert trust.check(pki().rsa.certificate, moment)


def test_der_is_read_as_well_as_pem(trust: Trust, lists: tuple[Path, Path]) -> None:
    write(lists[0], revocation_list(pki().root, pki().rsa, encoding=Encoding.DER))
    refused(trust, pki().rsa, "is revoked")
    assert trust.check(pki().p256.certificate, NOW)


def without_next_update(der: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The list without its nextUpdate, signed anew; the builder of cryptography makes none."""
    crl = x509.load_der_x509_crl(der)
    assert crl.next_update_utc is not None
    field = b"\x17\x0d" + crl.next_update_utc.strftime("%y%m%d%H%M%SZ").encode()
    tbs = crl.tbs_certlist_bytes
    content = tbs[len(tbs) - _length(tbs) :].replace(field, b"")
    algorithm = content[content.index(b"\x30") : content.index(b"\x30") + 15]
    new = _sequence(content)
    signature = key.sign(new, padding.PKCS1v15(), hashes.SHA256())
    bits = b"\x03" + _encoded_length(len(signature) + 1) + b"\0" + signature
    return _sequence(new + algorithm + bits)


def _length(der: bytes) -> int:
    return der[1] if der[1] < 128 else int.from_bytes(der[2 : 2 + der[1] - 128], "big")


def _encoded_length(length: int) -> bytes:
    if length < 128:
        return bytes([length])
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([128 + len(octets)]) + octets


def _sequence(content: bytes) -> bytes:
    return b"\x30" + _encoded_length(len(content)) + content


def test_a_list_without_next_update_is_stale(trust: Trust, lists: tuple[Path, Path]) -> None:
    der = revocation_list(pki().root, encoding=Encoding.DER)
    endless = without_next_update(der, rsa_key(0))
    crl = x509.load_der_x509_crl(endless)
    assert crl.is_signature_valid(rsa_key(0).public_key())
    assert crl.next_update_utc is None
    write(lists[0], endless)
    refused(trust, pki().rsa, "until when")


def lame_authority() -> Party:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    return issue(None, subject("Lame"), rsa_key(0), constraints, key_usage("key_cert_sign"))


UNFIT: dict[str, Callable[[], bytes]] = {
    "is not signed by its issuer": lambda: revocation_list(pki().root, signer=pki().stranger_root),
    "is of another issuer": lambda: revocation_list(pki().intermediate),
    "cannot be read": lambda: b"-----BEGIN X509 CRL-----\nno\n-----END X509 CRL-----\n",
    "critical extension": lambda: revocation_list(pki().root, extension=x509.DeltaCRLIndicator(1)),
}


@pytest.mark.parametrize("word", UNFIT)
def test_a_list_that_is_unfit_refuses_everyone(
    word: str, trust: Trust, lists: tuple[Path, Path]
) -> None:
    write(lists[0], UNFIT[word]())
    refused(trust, pki().rsa, word)


@pytest.mark.parametrize("content", [b"", b"\x30\x03\x02\x01\x00", b"-----BEGIN"])
def test_a_file_that_is_no_list_refuses_everyone(
    content: bytes, trust: Trust, lists: tuple[Path, Path]
) -> None:
    write(lists[0], content)
    refused(trust, pki().rsa, "cannot be read")


def test_a_list_signed_with_sha_1_is_refused(trust: Trust, lists: tuple[Path, Path]) -> None:
    old = revocation_list(pki().root, encoding=Encoding.DER)
    # sha256WithRSAEncryption and sha1WithRSAEncryption differ in one octet.
    sha256, sha1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
    write(lists[0], old.replace(sha256, sha1))
    refused(trust, pki().rsa, "algorithm")


def test_an_authority_without_crl_sign_has_no_list(tmp_path: Path) -> None:
    lame = lame_authority()
    path = tmp_path / "lame.crl"
    path.write_bytes(revocation_list(lame))
    trust = Trust(TrustPolicy((Anchor(lame.certificate, path),)))
    refused(trust, customer(lame, "x", ec_key(1)), "without cRLSign")


def test_an_authority_without_key_usage_may_have_one(tmp_path: Path) -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    plain = issue(None, subject("Plain"), rsa_key(0), constraints)
    path = tmp_path / "plain.crl"
    path.write_bytes(revocation_list(plain))
    trust = Trust(TrustPolicy((Anchor(plain.certificate, path),)))
    assert trust.check(customer(plain, "x", ec_key(1)).certificate, NOW)


def test_a_list_of_an_ec_authority(tmp_path: Path) -> None:
    root = authority("EC", ec_key(9))
    path = tmp_path / "ec.crl"
    path.write_bytes(revocation_list(root))
    trust = Trust(TrustPolicy((Anchor(root.certificate, path),)))
    assert trust.check(customer(root, "x", ec_key(1)).certificate, NOW)


HERE = x509.UniformResourceIdentifier("http://crl.example/1")
THERE = x509.UniformResourceIdentifier("http://crl.example/2")
PART = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "part 1")])
PART_IN_FULL = x509.DirectoryName(x509.Name([*subject("Root").rdns, PART]))


def distribution_point(
    names: list[x509.GeneralName] | None = None,
    relative: x509.RelativeDistinguishedName | None = None,
    **limits: bool,
) -> x509.IssuingDistributionPoint:
    every = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(
        full_name=names, relative_name=relative, only_some_reasons=None, **{**every, **limits}
    )


def test_a_list_limited_to_users_or_to_authorities(trust: Trust, lists: tuple[Path, Path]) -> None:
    users = distribution_point(only_contains_user_certs=True)
    write(lists[0], revocation_list(pki().root, extension=users))
    assert trust.check(pki().rsa.certificate, NOW)
    refused(trust, pki().indirect, "does not speak")
    authorities = distribution_point(only_contains_ca_certs=True)
    write(lists[0], revocation_list(pki().root, extension=authorities))
    assert trust.check(pki().indirect.certificate, NOW)
    refused(trust, pki().rsa, "does not speak")


def pointing_at(*points: x509.DistributionPoint, key: int = 7) -> Party:
    """Who signs with a certificate of the root that names these distribution points."""
    extensions = (key_usage("digital_signature"), x509.CRLDistributionPoints(points))
    return issue(pki().root, subject("Pointing"), ec_key(key), *extensions)


def point(
    *names: x509.GeneralName, reasons: frozenset[x509.ReasonFlags] | None = None
) -> x509.DistributionPoint:
    return x509.DistributionPoint(names, None, reasons, None)


RELATIVE = x509.DistributionPoint(None, PART, None, None)


@pytest.mark.parametrize(
    ("list_", "points"),
    [
        (distribution_point([HERE]), [point(HERE)]),
        (distribution_point([HERE, PART_IN_FULL]), [point(THERE), point(PART_IN_FULL)]),
        (distribution_point(relative=PART), [point(THERE, PART_IN_FULL)]),
        (distribution_point([PART_IN_FULL]), [RELATIVE]),
    ],
    ids=["its name", "one of several", "relative in the list", "relative in the certificate"],
)
def test_a_part_of_a_list_covers_who_names_it(
    trust: Trust,
    lists: tuple[Path, Path],
    list_: x509.IssuingDistributionPoint,
    points: list[x509.DistributionPoint],
) -> None:
    """RFC 5280, 6.3.3 (b)(2)(i)."""
    party = pointing_at(*points)
    write(lists[0], revocation_list(pki().root, extension=list_))
    assert trust.check(party.certificate, NOW)
    write(lists[0], revocation_list(pki().root, party, extension=list_))
    refused(trust, party, "is revoked")


@pytest.mark.parametrize(
    "points",
    [
        [point(THERE)],
        [point(HERE, reasons=frozenset({x509.ReasonFlags.key_compromise}))],
        [x509.DistributionPoint([HERE], None, None, [x509.DirectoryName(subject("Other"))])],
        [x509.DistributionPoint(None, None, None, [x509.DirectoryName(subject("Root"))])],
    ],
    ids=["another part", "some reasons only", "another issuer's list", "no name"],
)
def test_a_part_of_a_list_covers_nobody_else(
    trust: Trust, lists: tuple[Path, Path], points: list[x509.DistributionPoint]
) -> None:
    """Whoever is revoked in the part that we do not have would pass."""
    write(lists[0], revocation_list(pki().root, extension=distribution_point([HERE])))
    refused(trust, pointing_at(*points), "does not cover")
    write(lists[0], revocation_list(pki().root))
    assert trust.check(pointing_at(*points).certificate, NOW)


def test_a_part_of_a_list_does_not_cover_who_names_no_list(
    trust: Trust, lists: tuple[Path, Path]
) -> None:
    write(lists[0], revocation_list(pki().root, extension=distribution_point([HERE])))
    refused(trust, pki().rsa, "does not cover")
    refused(trust, pki().indirect, "does not cover")  # Its authority names none either.


def test_distribution_points_that_cannot_be_read_name_no_list(
    trust: Trust, lists: tuple[Path, Path]
) -> None:
    """They count only where the list is a part of one."""
    garbage = x509.UnrecognizedExtension(x509.CRLDistributionPoints.oid, b"\x30\x01")
    party = issue(pki().root, subject("Garbled"), ec_key(7), garbage)
    assert trust.check(party.certificate, NOW)
    write(lists[0], revocation_list(pki().root, extension=distribution_point([HERE])))
    refused(trust, party, "does not cover")


@pytest.mark.parametrize("limit", ["indirect_crl", "only_contains_attribute_certs"])
def test_a_list_of_others_is_refused(limit: str, trust: Trust, lists: tuple[Path, Path]) -> None:
    write(lists[0], revocation_list(pki().root, extension=distribution_point(**{limit: True})))
    refused(trust, pki().rsa, "cannot be read")


def test_the_reason_names_no_path(trust: Trust, lists: tuple[Path, Path]) -> None:
    lists[0].unlink()
    with pytest.raises(FailedAuthentication) as caught:
        trust.check(pki().rsa.certificate, NOW)
    assert str(lists[0].parent) not in caught.value.reason
