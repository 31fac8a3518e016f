"""A customer's WS-Security header, made by a recipe: Timestamp, token, Signature (SECURITY 3)."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.conformance import algorithms, keyinfo
from ksz_childbenefits.conformance.edit import apply
from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import Child, SigningRecipe
from ksz_childbenefits.contract.namespaces import DS, EC, SOAP_ENV, WSSE, WSU, XENC
from ksz_childbenefits.errors import DataError

_SIGNED_INFO = f"{{{DS}}}SignedInfo"
_VALUE = f"{{{DS}}}SignatureValue"
_REFERENCE = f"{{{DS}}}Reference"
_DIGEST = f"{{{DS}}}DigestValue"
_IDS = {"Timestamp": "TS", "Token": keyinfo.BST_ID}
_BASE64 = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

# What is signed outside the Security header has its identifier under this prefix too.
etree.register_namespace("wsu", WSU)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs envelopes by a recipe, with an identity, as if it were ``now``.

    ``values`` fill what the recipe's edits leave open.
    """

    recipe: SigningRecipe
    identity: Identity
    now: datetime
    values: Mapping[str, str] = field(default_factory=dict)

    def sign(self, envelope: etree._Element) -> None:
        """Put a Security header as first child into the envelope's Header, and sign.

        First everything but the values, then the recipe's edits, then digests and signature: what
        an edit put there is signed.
        """
        header, body = _parts(envelope)
        others = list(header.iterchildren(etree.Element))
        security = self._security(header)
        signed: dict[str, list[etree._Element]] = {"Body": [body], "Headers": others}
        for child in self.recipe.children:
            element = self._child(security, child)
            signed.setdefault(child, [element])
        self._identify("Body", body)
        for number, element in enumerate(others, start=1):
            self._identify(f"H{number}", element)
        for signature in security.iterchildren(f"{{{DS}}}Signature"):
            self._fill(signature, [e for part in self.recipe.parts for e in signed.get(part, [])])
        apply(envelope, self.recipe.edit, self.values)
        for signature in envelope.iter(f"{{{DS}}}Signature"):
            self.seal(signature)

    def _security(self, header: etree._Element) -> etree._Element:
        security = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        header.insert(0, security)
        if self.recipe.must_understand:
            security.set(f"{{{SOAP_ENV}}}mustUnderstand", "1")
        if self.recipe.actor is not None:
            security.set(f"{{{SOAP_ENV}}}actor", self.recipe.actor)
        return security

    def _child(self, security: etree._Element, name: Child) -> etree._Element:
        """Append one child; the second of a name gets an id of its own."""
        element = {
            "Timestamp": self._timestamp,
            "Token": self._token,
            "Signature": self._signature,
            "UsernameToken": _username_token,
            "EncryptedKey": _encrypted_key,
        }[name]()
        twins = len(security.findall(str(element.tag)))
        if name in _IDS:
            self._identify(_IDS[name] + (str(twins + 1) if twins else ""), element)
        security.append(element)
        return element

    def _identify(self, name: str, element: etree._Element) -> None:
        element.set(f"{{{WSU}}}Id" if self.recipe.ids == "wsu:Id" else "Id", name)

    def _timestamp(self) -> etree._Element:
        timestamp = etree.Element(f"{{{WSU}}}Timestamp", nsmap={"wsu": WSU})
        created = self.now
        if self.recipe.created != "absent":
            created += timedelta(seconds=self.recipe.created)
            etree.SubElement(timestamp, f"{{{WSU}}}Created").text = self._time(created)
        if self.recipe.expires != "absent":
            expires = created + timedelta(seconds=self.recipe.expires)
            etree.SubElement(timestamp, f"{{{WSU}}}Expires").text = self._time(expires)
        return timestamp

    def _time(self, moment: datetime) -> str:
        """The moment in the recipe's zone; without one, UTC unlabelled."""
        zone = self.recipe.zone
        offset = timedelta(hours=int(zone[:3])) if zone not in {"", "Z"} else timedelta()
        local = moment.astimezone(UTC) + offset
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03}{zone}"

    def _token(self) -> etree._Element:
        token = etree.Element(f"{{{WSSE}}}BinarySecurityToken", nsmap={"wsse": WSSE, "wsu": WSU})
        token.set("EncodingType", _BASE64)
        token.set("ValueType", keyinfo.X509_PROFILE + self.recipe.value_type)
        token.text = self._base64(self.identity.certificate.public_bytes(Encoding.DER))
        return token

    def _signature(self) -> etree._Element:
        return etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})

    def _fill(self, signature: etree._Element, targets: list[etree._Element]) -> None:
        """SignedInfo over the targets, room for the value, and the key info."""
        recipe = self.recipe
        signed_info = etree.SubElement(signature, _SIGNED_INFO)
        method = etree.SubElement(signed_info, f"{{{DS}}}CanonicalizationMethod")
        self._canonical(method)
        uri = algorithms.signature_uri(recipe.algorithm, self.identity)
        etree.SubElement(signed_info, f"{{{DS}}}SignatureMethod").set("Algorithm", uri)
        for target in targets:
            self._reference(signed_info, target)
        etree.SubElement(signature, _VALUE)
        if recipe.key_info != "absent":
            info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
            keyinfo.fill(info, recipe.key_info, recipe.value_type, self.identity)

    def _reference(self, signed_info: etree._Element, target: etree._Element) -> None:
        recipe = self.recipe
        name = next(identifiers(target), "")
        reference = etree.SubElement(signed_info, _REFERENCE, URI=f"#{name}")
        transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
        if recipe.enveloped:
            enveloped = etree.SubElement(transforms, f"{{{DS}}}Transform")
            enveloped.set("Algorithm", algorithms.ENVELOPED)
        self._canonical(etree.SubElement(transforms, f"{{{DS}}}Transform"))
        method = etree.SubElement(reference, f"{{{DS}}}DigestMethod")
        method.set("Algorithm", algorithms.DIGESTS[recipe.digest])
        etree.SubElement(reference, _DIGEST)

    def seal(self, signature: etree._Element) -> None:
        """Digests of what the references name, then the value over SignedInfo.

        A reference to nothing gets the digest of nothing; what an edit took away is not missed.
        """
        named = _named(signature.getroottree().getroot())
        for reference in signature.iterfind(f"{_SIGNED_INFO}/{_REFERENCE}"):
            target = named.get(reference.get("URI", ""))
            value = reference.find(_DIGEST)
            if value is not None:
                data = b"" if target is None else self._octets(target)
                value.text = self._base64(algorithms.digest(data, self.recipe.digest))
        signed_info, value = signature.find(_SIGNED_INFO), signature.find(_VALUE)
        if signed_info is not None and value is not None:
            octets = algorithms.signature(
                self._octets(signed_info), self.recipe.algorithm, self.identity
            )
            value.text = self._base64(octets)

    def _octets(self, element: etree._Element) -> bytes:
        """The canonical form that the recipe asks for."""
        recipe = self.recipe
        return algorithms.canonical(element, recipe.canonical, recipe.inclusive_prefixes)

    def _canonical(self, element: etree._Element) -> None:
        """Name the canonicalization, with its list of prefixes if the recipe has one."""
        element.set("Algorithm", algorithms.CANONICALS[self.recipe.canonical])
        if self.recipe.inclusive_prefixes:
            prefixes = " ".join(self.recipe.inclusive_prefixes)
            name = f"{{{EC}}}InclusiveNamespaces"
            etree.SubElement(element, name, PrefixList=prefixes, nsmap={"ec": EC})

    def _base64(self, data: bytes) -> str:
        text = base64.b64encode(data).decode("ascii")
        return f"\n{textwrap.fill(text, 64)}\n" if self.recipe.line_breaks else text


