"""The emulator's errors as figures: over Teff and [Fe/H], over wavelength, and a few spectra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from halochem.files import atomic
from halochem.synthesize.emulator.check import ABUNDANCES, TARGETS, Errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE = 7.09  # inches, the width of an A&A page
TEFF_EDGES = np.linspace(3000, 7000, 9)
FEH_EDGES = np.array([-3.1, -2.4, -2.0, -1.6, -1.2, -0.8, -0.4, 0.2])
TITLES = {"feh": "|Δ[Fe/H]|", "c_fe": "|Δ[C/Fe]|", "alpha_fe": "|Δ[α/Fe]|"}
DARK, BLUE, ORANGE, RED = "#222222", "#0072B2", "#E69F00", "#D55E00"
_STYLE = {
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "axes.formatter.use_mathtext": True,
}


def draw_map(errors: Errors) -> Figure:
    """Median error of flux and of each abundance in cells of Teff and [Fe/H], the stars as dots."""
    from matplotlib.colors import LogNorm

    off = errors.label_errors.abs()
    panels = [("rms of the flux", errors.rms, TARGETS["rms_median"])]
    panels += [(f"{TITLES[name]} (dex)", off[name].to_numpy(), TARGETS["label_median"]) for name in ABUNDANCES]
    figure = _figure(PAGE, 2.25)
    for axes, (title, values, target) in zip(figure.subplots(1, 4, sharey=True), panels, strict=True):
        # White is the target: below it blue, above it red.
        norm = LogNorm(target / 8, target * 8)
        teff, feh = errors.labels["teff"].to_numpy(), errors.labels["feh"].to_numpy()
        cells = _medians(teff, feh, values)
        axes.pcolormesh(TEFF_EDGES, FEH_EDGES, cells.T, cmap="RdBu_r", norm=norm, alpha=0.75, lw=0, rasterized=True)
        shade = axes.scatter(teff, feh, c=values, s=5, cmap="RdBu_r", norm=norm, lw=0.25, edgecolors=DARK)
        ticks = [target / 8, target / 4, target / 2, target, target * 2, target * 4, target * 8]
        bar = figure.colorbar(shade, ax=axes, location="top", pad=0.02, aspect=18, ticks=ticks[::3])
        bar.ax.set_xticklabels([f"{tick:.2g}" for tick in ticks[::3]])
        bar.ax.minorticks_off()
        bar.set_label(title)
        axes.set(xlabel="$T_{\\rm eff}$ (K)", xlim=(7000, 3000), ylim=FEH_EDGES[[0, -1]], xticks=[6500, 5000, 3500])
    figure.axes[0].set_ylabel("[Fe/H]")
    return figure


def draw_wavelength(errors: Errors) -> Figure:
    """Error of each pixel: rms and 95th percentile over the stars, cool and hot ones apart."""
    cool = errors.labels["teff"].to_numpy() < 4500
    figure = _figure(PAGE, 2.4)
    axes = figure.subplots()
    for chosen, colour, name in ((cool, RED, "below 4500 K"), (~cool, BLUE, "above 4500 K")):
        if chosen.any():
            size = np.abs(errors.residual[chosen])
            label = f"{chosen.sum()} stars {name}"
            axes.semilogy(errors.wavelength, np.median(size, axis=0), color=colour, lw=0.5, label=f"median, {label}")
            axes.semilogy(errors.wavelength, np.quantile(size, 0.95, axis=0), color=colour, lw=0.5, alpha=0.35)
    axes.axhline(TARGETS["rms_median"], color=DARK, lw=0.6, ls=":")
    axes.annotate(
        "0.002", (errors.wavelength[-1], TARGETS["rms_median"]), (2, 0), textcoords="offset points", va="center"
    )
    axes.set(xlabel="wavelength (Å, air)", ylabel="|emulator − direct|", xlim=errors.wavelength[[0, -1]])
    axes.legend(loc="upper right", ncols=2, title="pale: 95th percentile", title_fontsize=6.5)
    return figure


def draw_stars(errors: Errors, direct: np.ndarray) -> Figure:
    """Direct spectra (n, p) and residuals of the stars at the 5th, 50th, 95th percentile of rms."""
    order = np.argsort(errors.rms)
    ranks = {"5th percentile": 0.05, "median": 0.5, "95th percentile": 0.95}
    figure = _figure(PAGE, 4.2)
    for axes, (name, rank) in zip(figure.subplots(len(ranks), 1, sharex=True), ranks.items(), strict=True):
        star = order[int(rank * (len(order) - 1))]
        axes.plot(errors.wavelength, direct[star], color=DARK, lw=0.5)
        axes.plot(errors.wavelength, 10 * errors.residual[star] - 0.25, color=ORANGE, lw=0.5)
        axes.axhline(-0.25, color=DARK, lw=0.4, ls=":")
        axes.set(ylim=(-0.5, 1.08), ylabel="flux / continuum", xlim=errors.wavelength[[0, -1]])
        axes.set_title(_caption(errors, star, name), loc="left", pad=3)
    axes.set_xlabel("wavelength (Å, air)")
    _annotate_residual(figure.axes[0])
    return figure


def _annotate_residual(axes: Axes) -> None:
    axes.annotate(
        "10 × (emulator − direct) − 0.25",
        (0.995, 0.05),
        xycoords="axes fraction",
        ha="right",
        color=ORANGE,
        fontsize=6.5,
    )


def _caption(errors: Errors, star: int, name: str) -> str:
    v = errors.labels.iloc[star]
    return (
        f"{name}: rms {errors.rms[star]:.4f}   {v.teff:.0f} K, log g {v.logg:.2f}, [Fe/H] {v.feh:.2f}, "
        f"[C/Fe] {v.c_fe:.2f}, [α/Fe] {v.alpha_fe:.2f}".replace("-", "−")
    )


def _medians(x: np.ndarray, y: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Median of `values` in each cell of TEFF_EDGES and FEH_EDGES; NaN where there are fewer than three stars."""
    result = np.full((len(TEFF_EDGES) - 1, len(FEH_EDGES) - 1), np.nan)
    column, row = np.digitize(x, TEFF_EDGES) - 1, np.digitize(y, FEH_EDGES) - 1
    for i, j in np.ndindex(result.shape):
        inside = (column == i) & (row == j)
        if inside.sum() >= 3:
            result[i, j] = np.median(values[inside])
    return result


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_all(errors: Errors, direct: np.ndarray, folder: Path) -> list[Path]:
    """emulator-map.png, emulator-wavelength.png, emulator-stars.png in `folder`."""
    from matplotlib import rc_context

    paths = []
    with rc_context(_STYLE):
        figures = {"map": draw_map(errors), "wavelength": draw_wavelength(errors), "stars": draw_stars(errors, direct)}
        for name, figure in figures.items():
            path = folder / f"emulator-{name}.png"
            with atomic(path) as temporary:
                figure.savefig(temporary, format="png", dpi=250, metadata={"Software": None})
            paths.append(path)
    return paths
