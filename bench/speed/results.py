"""What `make bench` found, kept as JSON beside the report that people read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from audit_cost import Cost
from growth import Point
from over_http import Row, Waiting
from stages import Inside

FOLDER = Path(__file__).parents[1] / "results"
KEPT = FOLDER / "bench.json"


@dataclass(frozen=True, slots=True)
class Results:
    """All of it, by the parts of the benchmark; ``took``: minutes."""

    date: str
    machine: dict[str, str]
    inside: list[Inside]
    http: list[Row]
    waiting: Waiting
    growth: list[Point]
    audit: list[Cost]
    took: float


def keep(results: Results) -> None:
    """Write it for `make bench-check`, and for whoever wants to count for himself."""
    told = asdict(results)
    told["ratios"] = {one.key: one.ratio for one in results.inside}
    KEPT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def kept_ratios() -> dict[str, float]:
    """By kind of key: how many times the floor a request took, in process."""
    if not KEPT.exists():
        raise SystemExit(f"{KEPT} is not there: run make bench first")
    ratios: dict[str, float] = json.loads(KEPT.read_text(encoding="utf-8"))["ratios"]
    return ratios
