"""Fig. 3 of the paper: a star of each class, its clean spectrum and the reconstruction, with residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from halochem.regions import Intervals
from halochem.report.examples import Example
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig3_reconstructions"
DETAIL_NAME = "fig3_reconstructions_detail"

# [Å]: Ca I 4226, the G band and iron; Mg b, C2 Swan and iron; the Ca triplet
DETAIL_WINDOWS = ((4150.0, 4420.0), (5020.0, 5350.0), (8400.0, 8690.0))

Window = tuple[float, float]


def caption(examples: list[Example], detail: bool = False) -> str:
    """What the figure shows."""
    what = "The stars of the figure before, in three windows" if detail else "Representative reconstructions"
    names = "; ".join(example.title for example in examples)
    return (
        f"{what} (Fig. 3 of the paper), from top to bottom: {names}. Flux before noise, and the "
        "reconstruction from the noisy spectrum, which exists in the decoders’ regions only (shaded); below "
        "each, reconstructed minus clean, with ±1 standard deviation of the noise dotted. Of each class the "
        "test star nearest 5500 K is shown."
    )


def detail_windows(wavelength: np.ndarray) -> list[Window]:
    """Those of DETAIL_WINDOWS that lie within the spectra."""
    return [w for w in DETAIL_WINDOWS if w[0] >= wavelength[0] and w[1] <= wavelength[-1]]


def draw(examples: list[Example], regions: dict[str, Intervals], windows: list[Window] | None = None) -> Figure:
    """The figure: a row a star, a column a window (None: the whole range). Regions in Å, by decoder."""
    wavelength = examples[0].wavelength
    windows = windows or [(float(wavelength[0]), float(wavelength[-1]))]
    height = 0.7 + 1.9 * len(examples)
    figure = style.new_figure(style.PAGE, height)
    # Set by hand: rows of equal height whose axes line up, which no automatic layout gives.
    figure.set_layout_engine("none")
    rows = figure.add_gridspec(
        len(examples), 1, left=0.085, right=0.985, top=1 - 0.42 / height, bottom=0.38 / height, hspace=0.27
    )
    for row, example in zip(rows, examples, strict=True):
        grid = row.subgridspec(2, len(windows), height_ratios=(3, 1.2), hspace=0.06, wspace=0.05)
        panels = grid.subplots(squeeze=False, sharex="col", sharey="row")
        _star(panels, example, regions, windows)
        panels[0, 0].annotate(
            _heading(example),
            (0, 1),
            xytext=(0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=6.2,
        )
    figure.supxlabel("wavelength in air [Å]", fontsize=7.5, y=0.06 / height)
    handles = _legend(regions)
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), handlelength=1.8, borderaxespad=0.2)
    return figure


def _heading(example: Example) -> str:
    v = example.labels
    text = (
        f"{example.title} · {example.star_id} · Teff {v['teff']:.0f} K, log g {v['logg']:.2f}, "
        f"[Fe/H] {v['feh']:.2f}, [C/Fe] {v['c_fe']:.2f}, [α/Fe] {v['alpha_fe']:.2f}, S/N {v['snr']:.0f}, "
        f"L² error {example.relative_l2:.4f}"
    )
    return text.replace(" -", " −")


def _star(panels: np.ndarray, example: Example, regions: dict[str, Intervals], windows: list[Window]) -> None:
    residual = example.reconstruction - example.clean
    noise = 1 / example.labels["snr"]
    detail = len(windows) > 1
    for column, (first, last) in enumerate(windows):
        flux_axes, residual_axes = panels[:, column]
        inside = (example.wavelength >= first) & (example.wavelength <= last)
        wavelength = example.wavelength[inside]
        for axes in (flux_axes, residual_axes):
            _shade(axes, regions, (first, last))
        clean, rebuilt = example.clean[inside], example.reconstruction[inside]
        flux_axes.plot(wavelength, clean, color=style.BLACK, lw=1.3 if detail else 0.5, alpha=0.75)
        flux_axes.plot(wavelength, rebuilt, color=style.VERMILION, lw=0.8 if detail else 0.5)
        for level, dash in ((0, "-"), (noise, ":"), (-noise, ":")):
            residual_axes.axhline(level, color=style.GREY, lw=0.6, ls=dash)
        residual_axes.plot(wavelength, residual[inside], color=style.VERMILION, lw=0.6)
        flux_axes.set_xlim(first, last)
        if detail:  # the numbers of neighbouring windows would meet at their ends
            flux_axes.locator_params(axis="x", nbins=5, prune="both")
    shown = np.concatenate([example.clean, example.reconstruction[np.isfinite(example.reconstruction)]])
    low, high = float(shown.min()), float(shown.max())
    panels[0, 0].set_ylim(low - 0.05 * (high - low), high + 0.08 * (high - low))
    largest = max(np.nanquantile(np.abs(residual), 0.995) * 1.2, 1.5 * noise)
    panels[1, 0].set_ylim(-largest, largest)
    for axes, title in zip(panels[:, 0], ("flux", "residual"), strict=True):
        axes.set_ylabel(title)
        axes.yaxis.set_label_coords(-0.062 * len(windows), 0.5)


def _shade(axes: Axes, regions: dict[str, Intervals], window: Window) -> None:
    for decoder, intervals in regions.items():
        for first, last in intervals:
            if last > window[0] and first < window[1]:
                axes.axvspan(first, last, color=style.decoder_colour(decoder), alpha=0.3, lw=0, zorder=0)


def _legend(regions: dict[str, Intervals]) -> list:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=style.BLACK, label="clean"),
        Line2D([], [], color=style.VERMILION, label="reconstructed; residual"),
        *(
            Patch(
                color=style.decoder_colour(name),
                alpha=0.45,
                lw=0,
                label=f"{style.DECODER_NAMES.get(name, name)} decoder",
            )
            for name in regions
        ),
        Line2D([], [], color=style.GREY, ls=":", label="noise, ±1σ"),
    ]
