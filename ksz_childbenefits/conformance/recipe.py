"""Recipes: how a case's message is signed, spoiled and put into bytes (samples/README.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ksz_childbenefits.conformance.edit import Edit

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
Forgery = Literal[
    "itself",
    "itself, with addresses",
    "an authority of the same name",
    "the customer",
    "itself, RSA 1024",
    "itself, secp256k1",
    "itself, of the service's names",
]
Encoding = Literal[
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-be",
    "utf-7",
    "latin-1",
    "cp500",
    "shift_jis",
    "iso2022_jp",
    "hz",
]


class Table(BaseModel):
    """A table of case.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SigningRecipe(Table):
    """``[sign]``: the Security header; the defaults make one that SECURITY 3 accepts.

    ``credentials`` are the customer's where nothing else is said; ``certificate`` presents that of
    other credentials than the key's. ``created``: seconds from now; ``expires``: seconds after
    Created; ``zone`` ends both times ("" : none). ``parts`` "Headers" stands for all other children
    of Header. ``algorithm`` names the hash; RSA or ECDSA follows from the key. ``value_type`` is
    that of the token. ``forged_by``: a certificate with the customer's names that anyone can make,
    by whom it is issued. ``edit``: changes of the tree before digests and signature are computed.
    """

    none: bool = False
    credentials: str | None = None
    certificate: str | None = None
    forged_by: Forgery | None = None
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
    edit: tuple[Edit, ...] = ()


class Replacement(Table):
    """A change of the signed text: ``find`` must stand in it exactly once; ``put`` goes there.

    ``times`` over; in texts ``{name}`` is filled as in edits, in bytes each letter is one octet.
    """

    find: Annotated[str, Field(min_length=1)]
    put: str
    times: Annotated[int, Field(ge=1)] = 1


class Splice(Replacement):
    """A change of the bytes: each letter of ``find`` and ``put`` is one octet (latin-1)."""

    @model_validator(mode="after")
    def _octets(self) -> Splice:
        if max(self.find + self.put) > "\xff":
            raise ValueError("find and put stand for octets: letters up to U+00FF")
        return self


class SendRecipe(Table):
    """``[send]``: the bytes. ``raw`` sends request.xml as it is, unsigned.

    ``edit``, ``replace``, ``splice``: changes of the signed tree, of its text, of its bytes.
    ``repeat``: the same bytes so many times, the last answer is judged. ``first``: the message goes
    unchanged first, and must be served; the changed copy is judged, which comes ``later`` by so
    many seconds of the service's clock. ``together``: as many copies at the same time, of which
    exactly one is served. ``pad_to``: blanks after the envelope up to so many bytes.
    """

    raw: bool = False
    repeat: Annotated[int, Field(ge=1, le=10)] = 1
    first: bool = False
    later: int = 0
    together: Annotated[int, Field(ge=1, le=100)] = 1
    edit: tuple[Edit, ...] = ()
    replace: tuple[Replacement, ...] = ()
    splice: tuple[Splice, ...] = ()
    encoding: Encoding = "utf-8"
    declaration: str | None = None
    pad_to: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_way_to_come_twice(self) -> SendRecipe:
        if self.repeat > 1 and (self.first or self.together > 1):
            raise ValueError("repeat stands alone")
        if self.later and (not self.first or self.together > 1):
            raise ValueError("later is for a copy that comes after the first")
        return self


class Piece(Table):
    """A part of what goes over the wire, ``times`` over, ``every`` so many seconds.

    Each letter is one octet; ``{host}``, ``{path}``, ``{length}`` (of the message), ``{message}``
    and ``{chunks}`` (the message as one chunk, without the last) are filled in.
    """

    text: str
    times: Annotated[int, Field(ge=1)] = 1
    every: Annotated[float, Field(ge=0)] = 0


class WireRecipe(Table):
    """``[wire]``: what is sent over a socket, as it stands, instead of a request by the library.

    ``connections``: as many do so at the same time. ``reads`` false: the answer is left unread.
    """

    piece: Annotated[tuple[Piece, ...], Field(min_length=1)]
    connections: Annotated[int, Field(ge=1, le=200)] = 1
    reads: bool = True
