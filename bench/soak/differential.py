"""Soak: our verdict on mutated signed messages beside those of xmlsec and signxml.

    .venv/bin/python bench/soak/differential.py [--messages 60000] [--first 0]

None may be accepted by us and refused by both, and what we serve must be what they call signed. The
mutations are made from seeds (tests/security/mutations), so each can be made again by its number.
Writes bench/results/soak-differential.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from processes import write
from rich.progress import track

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the mutations and oracles are the tests'

from tests.security.differential import ORACLES, Comparison, compare  # noqa: E402
from tests.security.mutations import FAMILIES  # noqa: E402
from tests.security.pki import pki  # noqa: E402

GOAL_MESSAGES, GOAL_SHARE = 20_000, 0.3

RESULT = ROOT / "bench" / "results" / "soak-differential.md"

WHY = {
    "NotReadable": "SECURITY 2: no DTD, no processing instruction, one Header, one Body with one "
    "child of the exact name; SECURITY 1: the encodings. The oracles take any XML.",
    "VersionMismatch": "SECURITY 2: SOAP 1.1 alone. The oracles do not look at the Envelope.",
    "NotUnderstood": "SECURITY 2: a header that must be understood. The oracles know no SOAP.",
    "InvalidSecurity": "SECURITY 3: one Security with one Timestamp and one Signature of the exact "
    "content, at most 8 references, no part and no id twice, base64 in its one spelling. The "
    "oracles take the first Signature that they find and forgive the rest.",
    "UnsupportedToken": "SECURITY 3: key info. The oracles are given the certificate.",
    "UnsupportedAlgorithm": "SECURITY 3: exclusive c14n and SHA-2 alone. The oracles know "
    "inclusive c14n, XPath, SHA-1, SHA-224 and SHA-3 too.",
    "FailedAuthentication": "SECURITY 3: the certificate in the message. The oracles are given "
    "another, and do not validate its path.",
    "FailedCheck": "SECURITY 3: an id counts on Body, Timestamp, token and children of Header only "
    "(wrapping), and the key is that of the token in the message. The oracles find ids anywhere.",
    "MessageExpired": "SECURITY 3: freshness. The oracles do not look at the time.",
}
"""Why we refuse what an oracle accepts, by the class of our refusal."""


def quiet() -> None:
    """What displeases xmlsec and libxml2 they write to standard error, by the thousand."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def compared(first: int, messages: int, processes: int) -> list[Comparison]:
    """All comparisons, over all cores; the keys are made once, before the processes part."""
    warnings.simplefilter("ignore")  # signxml's, on what it finds odd
    pki()
    with multiprocessing.get_context("fork").Pool(processes, initializer=quiet) as pool:
        seeds = range(first, first + messages)
        results = pool.imap_unordered(compare, seeds, chunksize=100)
        return list(track(results, "mutated messages", total=messages))


def table(results: Iterable[Comparison]) -> list[str]:
    """A row per family, and one for all."""
    by_family: dict[str, list[Comparison]] = {name: [] for name in FAMILIES}
    for one in results:
        by_family[one.family].append(one)
    rows = [*by_family.items(), ("all", [one for of in by_family.values() for one in of])]
    lines = [
        "| family | messages | xmlsec accepts | signxml accepts | either | we accept "
        "| we refuse what either accepts | wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, of in rows:
        counts = [
            len(of),
            *(sum(oracle in one.accepted_by for one in of) for oracle in ORACLES),
            sum(bool(one.accepted_by) for one in of),
            sum(one.accepted for one in of),
            sum(bool(one.accepted_by) and not one.accepted for one in of),
            sum(one.wrong is not None for one in of),
        ]
        lines.append(f"| {name} | {' | '.join(str(count) for count in counts)} |")
    return lines


def stricter(results: Iterable[Comparison]) -> list[str]:
    """Our refusals of what an oracle accepts: by class with the reason why, then the commonest."""
    refusals = [one.refused for one in results if one.accepted_by and one.refused is not None]
    classes = Counter(fault for fault, _ in refusals)
    lines = ["| we refuse with | messages | why |", "|---|---|---|"]
    lines += [f"| {fault} | {count} | {WHY[fault]} |" for fault, count in classes.most_common()]
    lines += ["", "The commonest reasons, as our log tells them:", "", "| reason | messages |"]
    lines.append("|---|---|")
    for (fault, reason), count in Counter(refusals).most_common(20):
        lines.append(f"| {fault}: {reason} | {count} |")
    return lines


def ours_alone(results: Iterable[Comparison]) -> str:
    """What we accept and one oracle does not, which the other makes good."""
    alone = Counter(one.accepted_by for one in results if one.accepted)
    parts = [f"{count} with {' and '.join(by) or 'neither'}" for by, count in alone.most_common()]
    return ", ".join(parts)


def main() -> int:
    """Compare; 0 where nothing was wrong and the goals were reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    began = time.monotonic()
    results = compared(given.first, given.messages, cores)
    took = time.monotonic() - began
    wrong = [one for one in results if one.wrong is not None]
    share = sum(bool(one.accepted_by) for one in results) / len(results)
    passed = not wrong and len(results) >= GOAL_MESSAGES and share >= GOAL_SHARE
    libraries = ", ".join(f"{name} {version(name)}" for name in ("xmlsec", "signxml", "lxml"))
    text = [
        "# Differential test of the verifier",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {libraries}, "
        f"{cores} cores, {took:.0f} s; `bench/soak/differential.py`,",
        f"seeds {given.first} to {given.first + given.messages - 1}. Messages signed by xmlsec, "
        "laid out, moved and respelled by eleven families of mutations.",
        "",
        *table(results),
        "",
        f"An oracle accepts {share:.0%} of them (goal: at least {GOAL_SHARE:.0%}). Of those that "
        f"we accept: {ours_alone(results)}.",
        "Wrong would be: accepted by us and refused by both; or served what an oracle that accepts "
        "does not call signed, or of another time (goal: 0).",
        "",
        "## Refused by us, accepted by an oracle",
        "",
        *stricter(results),
        "",
        "Passed." if passed else f"FAILED: {[(one.seed, one.wrong) for one in wrong][:10]}",
        "",
    ]
    write(RESULT, "\n".join(text))
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
