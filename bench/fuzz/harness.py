"""One fuzzing process: atheris with one target, which goes on after a finding.

    python harness.py PROGRAM TARGET FINDINGS [libFuzzer's options and corpora]

PROGRAM is what libFuzzer runs when it wants a process like this one again, to minimise. Each
finding is kept in the folder FINDINGS: the octets, and beside them what is wrong with them.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["ksz_childbenefits"]):
    import targets

from lxml import etree

from tests.security.mutations import FAMILIES

BY_STRUCTURE = 0.5
"""How many of the verifier's mutations are those of the differential test."""


class Kept:
    """The findings of this process; one of each kind is enough."""

    def __init__(self, target: str, folder: Path) -> None:
        self._target, self._folder = target, folder
        self._kinds: set[str] = set()

    def run(self, data: bytes) -> None:
        """Try some octets; a finding is kept, and the search goes on."""
        try:
            targets.checked(self._target, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        kind = f"{type(error).__name__} at {place}"
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        name = f"{self._target}-{hashlib.sha256(data).hexdigest()[:16]}"
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))
        print(f"FINDING {name}: {kind}: {error}", file=sys.stderr, flush=True)


def by_structure(data: bytes, random: Random) -> bytes:
    """A mutation of the layout as XML, or of its text, as the differential test makes them."""
    layout, *patches = data.split(targets.PATCHES)
    family = random.choice(list(FAMILIES.values()))
    on_tree, on_text = (*family.before, *family.tree), family.text
    try:
        if on_tree and (not on_text or random.random() < 0.6):
            root = etree.fromstring(layout, etree.XMLParser(collect_ids=False))
            random.choice(on_tree)(root, random)
            layout = etree.tostring(root)
        else:
            changed = random.choice(on_text)(layout.decode(), random)
            layout = changed if isinstance(changed, bytes) else changed.encode()
    except Exception:  # noqa: BLE001 - these mutations expect a message, and this may be none
        return data
    return targets.PATCHES.join([layout, *patches])


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """LibFuzzer's own mutation, or one by structure."""
    random = Random(seed)
    if random.random() < BY_STRUCTURE:
        changed = by_structure(data, random)
        if len(changed) <= max_size:
            return changed
    return bytes(atheris.Mutate(data, max_size))


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    program, target, findings, *options = sys.argv[1:]
    kept = Kept(target, Path(findings))
    mutator = {"custom_mutator": mutate} if target in {"verifier", "envelope"} else {}
    atheris.Setup([program, *options], kept.run, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
