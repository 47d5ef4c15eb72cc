"""Fig. 4 of the paper: each latent against its abundance, with straight lines in three bins of Teff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate import metrics
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig4_latents"

# The paper's bins [K], a colour and a dash for each (so that colour is not needed to tell them apart)
TEFF_BINS = (
    (-np.inf, 4000, "Teff ≤ 4000 K", style.BLUE, "-"),
    (4000, 5000, "4000-5000 K", style.ORANGE, "--"),
    (5000, np.inf, "> 5000 K", style.VERMILION, ":"),
)
PANELS = (("z_m", "feh"), ("z_alpha", "alpha_fe"), ("z_c", "c_fe"))
MIN_FOR_LINE = 5
MIN_FOR_CONTOURS = 300


def caption(n_test: int) -> str:
    """What the figure shows."""
    contours = "; contours of their density (10, 30, 50, 70, 90 % of the stars inside)"
    return (
        f"Latents (posterior means) of the {n_test} test stars against their true abundances (Fig. 4 of "
        f"the paper){contours if n_test >= MIN_FOR_CONTOURS else ''}. Straight lines: least-squares fits in "
        f"three bins of effective temperature, each drawn where it has at least {MIN_FOR_LINE} stars. r is "
        "Pearson’s."
    )


def draw(test: pd.DataFrame) -> Figure:
    """The figure; `test` has z_*, the true abundances [dex] and teff_true [K], one row a test star."""
    figure = style.new_figure(style.PAGE, 2.75)
    for axes, letter, (z, label) in zip(figure.subplots(1, 3), "abc", PANELS, strict=True):
        x, y, teff = (test[name].to_numpy(float) for name in (f"{label}_true", z, "teff_true"))
        good = np.isfinite(x) & np.isfinite(y) & np.isfinite(teff)
        x, y, teff = x[good], y[good], teff[good]
        _points(axes, x, y)
        handles = _lines(axes, x, y, teff)
        axes.set_xlabel(style.AXIS_TITLES[label])
        axes.set_ylabel(style.AXIS_TITLES[z])
        axes.set_box_aspect(1)
        axes.margins(0.06)
        r = metrics.correlation(x, y)
        shown = "not enough stars" if r.value is None else f"r = {r.detail['signed']:.2f}".replace("-", "−")
        axes.set_title(f"({letter})", loc="left", fontweight="bold")
        axes.set_title(f"{shown}, n = {r.n}", loc="right")
        if letter == "a":
            figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    many = len(x) >= MIN_FOR_CONTOURS
    axes.scatter(
        x,
        y,
        s=10 if not many else 3 if len(x) < 3000 else 1,
        color=style.GREY,
        alpha=0.35 if many else 0.7,
        linewidths=0,
        rasterized=True,
    )
    if many:
        _contours(axes, x, y)


def _contours(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    from scipy.ndimage import gaussian_filter

    # A smoothed histogram: a kernel estimate of 12 000 points takes seconds, and looks the same.
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=64, range=[_range(x), _range(y)])
    density = gaussian_filter(counts, 2.0 if len(x) > 3000 else 3.5)
    ordered = np.sort(density.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = sorted({float(ordered[np.searchsorted(inside, share)]) for share in (0.9, 0.7, 0.5, 0.3, 0.1)})
    centres = [(edges[1:] + edges[:-1]) / 2 for edges in (x_edges, y_edges)]
    axes.contour(*centres, density.T, levels=levels, cmap="viridis", linewidths=0.8)


def _range(values: np.ndarray) -> tuple[float, float]:
    margin = 0.1 * np.ptp(values)
    return float(values.min() - margin), float(values.max() + margin)


def _lines(axes: Axes, x: np.ndarray, y: np.ndarray, teff: np.ndarray) -> list:
    from matplotlib.lines import Line2D

    handles = []
    for low, high, title, colour, dash in TEFF_BINS:
        inside = (teff > low) & (teff <= high)
        fit = metrics.line(x[inside], y[inside]) if inside.sum() >= MIN_FOR_LINE else None
        if fit is not None:
            ends = np.array([x[inside].min(), x[inside].max()])
            if len(x) >= MIN_FOR_CONTOURS:  # a rim, so that the line stands out from a crowd of points
                axes.plot(ends, fit[0] * ends + fit[1], color="white", lw=2.6, zorder=3)
            axes.plot(ends, fit[0] * ends + fit[1], color=colour, ls=dash, lw=1.6, zorder=4)
        label = f"{title} (n = {inside.sum()}{'' if fit else ', no line'})"
        handles.append(Line2D([], [], color=colour, ls=dash, lw=1.6, label=label))
    return handles
