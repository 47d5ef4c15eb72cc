"""Fig. 5 of the paper: the flagged stars among the others, by their true abundances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate.classes import CLASSES, true_labels
from halochem.evaluate.definition import FLAG_SETS
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig5_flags"

# across: abundance, class, its cut and the side of it
_PANELS = (("c_fe", "cemp", 0.7, +1), ("alpha_fe", "alpha_pmp", 0.0, -1))


def caption(n: int) -> str:
    """What the figure shows."""
    return (
        f"The {n} test stars by their true abundances (Fig. 5 of the paper). Orange: flagged as CEMP (left) or αPMP "
        "(right), by the published cuts (above) and by the cut in probability (below); blue: not flagged. The class "
        "itself is shaded. P: precision, R: recall."
    )


def draw(test: pd.DataFrame) -> Figure:
    """The figure. `test`: test stars of a product table with latents and true abundances."""
    figure = style.new_figure(style.PAGE, 5.2)
    panels = figure.subplots(2, 2, sharex=True, sharey="col")
    labels = true_labels(test)
    letters = iter("abcd")
    for row, (suffix, how) in zip(panels, FLAG_SETS.values(), strict=True):
        for axes, (name, class_name, cut, side) in zip(row, _PANELS, strict=True):
            flagged = test[f"flag_{class_name}{suffix}"].to_numpy(bool)
            member = CLASSES[class_name].member(labels)
            _stars(axes, labels["feh"].to_numpy(), labels[name].to_numpy(), flagged)
            _shade(axes, cut, side)
            title = CLASSES[class_name].title
            axes.set_title(f"({next(letters)}) {title}, {how}", loc="left", fontweight="bold", fontsize=7)
            axes.set_title(_scores(flagged, member), loc="right", color=style.VERMILION, fontsize=6.5)
            axes.set_ylabel(style.AXIS_TITLES[name])
    for axes in panels[-1]:
        axes.set_xlabel(style.AXIS_TITLES["feh"])
    return figure


def _stars(axes: Axes, feh: np.ndarray, y: np.ndarray, flagged: np.ndarray) -> None:
    size = 8 if len(feh) < 1000 else 1.5
    for chosen, colour, size_of, order in ((~flagged, style.BLUE, size, 2), (flagged, style.VERMILION, 2 * size, 3)):
        alpha = 0.35 if len(feh) > 1000 and order == 2 else 0.8
        axes.scatter(
            *(feh[chosen], y[chosen]), s=size_of, color=colour, alpha=alpha, linewidths=0, rasterized=True, zorder=order
        )
    axes.margins(0.04)


def _shade(axes: Axes, cut: float, side: int) -> None:
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    left, right, low, high = min(left, -1.3), max(right, -0.7), min(low, cut - 0.15), max(high, cut + 0.15)
    axes.fill_between([left, -1], cut, high if side > 0 else low, color=style.VERMILION, alpha=0.13, lw=0, zorder=0)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def _scores(flagged: np.ndarray, member: np.ndarray) -> str:
    found = int((flagged & member).sum())
    precision = f"{found / flagged.sum():.2f}" if flagged.any() else "–"
    recall = f"{found / member.sum():.2f}" if member.any() else "–"
    return f"P {precision}, R {recall}, {flagged.sum()} flagged"
