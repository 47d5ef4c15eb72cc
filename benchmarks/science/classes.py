"""One spectrum of each class, clean and as observed, with the decoder regions: docs/figures/classes.png."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from spectra import FIGURES, FULL, ROOT, Synthesiser

from halochem import regions
from halochem.observe.noise import noise
from halochem.report.figures import style
from halochem.synthesize.turbospectrum import Star

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One Teff and one log g for all, so that what differs is composition.
STARS = {
    "α-poor metal-poor (αPMP)": Star(teff=5250.0, logg=4.0, feh=-1.5, c_fe=0.2, alpha_fe=-0.1),
    "carbon-enhanced metal-poor (CEMP)": Star(teff=5250.0, logg=4.0, feh=-1.5, c_fe=1.8, alpha_fe=0.3),
    "solar-like": Star(teff=5250.0, logg=4.0, feh=0.0, c_fe=0.0, alpha_fe=0.0),
}
SNR = 50.0
SEED = 1
OFFSET = 0.3  # of the noisy spectrum above the clean one
# Å: Ca I 4226 and the G band; C2 Swan, Mg b and iron; the Ca II triplet
WINDOWS = ((4150.0, 4420.0), (5020.0, 5350.0), (8400.0, 8690.0))


def shade(axes: Axes, table: dict[str, regions.Intervals]) -> None:
    """Fill the decoders' regions in their colours."""
    for decoder, intervals in table.items():
        for first, last in intervals:
            axes.axvspan(first, last, color=style.DECODER_COLOURS[decoder], alpha=0.32, lw=0, zorder=0)


def plot(axes: Axes, wavelength: np.ndarray, clean: np.ndarray, observed: np.ndarray, line_width: float) -> None:
    """The clean spectrum, and the observed one above it."""
    axes.plot(wavelength, clean, color=style.BLACK, lw=line_width, label="clean")
    label = f"with noise, S/N {SNR:.0f} (+{OFFSET:g})"
    axes.plot(wavelength, observed + OFFSET, color=style.VERMILION, lw=0.7 * line_width, label=label)


def title(name: str, star: Star) -> str:
    """A class and the labels of the star that stands for it."""
    labels = f"[Fe/H] {star.feh:.1f}, [C/Fe] {star.c_fe:.1f}, [α/Fe] {star.alpha_fe:.1f}".replace(" -", " −")
    return f"{name} · Teff {star.teff:.0f} K, log g {star.logg:.1f}, {labels}"


def draw(spectra: dict[str, np.ndarray], wavelength: np.ndarray) -> Figure:
    """For each star the whole range, and three windows below it."""
    from matplotlib.patches import Patch

    table = regions.load(ROOT / "config" / "regions.yaml")
    observed_noise = noise(SEED, range(len(spectra)), len(wavelength)) / SNR
    figure = style.new_figure(style.PAGE, 8.4)
    blocks = figure.subfigures(len(spectra), 1)
    for row, (name, clean) in enumerate(spectra.items()):
        grid = blocks[row].add_gridspec(2, len(WINDOWS), height_ratios=(1, 1))
        observed = clean + observed_noise[row]
        whole = blocks[row].add_subplot(grid[0, :])
        shade(whole, table)
        plot(whole, wavelength, clean, observed, 0.6)
        whole.set(xlim=FULL, ylabel="flux")
        whole.set_title(title(name, STARS[name]), loc="left")
        for column, window in enumerate(WINDOWS):
            axes = blocks[row].add_subplot(grid[1, column], sharey=whole)
            shade(axes, table)
            plot(axes, wavelength, clean, observed, 0.9)
            axes.set_xlim(window)
            axes.tick_params(labelleft=column == 0)
            if column == 0:
                axes.set_ylabel("flux")
        whole.set_ylim(0.0, 1.12 + OFFSET)
    figure.supxlabel("wavelength (air) [Å]", fontsize=7.5)
    lines = blocks[0].axes[0].get_lines()
    colours = style.DECODER_COLOURS.items()
    patches = [Patch(color=colour, alpha=0.32, lw=0, label=style.DECODER_NAMES[name]) for name, colour in colours]
    figure.legend(handles=[*lines, *patches], loc="outside upper center", ncols=5)
    return figure


def main() -> None:
    synthesiser = Synthesiser()
    spectra = {name: synthesiser(star) for name, star in STARS.items()}
    with style.style():
        draw(spectra, synthesiser.pixels).savefig(FIGURES / "classes.png", dpi=200, metadata={"Software": None})


if __name__ == "__main__":
    main()
