"""The plots of the report."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from growth import Point
from over_http import FEW
from results import FOLDER, Results
from rounds import median
from stages import Inside

mpl.use("Agg")

from matplotlib import pyplot as plt

PEERS = {"gSOAP (C)": 3.8, "PHP": 20.0, "JAX-WS (JVM)": 36.0, "node": 75.0}
"""CPU per request in signatures (issue 5); of a range the middle."""


def draw(results: Results) -> None:
    """Write all of them beside the report."""
    _peers(results)
    _stages(results.inside)
    _growth(results.growth)


def _peers(results: Results) -> None:
    ours = {
        f"ours, {row.database}": median(row.rounds, lambda r: r.signatures + r.database_signatures)
        for row in results.http
        if (row.workers, row.connections) == (1, FEW)
    }
    bars = PEERS | ours
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    colours = ["tab:blue" if name in ours else "tab:grey" for name in bars]
    shown = axes.barh(list(bars), list(bars.values()), color=colours)
    axes.bar_label(shown, fmt="%.1f", padding=3)
    axes.set(xscale="log", xlabel="CPU per request over HTTP, in RSA-2048 signatures")
    axes.invert_yaxis()
    figure.savefig(FOLDER / "bench-peers.png", dpi=120)
    plt.close(figure)


def _stages(found: Sequence[Inside]) -> None:
    figure, axes = plt.subplots(figsize=(10, 3.5), layout="constrained")
    colours = mpl.colormaps["tab20"]
    for number, name in enumerate(found[0].stages):
        left = [sum(list(one.stages.values())[:number]) for one in found]
        widths = [one.stages[name] for one in found]
        keys = [one.key for one in found]
        axes.barh(keys, widths, left=left, label=name, color=colours(number))
    floors = [f"floor, {one.key}" for one in found]
    axes.barh(floors, [one.floor for one in found], color="black")
    axes.set(xlabel="CPU in process, in RSA-2048 signatures")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize="small")
    figure.savefig(FOLDER / "bench-stages.png", dpi=120)
    plt.close(figure)


def _growth(points: Sequence[Point]) -> None:
    titles = (
        ("files in the reply", ("files",)),
        ("sources asked", ("embedded", "remote")),
        ("persons in the register", ("persons",)),
    )
    figure, all_axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for axes, (title, groups) in zip(all_axes, titles, strict=True):
        for group in groups:
            own = [point for point in points if point.group == group]
            axes.plot([p.x for p in own], [p.signatures for p in own], marker="o", label=group)
        axes.set(xlabel=title, ylim=(0, None))
        if len(groups) > 1:
            axes.legend()
    all_axes[0].set(ylabel="CPU in signatures")
    all_axes[2].set(xscale="log")
    figure.savefig(FOLDER / "bench-growth.png", dpi=120)
    plt.close(figure)
