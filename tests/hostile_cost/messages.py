"""Messages that are signed well and mean harm: what a registered customer could send at worst."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree

from ksz_childbenefits.contract.namespaces import (
    DS,
    EC,
    INSCRIPTIONS_INTF,
    INTF,
    SOAP_ENV,
    WSSE,
    WSU,
)
from ksz_childbenefits.security.tokens import BASE64_BINARY, X509V3

SIZE = 256 * 1024
"""Of the largest request (SECURITY 1)."""

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EMPTY = "AA=="
"""Stands where a digest or the signature is to be, and stays there in a message not signed."""

PREFIXES = tuple(f"p{number}" for number in range(121))
"""With the six of the message's own all the namespaces that may be in scope (127 of 128)."""

_PARSER = etree.XMLParser(remove_comments=True, resolve_entities=False, huge_tree=True)


def declared(prefixes: Sequence[str], characters: int = 20) -> str:
    """Declarations of these prefixes, with names of so many characters."""
    names = ((prefix, f"urn:{prefix}:".ljust(characters, "x")) for prefix in prefixes)
    return " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in names)


def times(piece: str, room: int, most: int = 10**6) -> str:
    """The piece as often as it fits into so many bytes."""
    return piece * min(room // len(piece.encode()), most)


@dataclass(frozen=True)
class Sender:
    """A customer of the demo, by its credentials (RSA)."""

    folder: Path

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        key = load_pem_private_key((self.folder / "key.pem").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    @cached_property
    def token(self) -> bytes:
        pem = (self.folder / "certificate.pem").read_bytes()
        return load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

    @cached_property
    def says(self) -> dict[str, str]:
        return tomllib.loads((self.folder / "customer.toml").read_text())

    def question(self, content: str | None = None, **texts: str) -> str:
        """A consultation; ``texts`` replace what it usually says, ``content`` all of it."""
        usual = {
            "cbe": self.says["cbe_number"],
            "context": self.says["legal_context"],
            "ssin": "12031590217",
            "begin": "2017-01",
            "end": "2024-12",
            "sent": "",
            "identification": "<cbeNumber>{cbe}</cbeNumber>",
        }
        given = usual | texts
        given["identification"] = given["identification"].format(**given)
        if content is None:
            content = (
                "<informationCustomer>{sent}<customerIdentification>{identification}"
                "</customerIdentification></informationCustomer>"
                "<legalContext>{context}</legalContext><criteria><ssin>{ssin}</ssin><period>"
                "<beginMonth>{begin}</beginMonth><endMonth>{end}</endMonth></period></criteria>"
            ).format(**given)
        name = "consultFilesBySsinRequest"
        return f'<intf:{name} xmlns:intf="{INTF}">{content}</intf:{name}>'

    def inscriptions(self, lines: str, ticket: str) -> str:
        """A call that registers these lines."""
        return (
            f'<intf:registerInscriptionsRequest xmlns:intf="{INSCRIPTIONS_INTF}">'
            f"<informationCustomer><ticket>{ticket}</ticket><customerIdentification>"
            f"<cbeNumber>{self.says['cbe_number']}</cbeNumber></customerIdentification>"
            f"</informationCustomer><legalContext>{self.says['legal_context']}</legalContext>"
            f"<inscriptions>{lines}</inscriptions></intf:registerInscriptionsRequest>"
        )

    def message(
        self,
        payload: str,
        *,
        signed: bool = True,
        token: bytes | None = None,
        root: str = "",
        signed_info: str = "",
        headers: Sequence[str] = (),
        prefixes: Sequence[str] = (),
    ) -> bytes:
        """An envelope around ``payload``, signed over Body, Timestamp and each of ``headers``.

        ``prefixes``: the PrefixList everywhere; ``root`` and ``signed_info``: attributes there.
        """
        text = self._unsigned(
            payload,
            token=token or self.token,
            root=root,
            signed_info=signed_info,
            headers=headers,
            prefixes=prefixes,
        )
        if signed:
            text = self._signed(text, prefixes)
        assert len(text.encode()) <= SIZE
        return text.encode()

    def _unsigned(
        self,
        payload: str,
        *,
        token: bytes,
        root: str,
        signed_info: str,
        headers: Sequence[str],
        prefixes: Sequence[str],
    ) -> str:
        now = datetime.now(UTC)
        written = [
            f"{now + delta:%Y-%m-%dT%H:%M:%SZ}" for delta in (timedelta(), timedelta(0, 300))
        ]
        inclusive = ""
        if prefixes:
            listed = " ".join(prefixes)
            inclusive = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="{listed}"/>'
        references = "".join(
            f'<ds:Reference URI="#{name}"><ds:Transforms><ds:Transform Algorithm="{EC}">{inclusive}'
            f'</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/>'
            f"<ds:DigestValue>{EMPTY}</ds:DigestValue></ds:Reference>"
            for name in ("Body", "Timestamp", *(f"H{n}" for n in range(len(headers))))
        )
        return (
            f'<s:Envelope xmlns:s="{SOAP_ENV}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" {root}>'
            f"<s:Header>{''.join(headers)}<wsse:Security>"
            f'<wsu:Timestamp wsu:Id="Timestamp"><wsu:Created>{written[0]}</wsu:Created>'
            f"<wsu:Expires>{written[1]}</wsu:Expires></wsu:Timestamp>"
            f'<wsse:BinarySecurityToken wsu:Id="X" ValueType="{X509V3}" '
            f'EncodingType="{BASE64_BINARY}">{base64.b64encode(token).decode()}'
            f'</wsse:BinarySecurityToken><ds:Signature xmlns:ds="{DS}">'
            f"<ds:SignedInfo {signed_info}>"
            f'<ds:CanonicalizationMethod Algorithm="{EC}">{inclusive}</ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>{references}</ds:SignedInfo>'
            f"<ds:SignatureValue>{EMPTY}</ds:SignatureValue><ds:KeyInfo>"
            f'<wsse:SecurityTokenReference><wsse:Reference URI="#X" ValueType="{X509V3}"/>'
            "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security></s:Header>"
            f'<s:Body wsu:Id="Body">{payload}</s:Body></s:Envelope>'
        )

    def _signed(self, text: str, prefixes: Sequence[str]) -> str:
        root = etree.fromstring(text, _PARSER)
        parts = {part.get(f"{{{WSU}}}Id"): part for part in root.iter(etree.Element)}
        references = root.iterfind(f".//{{{DS}}}Reference")
        for name in [reference.get("URI", "")[1:] for reference in references]:
            digest = hashlib.sha256(_canonical(parts[name], prefixes)).digest()
            text = _filled(text, "DigestValue", digest)
        info = etree.fromstring(text, _PARSER).find(f".//{{{DS}}}SignedInfo")
        assert info is not None
        value = self.key.sign(_canonical(info, prefixes), padding.PKCS1v15(), hashes.SHA256())
        return _filled(text, "SignatureValue", value)


def _canonical(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    return etree.tostring(
        element,
        method="c14n",
        exclusive=True,
        with_comments=False,
        inclusive_ns_prefixes=list(prefixes) or None,
    )


def _filled(text: str, name: str, octets: bytes) -> str:
    encoded = base64.b64encode(octets).decode()
    return text.replace(f"<ds:{name}>{EMPTY}<", f"<ds:{name}>{encoded}<", 1)
