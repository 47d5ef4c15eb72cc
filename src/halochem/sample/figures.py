"""The densities as a figure: Fig. 2 of Signor et al. 2025, with stars drawn from r."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.sample.density import ALPHA_POOR, CARBON_ENHANCED, METAL_POOR, AbundanceDensity, GridDensity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENCLOSED = (0.4, 0.75, 0.95)  # share of the probability inside each contour
MAX_POINTS = 1500  # stars shown: enough for the tails, few enough to see the density
STAR, REGION = "#ff3b5c", "#ffffff"


def draw_densities(density: AbundanceDensity, labels: pd.DataFrame) -> Figure:
    """p and q (shade: lighter is higher; contours enclose ENCLOSED of each) under stars drawn from r.

    labels: columns feh, c_fe, alpha_fe [dex]; the first MAX_POINTS rows are shown.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style = {"font.size": 9, "axes.linewidth": 0.8, "xtick.direction": "in", "ytick.direction": "in"}
    with rc_context(style | {"xtick.top": True, "ytick.right": True, "mathtext.default": "regular"}):
        figure = Figure(figsize=(7.1, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        stars = labels.head(MAX_POINTS)
        shade = _panel(left, density.p, stars["feh"], stars["c_fe"])
        _panel(right, density.q, stars["feh"], stars["alpha_fe"])
        left.set(title="p([Fe/H], [C/Fe])", xlabel="[Fe/H]", ylabel="[C/Fe]")
        right.set(title="q([Fe/H], [α/Fe])", xlabel="[Fe/H]", ylabel="[α/Fe]")
        _mark_region(left, CARBON_ENHANCED, above=True, text="CEMP")
        _mark_region(right, ALPHA_POOR, above=False, text="αPMP")
        left.legend(
            loc="upper right",
            fontsize=7.5,
            markerscale=2.5,
            handletextpad=0.1,
            labelcolor="white",
            frameon=False,
        )
        bar = figure.colorbar(shade, ax=[left, right], pad=0.015, aspect=30)
        bar.set_label("density / its maximum")
        bar.set_ticks([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
    return figure


def save(figure: Figure, path: Path | str) -> None:
    """Write the figure, whole or not at all; the ending of the name says the kind."""
    from halochem.files import atomic

    path = Path(path)
    with atomic(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".").lower(), dpi=200)


def enclosing_levels(grid: GridDensity, shares: tuple[float, ...] = ENCLOSED) -> np.ndarray:
    """The densities [1/dex²] above which lie these shares of the probability, ascending."""
    order = np.argsort(grid.density, axis=None)[::-1]
    inside = np.cumsum(grid.mass.ravel()[order])
    at = np.minimum(np.searchsorted(inside, sorted(shares, reverse=True)), len(order) - 1)
    return grid.density.ravel()[order][at]


def _panel(axes: Axes, grid: GridDensity, feh: pd.Series, y: pd.Series):
    from matplotlib.colors import PowerNorm

    relative = grid.density / grid.density.max()
    shade = axes.pcolormesh(
        grid.feh_edges,
        grid.y_edges,
        relative.T,
        cmap="viridis",
        norm=PowerNorm(0.5, vmin=0, vmax=1),  # a linear shade would hide the tails
        rasterized=True,
    )
    centre = [(edges[1:] + edges[:-1]) / 2 for edges in (grid.feh_edges, grid.y_edges)]
    levels = np.unique(enclosing_levels(grid)) / grid.density.max()
    lines = ["#d8d8d8" if level < 0.35 else "#202020" for level in levels]  # light on dark, dark on light
    axes.plot(feh, y, ".", color=STAR, ms=2.0, mew=0, alpha=0.9, rasterized=True, label="drawn from r")
    axes.contour(*centre, relative.T, levels=levels, colors=lines, linewidths=0.8)
    axes.set(xlim=grid.feh_edges[[0, -1]], ylim=grid.y_edges[[0, -1]])
    return shade


def _mark_region(axes: Axes, bound: float, above: bool, text: str) -> None:
    """Outline a class region: metal-poor, and above or below `bound`."""
    far = axes.get_ylim()[1 if above else 0]
    left = axes.get_xlim()[0]
    axes.plot([METAL_POOR, METAL_POOR, left], [far, bound, bound], "--", color=REGION, lw=1.3)
    axes.annotate(
        text,
        (left, far),
        (6, -6 if above else 6),
        textcoords="offset points",
        va="top" if above else "bottom",
        color=REGION,
        weight="bold",
    )