def identifiers(element: etree._Element) -> Iterator[str]:
    """The identifiers of an element, of both kinds that a recipe can ask for."""
    for name in (f"{{{WSU}}}Id", "Id"):
        if (identifier := element.get(name)) is not None:
            yield identifier


def _named(root: etree._Element) -> dict[str, etree._Element]:
    """The first element of each identifier, by the URI that names it; the root for an empty one."""
    named = {"": root}
    for element in root.iter(etree.Element):
        for identifier in identifiers(element):
            named.setdefault(f"#{identifier}", element)
    return named


def _parts(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The Header, made if there is none, and the Body; DataError without a Body."""
    body = envelope.find(f"{{{SOAP_ENV}}}Body")
    if body is None:
        raise DataError("an envelope that is to be signed has a Body")
    header = envelope.find(f"{{{SOAP_ENV}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP_ENV}}}Header")
        envelope.insert(0, header)
    return header, body


def _username_token() -> etree._Element:
    token = etree.Element(f"{{{WSSE}}}UsernameToken", nsmap={"wsse": WSSE})
    etree.SubElement(token, f"{{{WSSE}}}Username").text = "someone"
    return token


def _encrypted_key() -> etree._Element:
    return etree.Element(f"{{{XENC}}}EncryptedKey", nsmap={"xenc": XENC})
