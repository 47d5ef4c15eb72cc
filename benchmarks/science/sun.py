"""The synthetic Sun beside the observed one, at R = 2200: docs/figures/sun.png and .json."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
from solar_reference import EDGE, GAPS, RANGE, Comparison, compare, reference_file
from spectra import FIGURES, Synthesiser

from halochem.report.figures import style

PANELS = 3
# Strong features (Å) that orient the reader, with what stands above the spectrum.
MARKS = {
    4861.3: "Hβ",
    4957.6: "Fe I",
    5174.0: "Mg I b",
    5269.5: "Fe I",
    5328.0: "Fe I",
    5892.9: "Na I D",
    6122.2: "Ca I",
    6278.0: "telluric O$_2$",
    6562.8: "Hα",
}


def numbers(comparison: Comparison) -> dict[str, object]:
    """What the page quotes: rms, mean and extremes of synthetic minus observed, overall and in 250 Å pieces."""
    residual, wavelength = comparison.residual, comparison.wavelength
    edges = np.linspace(*RANGE, 8)
    pieces = {}
    for first, last in pairwise(edges):
        inside = comparison.used & (wavelength >= first) & (wavelength < last)
        pieces[f"{first:.0f}-{last:.0f}"] = {
            "pixels": int(inside.sum()),
            "rms": round(float(np.sqrt(np.mean(residual[inside] ** 2))), 4),
            "mean": round(float(np.mean(residual[inside])), 4),
        }
    used = residual[comparison.used]
    return {
        "pixels": len(used),
        "rms": round(comparison.rms, 4),
        "mean": round(float(used.mean()), 4),
        "minimum": round(float(used.min()), 4),
        "maximum": round(float(used.max()), 4),
        "pieces": pieces,
    }


def draw(comparison: Comparison):
    """Three stretches of the range, spectra above and their difference below."""
    figure = style.new_figure(style.PAGE, 6.6)
    axes = figure.subplots(2 * PANELS, 1, gridspec_kw={"height_ratios": [2.6, 1] * PANELS})
    edges = np.linspace(*RANGE, PANELS + 1)
    wavelength = comparison.wavelength
    observed = np.where(comparison.used, comparison.observed, np.nan)
    for panel in range(PANELS):
        top, bottom = axes[2 * panel], axes[2 * panel + 1]
        limits = (edges[panel], edges[panel + 1])
        top.plot(wavelength, observed, color=style.BLACK, lw=1.1, label="observed (UVES)")
        top.plot(wavelength, comparison.synthetic, color=style.VERMILION, lw=0.7, label="synthetic")
        bottom.axhline(0, color=style.GREY, lw=0.5)
        bottom.plot(wavelength, comparison.residual, color=style.BLUE, lw=0.7)
        bottom.axhspan(-comparison.rms, comparison.rms, color=style.LIGHT, lw=0)
        for axis in (top, bottom):
            axis.set_xlim(*limits)
            for first, last in GAPS:
                axis.axvspan(first - EDGE, last + EDGE, facecolor="none", edgecolor=style.LIGHT, hatch="////", lw=0)
        top.set_ylim(0.46, 1.13)
        bottom.set_ylim(-0.07, 0.07)
        top.tick_params(labelbottom=False)
        for position, name in MARKS.items():
            if limits[0] < position < limits[1]:
                top.annotate(name, (position, 1.03), ha="center", va="bottom", fontsize=6, annotation_clip=True)
                top.plot([position, position], [1.005, 1.025], color=style.GREY, lw=0.5)
        top.set_ylabel("flux")
        bottom.set_ylabel("syn − obs")
    axes[0].legend(loc="lower right", ncols=2)
    axes[-1].set_xlabel("wavelength (air) [Å]")
    figure.align_ylabels(axes)
    return figure


def main() -> None:
    comparison = compare(Synthesiser(RANGE), reference_file())
    with style.style():
        draw(comparison).savefig(FIGURES / "sun.png", dpi=200, metadata={"Software": None})
    text = json.dumps(numbers(comparison), indent=1, ensure_ascii=False)
    (FIGURES / "sun.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
