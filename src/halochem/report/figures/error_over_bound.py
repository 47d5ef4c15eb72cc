"""Errors of the latents and of their peers over the Cramér-Rao bound, against Teff and [Fe/H]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate import compare, metrics
from halochem.evaluate.comparison import METHODS
from halochem.evaluate.definition import ABUNDANCES
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "error_over_bound"

MAX_BINS, MIN_IN_BIN = 10, 25
# method -> colour, dash, marker: told apart in grey, too
LOOKS = {
    "linear": (style.BLUE, "-", "o"),
    "calibrated": (style.SKY, "--", "o"),
    "cannon": (style.ORANGE, "--", "s"),
    "cannon_all": (style.VERMILION, "-", "s"),
    "network": (style.GREEN, "-", "D"),
}
AXES = {"teff": r"$T_\mathrm{eff}$ [K]", "feh": "[Fe/H]"}


def caption(stars: pd.DataFrame) -> str:
    """What the figure shows."""
    what = (
        "divided by the star’s Cramér-Rao bound, all five labels free: 1 (black) is what no unbiased measurement can "
        "undercut. A peer told the abundances of its training stars can: it knows how they are distributed"
        if has_bounds(stars)
        else "in dex; for these spectra there is no bound"
    )
    return (
        f"Errors of {len(stars)} test stars in bins of equal numbers, 1.4826 times the median of the absolute error, "
        f"{what}. Bands: one standard error. Latents are turned into abundances by a straight line through all "
        "training stars, or as in the table by one through a few labelled stars; The Cannon and the supervised network "
        "are trained on the labels of training stars."
    )


def assemble(table: pd.DataFrame, bounds: pd.DataFrame | None, peers: pd.DataFrame | None) -> pd.DataFrame:
    """`stars` of `draw`: the test stars of a product table with latents and true labels.

    `bounds` and `peers` as `halochem evaluate` writes them, or None.
    """
    known = table["z_m"].notna() & table[[f"{label}_true" for label in ("teff", *ABUNDANCES)]].notna().all(axis=1)
    train, test = (table[known & (table["split"] == part)] for part in ("train", "test"))
    beside = [
        None if frame is None else frame.set_index("star_id").reindex(test["star_id"]) for frame in (bounds, peers)
    ]
    columns = {"teff": test["teff_true"].to_numpy(float), "feh": test["feh_true"].to_numpy(float)}
    for label in ABUNDANCES:
        name = f"crb_{label}"
        columns[name] = np.full(len(test), np.nan) if beside[0] is None else beside[0][name].to_numpy(float)
    for method, by_label in compare.errors(train, test, beside[1]).items():
        columns |= {f"{method}_{label}": error for label, error in by_label.items()}
    return pd.DataFrame(columns)


def has_bounds(stars: pd.DataFrame) -> bool:
    """Whether any star has one."""
    return bool(np.isfinite(stars["crb_feh"].to_numpy(float)).any())


def draw(stars: pd.DataFrame) -> Figure:
    """The figure. `stars`: teff and feh, true; for each abundance crb_{label} and {method}_{label}, the error [dex]."""
    from matplotlib.ticker import MultipleLocator

    figure = style.new_figure(style.PAGE, 6.3)
    panels = figure.subplots(len(ABUNDANCES), len(AXES), sharex="col", sharey="row")
    over = has_bounds(stars)
    for row, (label, title) in zip(panels, ABUNDANCES.items(), strict=True):
        for axes, (name, x_title) in zip(row, AXES.items(), strict=True):
            _panel(axes, stars, name, label, over)
            if label == list(ABUNDANCES)[-1]:
                axes.set_xlabel(x_title)
                axes.xaxis.set_major_locator(MultipleLocator(1000 if name == "teff" else 0.5))
        row[0].set_ylabel(f"error of {title}" + (" / bound" if over else " [dex]"))
    for axes, letter in zip(panels.flat, "abcdef", strict=True):
        axes.set_title(f"({letter})", loc="left", fontweight="bold")
    figure.legend(handles=_handles(stars, over), loc="outside lower center", ncols=3)
    return figure


def _panel(axes: Axes, stars: pd.DataFrame, name: str, label: str, over: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    drawn = False
    for method in METHODS:
        error = np.abs(stars[f"{method}_{label}"].to_numpy(float))
        if over:
            error = error / stars[f"crb_{label}"].to_numpy(float)
        x, y, half = binned(stars[name].to_numpy(float), error)
        colour, dash, marker = LOOKS[method]
        if len(x):
            drawn = True
            axes.fill_between(x, np.maximum(y - half, 0.05 * y), y + half, color=colour, alpha=0.18, linewidth=0)
            axes.plot(x, y, color=colour, ls=dash, marker=marker, ms=2.8, lw=1.0, zorder=3)
    if over:
        axes.axhline(1.0, color=style.BLACK, lw=1.2, zorder=2)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color=style.LIGHT, lw=0.4)
    axes.set_axisbelow(True)
    if not drawn:
        axes.text(0.5, 0.5, "not enough stars", transform=axes.transAxes, ha="center", color=style.GREY)


def binned(x: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median x, 1.4826 x median error and its standard error in bins of equal numbers; none below MIN_IN_BIN stars."""
    good = np.isfinite(x) & np.isfinite(error)
    x, error = x[good], error[good]
    count = min(MAX_BINS, len(x) // MIN_IN_BIN)
    if count == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    groups = np.array_split(np.argsort(x, kind="stable"), count)
    centre = np.array([np.median(x[rows]) for rows in groups])
    value = metrics.MAD_TO_SIGMA * np.array([np.median(error[rows]) for rows in groups])
    return centre, value, value / np.sqrt(2 * 0.37 * np.array([len(rows) for rows in groups]))


def _handles(stars: pd.DataFrame, over: bool) -> list:
    from matplotlib.lines import Line2D

    handles = []
    for method, title in METHODS.items():
        if np.isfinite(stars[f"{method}_feh"].to_numpy(float)).any():
            colour, dash, marker = LOOKS[method]
            handles.append(Line2D([], [], color=colour, ls=dash, marker=marker, ms=2.8, lw=1.0, label=title))
    if over:
        handles.append(Line2D([], [], color=style.BLACK, lw=1.2, label="Cramér-Rao bound"))
    return handles
