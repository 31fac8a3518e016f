"""Where the parts of WS-Security stand in a message: each in its one place, or nowhere.

Nothing is searched for among descendants, so what an attacker wraps somewhere else is never seen
(DESIGN: wrapping impossible by construction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from ksz_childbenefits.contract.envelope import SECURITY, Envelope
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU, XENC
from ksz_childbenefits.errors import InvalidSecurity, UnsupportedAlgorithm

SIGNATURE: Final = f"{{{DS}}}Signature"
TIMESTAMP: Final = f"{{{WSU}}}Timestamp"
TOKEN: Final = f"{{{WSSE}}}BinarySecurityToken"
WSU_ID: Final = f"{{{WSU}}}Id"

_ACTOR: Final = f"{{{SOAP_ENV}}}actor"
_PLAIN_ID: Final = "Id"
_XML_ID: Final = "{http://www.w3.org/XML/1998/namespace}id"
_IDENTIFIERS: Final = frozenset((WSU_ID, _XML_ID, _PLAIN_ID, "ID", "id"))
"""All that any stack takes for an identifier."""

_NAMED_LIKE_ONE: Final = etree.XPath(
    "//@*[local-name()='Id' or local-name()='id' or local-name()='ID']", smart_strings=False
)


@dataclass(frozen=True, slots=True)
class SecurityHeader:
    """The parts of the one Security header that is addressed to us, and all blocks of Header."""

    blocks: tuple[etree._Element, ...]
    timestamp: etree._Element
    signature: etree._Element
    token: etree._Element | None


def find_security(envelope: Envelope) -> SecurityHeader:
    """The security header's parts, in whatever order they stand in it.

    InvalidSecurity unless there is exactly one Security for us (one with an actor is not), with
    exactly one Timestamp and Signature, and at most one token. UnsupportedAlgorithm for a message
    with encrypted parts.
    """
    if next(envelope.root.iter(f"{{{XENC}}}*"), None) is not None:
        raise UnsupportedAlgorithm("the message has encrypted parts")
    blocks = () if envelope.header is None else tuple(envelope.header)
    ours = [b for b in blocks if b.tag == SECURITY and not b.get(_ACTOR, "").strip()]
    if len(ours) != 1:
        raise InvalidSecurity(f"{len(ours)} security headers for us")
    timestamps, signatures, tokens = (
        list(ours[0].iterchildren(tag)) for tag in (TIMESTAMP, SIGNATURE, TOKEN)
    )
    if len(timestamps) != 1 or len(signatures) != 1 or len(tokens) > 1:
        raise InvalidSecurity(
            f"{len(timestamps)} Timestamp, {len(signatures)} Signature, {len(tokens)} token"
        )
    return SecurityHeader(blocks, timestamps[0], signatures[0], tokens[0] if tokens else None)


def refuse_repeated_identifiers(root: etree._Element) -> None:
    """Refuse with InvalidSecurity an identifier that is used twice anywhere in the message."""
    identifiers = [str(value) for value in _NAMED_LIKE_ONE(root)]
    if len(set(identifiers)) == len(identifiers):
        return
    # Attributes of other namespaces may bear such a name too.
    identifiers = [
        value
        for element in root.iter(etree.Element)
        for name, value in element.items()
        if name in _IDENTIFIERS
    ]
    if len(set(identifiers)) != len(identifiers):
        raise InvalidSecurity("an identifier is used twice")


def identifiers_of(element: etree._Element) -> list[str]:
    """The identifiers that a reference can name an element by."""
    return [value for name in (WSU_ID, _PLAIN_ID) if (value := element.get(name))]


def signable_parts(envelope: Envelope, security: SecurityHeader) -> dict[str, etree._Element]:
    """The only elements that may be referenced, by identifier.

    Body, Timestamp, token and the direct children of Header (SECURITY 3).
    """
    parts = [envelope.body, security.timestamp, *security.blocks]
    if security.token is not None:
        parts.append(security.token)
    return {identifier: part for part in parts for identifier in identifiers_of(part)}
