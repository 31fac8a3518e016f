"""What fuzzing begins with, beside what it has learnt: small honest messages of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import targets

from tests.security.messages import Recipe, algorithm_for, unsigned
from tests.security.pki import pki

SAMPLES = targets.ROOT / "samples"


def write(target: str, folder: Path) -> None:
    """Write the seeds of a target into a folder."""
    for number, data in enumerate(SEEDS[target]()):
        (folder / f"seed-{number}").write_bytes(data)


def layouts() -> list[bytes]:
    """Messages with room for digests, signature and certificate; one is patched after the seal."""
    ordinary = Recipe(algorithm=algorithm_for(pki().p256))
    header = '<x:h xmlns:x="urn:x" wsu:Id="H-1">signed</x:h>'
    recipes = [
        ordinary,
        ordinary.with_(signed=(0, 1)),
        ordinary.with_(other_headers=header, header_parts=("H-1",)),
        ordinary.with_(id_attribute="Id", expires=None),
        Recipe(),
    ]
    held = targets.certificate(pki().p256)
    texts = (unsigned(recipe, pki().p256).replace(held, targets.CERTIFICATE) for recipe in recipes)
    written = [text.encode() for text in texts]
    return [*written, written[0] + targets.PATCHES + b"\1\0\1x"]


def payloads() -> list[bytes]:
    """The requests of the samples that are no whole envelopes."""
    requests = (path.read_bytes() for path in sorted(SAMPLES.glob("*/request.xml")))
    return sorted({one.strip() for one in requests if b"Envelope" not in one and len(one) < 3000})


def documents() -> list[bytes]:
    """Some XML in the encodings that are read, the charset before it."""
    text = "<a b='1' xmlns:p='urn:p'><p:c>Zo\u00eb &#13;&lt;<![CDATA[x]]></p:c><!-- y --></a>"
    declared = f"<?xml version='1.0' encoding='UTF-16'?>{text}"
    return [
        *(b"\0" + text.encode(), b"\1" + text.encode("utf-8-sig"), b"\2" + text.encode("utf-16")),
        *(b"\0" + declared.encode("utf-16-le"), b"\0<!DOCTYPE a []><a/>", b"\0<a><?x y?></a>"),
        *(b"\0" + one for one in layouts()[:2]),
    ]


SEEDS: Final[dict[str, Callable[[], list[bytes]]]] = {
    "parser": documents,
    "envelope": layouts,
    "verifier": layouts,
    "decode": lambda: payloads()[:40],
}
