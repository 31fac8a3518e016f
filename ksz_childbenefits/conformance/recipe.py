"""Recipes: how a case's message is signed, spoiled and put into bytes (samples/README.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Part = Literal["Body", "Timestamp", "Token", "Headers"]
Child = Literal["Timestamp", "Token", "Signature", "UsernameToken", "EncryptedKey"]
Algorithm = Literal[
    "sha1", "sha256", "sha384", "sha512", "sha256-pss", "sha384-pss", "sha512-pss", "hmac-sha256"
]
Digest = Literal["md5", "sha1", "sha256", "sha384", "sha512"]
Canonical = Literal["exclusive", "exclusive with comments", "inclusive"]
KeyInfo = Literal[
    "token",
    "thumbprint",
    "ski",
    "issuer-serial",
    "key-value",
    "whole-certificate",
    "x509-data",
    "absent",
]
TokenType = Literal["X509v3", "X509PKIPathv1", "PKCS7"]


class Table(BaseModel):
    """A table of case.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SigningRecipe(Table):
    """``[sign]``: the Security header; the defaults make one that SECURITY 3 accepts.

    ``credentials`` are the customer's where nothing else is said; ``certificate`` presents that of
    other credentials than the key's. ``created``: seconds from now; ``expires``: seconds after
    Created; ``zone`` ends both times ("" : none). ``parts`` "Headers" stands for all other children
    of Header. ``algorithm`` names the hash; RSA or ECDSA follows from the key. ``value_type`` is
    that of the token.
    """

    none: bool = False
    credentials: str | None = None
    certificate: str | None = None
    parts: tuple[Part, ...] = ("Body", "Timestamp", "Token")
    children: tuple[Child, ...] = ("Timestamp", "Token", "Signature")
    algorithm: Algorithm = "sha256"
    digest: Digest = "sha256"
    canonical: Canonical = "exclusive"
    inclusive_prefixes: tuple[str, ...] = ()
    enveloped: bool = False
    key_info: KeyInfo = "token"
    value_type: TokenType = "X509v3"
    created: int | Literal["absent"] = 0
    expires: int | Literal["absent"] = 300
    zone: Literal["Z", "+00:00", "+02:00", "-05:00", ""] = "Z"
    must_understand: bool = True
    actor: str | None = None
    ids: Literal["wsu:Id", "Id"] = "wsu:Id"
    line_breaks: bool = False


class Replacement(Table):
    """A change of the signed text: ``find`` must stand in it exactly once."""

    find: Annotated[str, Field(min_length=1)]
    put: str


class SendRecipe(Table):
    """``[send]``: the bytes. ``raw`` sends request.xml as it is, unsigned.

    ``repeat``: the same bytes so many times, the last answer is judged. ``pad_to``: blanks after
    the envelope up to so many bytes.
    """

    raw: bool = False
    repeat: Annotated[int, Field(ge=1, le=10)] = 1
    replace: tuple[Replacement, ...] = ()
    encoding: Literal["utf-8", "utf-8-sig", "utf-16"] = "utf-8"
    declaration: str | None = None
    pad_to: Annotated[int, Field(ge=1)] | None = None
