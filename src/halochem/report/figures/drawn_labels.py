"""Fig. 2 of the paper, for the stars drawn: [C/Fe] and [α/Fe] against [Fe/H], with the classes' bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate.classes import CLASSES
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig2_labels"

# Fewer stars fill too few bins for a density: each star is a point instead.
MIN_FOR_DENSITY = 1000

# the class in each panel: [Fe/H] < -1 and y beyond the cut
_PANELS = (("c_fe", "cemp", 0.7, +1), ("alpha_fe", "alpha_pmp", 0.0, -1))


def caption(labels: pd.DataFrame) -> str:
    """What the figure shows."""
    many = len(labels) >= MIN_FOR_DENSITY
    how = "Shades give stars per bin, on a logarithmic scale" if many else "One point a star"
    return (
        f"Abundances of the {len(labels)} stars, [C/Fe] and [α/Fe] against [Fe/H] (Fig. 2 of the paper). "
        f"{how}; the dashed lines bound the CEMP and the αPMP class, with the number of stars in each."
    )


def draw(labels: pd.DataFrame) -> Figure:
    """The figure; `labels` has the true feh, c_fe, alpha_fe [dex], one row a star."""
    figure = style.new_figure(style.PAGE, 2.75)
    panels = figure.subplots(1, 2)
    for axes, letter, (name, class_name, cut, side) in zip(panels, "ab", _PANELS, strict=True):
        _stars(figure, axes, labels["feh"].to_numpy(), labels[name].to_numpy())
        _class_bounds(axes, labels, class_name, cut, side)
        axes.set_xlabel(style.AXIS_TITLES["feh"])
        axes.set_ylabel(style.AXIS_TITLES[name])
        axes.set_title(f"({letter})", loc="left", fontweight="bold")
    return figure


def _stars(figure: Figure, axes: Axes, feh: np.ndarray, y: np.ndarray) -> None:
    from matplotlib.colors import LogNorm

    good = np.isfinite(feh) & np.isfinite(y)
    feh, y = feh[good], y[good]
    if len(feh) >= MIN_FOR_DENSITY:
        bins = int(np.clip(np.sqrt(len(feh)) / 2, 25, 100))
        *_, image = axes.hist2d(feh, y, bins=bins, norm=LogNorm(), cmap=style.DENSITY_MAP, cmin=1, rasterized=True)
        bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
        bar.set_label("stars per bin")
    else:
        axes.scatter(feh, y, s=9, color=style.BLUE, alpha=0.7, linewidths=0)
    axes.margins(0.06)


def _class_bounds(axes: Axes, labels: pd.DataFrame, class_name: str, cut: float, side: int) -> None:
    members = int(CLASSES[class_name].member(labels).sum())
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    left, right, low, high = min(left, -1.3), max(right, -0.7), min(low, cut - 0.15), max(high, cut + 0.15)
    end = high if side > 0 else low
    axes.plot([left, -1, -1], [cut, cut, end], ls="--", color=style.VERMILION, lw=1)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    # Beside the panel's letter, where no star can be hidden under it.
    share = members / max(len(labels), 1)
    axes.set_title(f"{CLASSES[class_name].title}: {members} ({share:.1%})", loc="right", color=style.VERMILION)
