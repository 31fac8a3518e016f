"""Values in base64, written otherwise: the same octets in other letters, or other octets."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Callable
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from ksz_childbenefits.errors import DataError

REFERENCE: Final = "\ue000"
"""Stands for ``&#`` until the tree is written: a tree cannot hold a character reference."""

Spelling = Literal[
    "lines",
    "blanks",
    "character references",
    "CDATA",
    "stray bits",
    "no padding",
    "more padding",
    "URL alphabet",
    "full-width letters",
    "PEM",
    "hexadecimal",
    "nothing",
    "one octet less",
    "one octet more",
    "half",
    "twice",
    "zeros",
    "ones",
    "one bit flipped",
    "zero in front",
    "DER",
    "the other s",
    "r is zero",
]

_ORDERS: Final = {
    32: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    48: int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
}
"""The orders of P-256 and P-384, by the length of a coordinate in octets."""


def respell(element: etree._Element, spelling: Spelling) -> None:
    """Write the base64 that an element holds as ``spelling`` says."""
    encoded = "".join((element.text or "").split())
    if spelling == "CDATA":
        element.text = etree.CDATA(encoded)
    elif spelling in _LETTERS:
        element.text = _LETTERS[spelling](encoded)
    else:
        octets = _OCTETS[spelling](base64.b64decode(encoded))
        element.text = base64.b64encode(octets).decode("ascii")


def _references(text: str) -> str:
    return "".join(f"{REFERENCE}{ord(letter)};" for letter in text)


def _stray_bits(text: str) -> str:
    """The last letter before the padding with its unused bits set: the octets stay the same."""
    if not text.endswith("="):
        raise DataError("stray bits need a value whose base64 has padding")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    letters = text.rstrip("=")
    last = alphabet[alphabet.index(letters[-1]) | 1]
    return letters[:-1] + last + "=" * (len(text) - len(letters))


def _full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def _pem(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{textwrap.fill(text, 64)}\n-----END CERTIFICATE-----"


_LETTERS: Final[dict[str, Callable[[str], str]]] = {
    "lines": lambda text: f"\n{textwrap.fill(text, 76)}\n",
    "blanks": lambda text: " \t".join(textwrap.wrap(text, 5)),
    "character references": _references,
    "stray bits": _stray_bits,
    "no padding": lambda text: text.rstrip("="),
    "more padding": lambda text: f"{text}====",
    "URL alphabet": lambda text: text.translate(str.maketrans("+/", "-_")),
    "full-width letters": _full_width,
    "PEM": _pem,
    "hexadecimal": lambda text: base64.b64decode(text).hex(),
    "nothing": lambda _: "",
}


def _halves(octets: bytes) -> tuple[int, int, int]:
    """r, s and the length of each, of an ECDSA value."""
    size = len(octets) // 2
    if size not in _ORDERS:
        raise DataError("an ECDSA value of P-256 or P-384 is needed")
    return int.from_bytes(octets[:size], "big"), int.from_bytes(octets[size:], "big"), size


def _der(octets: bytes) -> bytes:
    first, second, _ = _halves(octets)
    return encode_dss_signature(first, second)


def _other_s(octets: bytes) -> bytes:
    """(r, n - s), which verifies as well as (r, s)."""
    _, second, size = _halves(octets)
    return octets[:size] + (_ORDERS[size] - second).to_bytes(size, "big")


def _r_is_zero(octets: bytes) -> bytes:
    *_, size = _halves(octets)
    return bytes(size) + octets[size:]


def _flipped(octets: bytes) -> bytes:
    middle = len(octets) // 2
    return octets[:middle] + bytes([octets[middle] ^ 1]) + octets[middle + 1 :]


_OCTETS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "one octet less": lambda octets: octets[:-1],
    "one octet more": lambda octets: octets + b"\0",
    "half": lambda octets: octets[: len(octets) // 2],
    "twice": lambda octets: octets * 2,
    "zeros": lambda octets: bytes(len(octets)),
    "ones": lambda octets: b"\xff" * len(octets),
    "one bit flipped": _flipped,
    "zero in front": lambda octets: b"\0" + octets,
    "DER": _der,
    "the other s": _other_s,
    "r is zero": _r_is_zero,
}
