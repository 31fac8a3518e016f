"""The lines of an exported audit trail (docs/formats.md), whatever somebody has put into it.

A text is written as it was hashed: whoever parses it and writes it anew hashes another. One that
would break its line, or the reader's JSON, is none of ours: its octets are told instead.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NoReturn

from ksz_childbenefits.audit.raw import row_of


def item_line(found: Any) -> str:
    """The line of an item, as ``audit.raw`` reads its row under ``surrogateescape``."""
    row = row_of(found)
    place = f'{_writer(row.writer)},"number":{row.number}'
    told = _told("item", found.text, place)
    return f'{{{told},"hash":"{row.hash.hex()}"{_signature(row.signature)}}}\n'


def cut_line(writer: object, text: str | bytes, signature: object) -> str:
    """The line of a chain's deleted beginning, of columns that were read as an item's."""
    told = _told("cut", text, _writer(writer if isinstance(writer, str) else repr(writer)))
    return f"{{{told}{_signature(signature)}}}\n"


def _told(kind: str, text: str | bytes, place: str) -> str:
    """The text, or the octets that stand in its place, with where that is."""
    if isinstance(text, str) and _keeps_its_line(text):
        return f'"{kind}":{text}'
    octets = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return f'"{kind}Octets":"{_base64(octets)}",{place}'


def _keeps_its_line(text: str) -> bool:
    """Whether it is a JSON object, in UTF-8 and without the end of a line."""
    if "\n" in text or "\r" in text:
        return False
    try:
        text.encode()
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"Python reads {constant}, which is no JSON")


def _writer(name: str) -> str:
    return f'"writer":{json.dumps(name)}'


def _signature(octets: object) -> str:
    if octets is None:
        return ""
    return f',"signature":"{_base64(octets if isinstance(octets, bytes) else b"")}"'


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
