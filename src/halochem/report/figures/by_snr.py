"""Fig. 6 of the paper: residuals of the abundances against S/N; and the reconstruction error, beside the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate import by_snr, compare, metrics
from halochem.evaluate.definition import ABUNDANCES
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig6_snr"
MIN_IN_BIN = 5
MAX_POINTS = 12_000
BARS = {"fmt": "o", "ms": 3.5, "lw": 1.2, "capsize": 2.5, "zorder": 4}


def caption(stars: pd.DataFrame) -> str:
    """What the figure shows."""
    limit = (
        ", thin green lines the standard deviation of the best estimate that the noise allows"
        if np.isfinite(stars["best_feh"]).any()
        else ""
    )
    return (
        f"Errors of {len(stars)} test stars against their S/N (Fig. 6 of the paper). (a) to (c): abundance by a "
        "straight line through the training stars’ latent, minus the true one; orange: mean and standard deviation in "
        f"bins of width 10 from 15 to 85{limit}; r is Pearson’s, of residual and S/N. (d) Relative L² error against "
        "the flux without noise, and what the noise itself amounts to: medians in the same bins, and the range of the "
        "middle 68 % of the stars."
    )


def assemble(table: pd.DataFrame, bounds: pd.DataFrame | None) -> pd.DataFrame:
    """`stars` of `draw`: the test stars of a product table with latents, S/N and true labels."""
    known = table[["z_m", "snr", *(f"{label}_true" for label in ABUNDANCES)]].notna().all(axis=1)
    train, test = (table[known & (table["split"] == part)] for part in ("train", "test"))
    residual = compare.errors(train, test, None)["linear"]
    columns = {"snr": test["snr"].to_numpy(float), "error": np.sqrt(test["rel_l2_error_clean"].to_numpy(float))}
    columns["noise"] = by_snr.noise_l2(test)
    beside = None if bounds is None else bounds.set_index("star_id").reindex(test["star_id"])
    for label in ABUNDANCES:
        columns[label] = residual[label]
        none = np.full(len(test), np.nan)
        best = none if beside is None else beside[f"best_{label}"].to_numpy(float)
        columns[f"best_{label}"] = best - test[f"{label}_true"].to_numpy(float)
    return pd.DataFrame(columns)


def draw(stars: pd.DataFrame) -> Figure:
    """The figure. `stars`: snr, the residuals feh, alpha_fe, c_fe and best_* [dex], error and noise."""
    figure = style.new_figure(style.PAGE, 4.4)
    panels = figure.subplots(2, 2, sharex=True).ravel()
    for axes, letter, label in zip(panels, "abc", ("feh", "alpha_fe", "c_fe"), strict=False):
        _residuals(axes, stars, label)
        axes.set_title(f"({letter})", loc="left", fontweight="bold")
        r = metrics.correlation(stars[label], stars["snr"])
        if r.value is not None:
            axes.set_title(f"r = {r.detail['signed']:z.2f}".replace("-", "−"), loc="right")
    _reconstruction(panels[3], stars)
    panels[3].set_title("(d)", loc="left", fontweight="bold")
    for axes in panels:
        axes.set_xlim(by_snr.SNR_EDGES[0] - 2, by_snr.SNR_EDGES[-1] + 2)
    for axes in panels[2:]:
        axes.set_xlabel("S/N")
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str) -> None:
    step = -(-len(x) // MAX_POINTS)
    size = 1 if len(x) > 2000 else 5
    axes.scatter(x[::step], y[::step], s=size, color=colour, alpha=0.3, linewidths=0, rasterized=True, label=label)


def _groups(stars: pd.DataFrame, name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Middle of each bin with enough stars, and their values."""
    found = []
    for each in by_snr.SNR_BINS.values():
        values = stars.loc[each.holds(stars["snr"].to_numpy()), name].dropna().to_numpy(float)
        if len(values) >= MIN_IN_BIN:
            found.append(((each.low + each.high) / 2, values))
    return np.array([x for x, _ in found]), [values for _, values in found]


def _binned(stars: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle of each bin with enough stars, mean and standard deviation there."""
    x, groups = _groups(stars, name)
    return x, np.array([values.mean() for values in groups]), np.array([values.std(ddof=1) for values in groups])


def _residuals(axes: Axes, stars: pd.DataFrame, label: str) -> None:
    _points(axes, stars["snr"].to_numpy(), stars[label].to_numpy(), style.GREY, "a star")
    axes.axhline(0, color=style.BLACK, lw=0.6)
    x, mean, scatter = _binned(stars, label)
    axes.errorbar(x, mean, scatter, color=style.VERMILION, label="mean ± std. dev.", **BARS)
    x, _, best = _binned(stars, f"best_{label}")
    for side in (-1, 1):
        axes.plot(x, side * best, color=style.GREEN, lw=1.0, label="limit, ± std. dev." if side > 0 else None, zorder=3)
    title = ABUNDANCES[label]
    axes.set_ylabel(f"residual of {title} [dex]")
    widest = np.nanquantile(np.abs(stars[label]), 0.998) if stars[label].notna().any() else 1.0
    axes.set_ylim(-1.25 * widest, 1.25 * widest)  # above the points, the legend
    if label == "feh":
        _legend(axes)


def _reconstruction(axes: Axes, stars: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    for name, colour, marker, title in (
        ("noise", style.BLACK, "s", "noise of the spectra"),
        ("error", style.VERMILION, "o", "reconstruction error"),
    ):
        if name == "error":
            _points(axes, stars["snr"].to_numpy(), stars[name].to_numpy(), style.GREY, "")
        x, groups = _groups(stars, name)
        low, middle, high = np.array([np.quantile(values, [0.16, 0.5, 0.84]) for values in groups]).reshape(-1, 3).T
        bars = [middle - low, high - middle]
        axes.errorbar(x, middle, bars, color=colour, label=title, **(BARS | {"fmt": marker}))
    axes.set_ylabel("relative L² error")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper right", ncols=3, handlelength=1.4, columnspacing=1.0, markerscale=1.5)
