"""A ds:Signature, read into values: only what the profile of SECURITY 3 knows gets through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, EC
from ksz_childbenefits.errors import InvalidSecurity, UnsupportedAlgorithm
from ksz_childbenefits.security.algorithms import (
    DIGEST_ALGORITHMS,
    ENVELOPED_SIGNATURE,
    EXCLUSIVE_C14N,
    SIGNATURE_ALGORITHMS,
    Digest,
    SignatureAlgorithm,
)
from ksz_childbenefits.security.elements import base64_of, exact_children
from ksz_childbenefits.security.trust import TrustPolicy

SIGNED_INFO: Final = f"{{{DS}}}SignedInfo"
SIGNATURE_VALUE: Final = f"{{{DS}}}SignatureValue"
KEY_INFO: Final = f"{{{DS}}}KeyInfo"
CANONICALIZATION_METHOD: Final = f"{{{DS}}}CanonicalizationMethod"
SIGNATURE_METHOD: Final = f"{{{DS}}}SignatureMethod"
REFERENCE: Final = f"{{{DS}}}Reference"
TRANSFORMS: Final = f"{{{DS}}}Transforms"
TRANSFORM: Final = f"{{{DS}}}Transform"
DIGEST_METHOD: Final = f"{{{DS}}}DigestMethod"
DIGEST_VALUE: Final = f"{{{DS}}}DigestValue"
INCLUSIVE_NAMESPACES: Final = f"{{{EC}}}InclusiveNamespaces"

_MAX_PREFIXES: Final = 64
"""Canonicalisation looks for each on every element, among those it found: the square of these."""

_NAMED_IN_LOG: Final = re.compile(
    r"http://www\.w3\.org/(?!.*[0-9]{5})[0-9]{4}/(?:[0-9]{2}/)?[A-Za-z][\w#.-]{,40}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a signature says of one signed part."""

    identifier: str
    enveloped: bool
    prefixes: tuple[str, ...]
    digest: Digest
    digest_value: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature whose form is right; nothing of it is verified yet."""

    signed_info: etree._Element
    prefixes: tuple[str, ...]
    algorithm: SignatureAlgorithm
    references: tuple[Reference, ...]
    value: bytes
    key_info: etree._Element


def read_signature(signature: etree._Element, policy: TrustPolicy) -> Signature:
    """Read a signature; resolves and verifies nothing.

    InvalidSecurity for a structure other than the profile's, UnsupportedAlgorithm for an algorithm
    or transform that ``policy`` does not allow.
    """
    signed_info, value, key_info = exact_children(signature, SIGNED_INFO, SIGNATURE_VALUE, KEY_INFO)
    count = len(signed_info) - 2
    # Counted before any is looked at: what a message may cost is decided first.
    if not 0 < count <= policy.max_references:
        raise InvalidSecurity(f"a signature with {count} references")
    c14n, method, *references = exact_children(
        signed_info, CANONICALIZATION_METHOD, SIGNATURE_METHOD, *[REFERENCE] * count
    )
    return Signature(
        signed_info,
        _exclusive_c14n(c14n),
        SIGNATURE_ALGORITHMS[_algorithm(method, policy.signature_algorithms)],
        tuple(_reference(reference, policy) for reference in references),
        base64_of(value),
        key_info,
    )


def _reference(reference: etree._Element, policy: TrustPolicy) -> Reference:
    uri = reference.get("URI", "")
    if uri[:1] != "#" or uri == "#":
        raise InvalidSecurity("a reference to something other than an element of the message")
    if [child.tag for child in reference[:1]] == [DIGEST_METHOD]:
        # Without Transforms it would be inclusive canonicalisation (XML Signature, 4.4.3.2).
        raise UnsupportedAlgorithm("a reference without exclusive canonicalisation")
    transforms, method, value = exact_children(reference, TRANSFORMS, DIGEST_METHOD, DIGEST_VALUE)
    *before, last = exact_children(transforms, *[TRANSFORM] * max(len(transforms), 1))
    for transform in before:
        _algorithm(transform, frozenset((ENVELOPED_SIGNATURE,)))
    if len(before) > 1:
        raise InvalidSecurity("the enveloped-signature transform stands twice")
    return Reference(
        uri[1:],
        bool(before),
        _exclusive_c14n(last),
        DIGEST_ALGORITHMS[_algorithm(method, policy.digest_algorithms)],
        base64_of(value),
    )


def _algorithm(element: etree._Element, allowed: frozenset[str]) -> str:
    """The URI of an algorithm, which must be one of these and take no parameters."""
    uri = _allowed(element, allowed)
    exact_children(element)
    return uri


def _exclusive_c14n(element: etree._Element) -> tuple[str, ...]:
    """The InclusiveNamespaces prefixes of a canonicalisation, which must be the exclusive one."""
    _allowed(element, frozenset((EXCLUSIVE_C14N,)))
    if not len(element):
        return ()
    (inclusive,) = exact_children(element, INCLUSIVE_NAMESPACES)
    exact_children(inclusive)
    prefixes = tuple(dict.fromkeys(inclusive.get("PrefixList", "").split()))
    if len(prefixes) > _MAX_PREFIXES:
        raise InvalidSecurity("a PrefixList that is too long")
    return prefixes


def _allowed(element: etree._Element, allowed: frozenset[str]) -> str:
    uri = element.get("Algorithm", "")
    if uri not in allowed:
        kind = etree.QName(element).localname
        # The log names algorithms of the W3C, and nothing else that a sender can make up.
        name = uri if _NAMED_IN_LOG.fullmatch(uri) else "another"
        raise UnsupportedAlgorithm(f"{kind} {name}")
    return uri
