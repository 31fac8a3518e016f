"""The guard (issue 5): whether a request has become dearer since the result that is kept.

    make bench-check

Measures how many times the floor a request takes, block by block, both by turns, and fails where it
is surely more than 15% above the kept ratio: where the lower end of the interval in which the
median lies, 99 times of 100, is above that. While the interval is too wide to tell, it goes on.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import house
import world
from results import kept_ratios
from stages import measure_inside

LOSS = 0.15
BLOCKS, TRIES = 20, 4
_CONFIDENCE = 2.576


def main() -> int:
    """Exit 1 for a loss."""
    kept = kept_ratios()
    with tempfile.TemporaryDirectory(prefix="ksz-bench-") as name:
        own = house.build(Path(name) / "sqlite")
        losses = [
            _is_loss(own, world.RSA, kept),
            _is_loss(house.with_p256(own), world.P256, kept),
        ]
    return 1 if any(losses) else 0


def _is_loss(own: house.House, caller: world.Caller, kept: dict[str, float]) -> bool:
    ratios: list[float] = []
    for _ in range(TRIES):
        found = measure_inside(own, caller, BLOCKS)
        ratios += found.ratios
        low, high = interval(ratios)
        bound = kept[found.key] * (1 + LOSS)
        if not low <= bound <= high:
            break
    lost = low > bound
    print(
        f"{found.key}: {statistics.median(ratios):.2f} times the floor ({low:.2f} to {high:.2f}), "
        f"kept {kept[found.key]:.2f}, bound {bound:.2f}: {'LOST' if lost else 'held'}"
    )
    return lost


def interval(values: list[float]) -> tuple[float, float]:
    """Where the median lies 99 times of 100, by the order of the values alone."""
    ordered, half = sorted(values), _CONFIDENCE * len(values) ** 0.5 / 2
    middle = len(ordered) / 2
    low, high = int(middle - half), int(middle + half + 0.5)
    return ordered[max(low - 1, 0)], ordered[min(high, len(ordered) - 1)]


if __name__ == "__main__":
    raise SystemExit(main())
