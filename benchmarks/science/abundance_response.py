"""What +1 dex of [C/Fe] and +0.3 dex of [α/Fe] do at three Teff.

Writes docs/figures/abundance-response.png (change against wavelength), abundance-response-regions.png (mean change
of decoder regions and of the rest) and abundance-response.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from response import Part, divide, features, mean_deepening
from spectra import FIGURES, FULL, ROOT, Synthesiser

from halochem import regions
from halochem.report.figures import style
from halochem.synthesize.turbospectrum import Star

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Teff, log g, [Fe/H]: two giants and a turn-off star; then stars at the limits of what they show
SHOWN = ((4750.0, 2.5, -1.0), (5250.0, 3.0, -1.0), (6000.0, 4.0, -0.5))
LIMITS = ((4000.0, 4.6, -1.0), (4000.0, 4.6, 0.0), (4500.0, 4.6, -1.0), (6000.0, 4.0, -1.0))
CARBON, ALPHA = "c_fe", "alpha_fe"
STEP = {CARBON: 1.0, ALPHA: 0.3}  # dex
LABEL = {CARBON: "[C/Fe] 0 → +1", ALPHA: "[α/Fe] 0 → +0.3"}
DECODER = {CARBON: "carbon", ALPHA: "alpha"}
CARRIERS = ("CH", "C2")
NOISE = 1 / 50  # of one pixel at S/N 50
BARS = 14
# What answers, and where [Å]
MARKS = {
    CARBON: {4300: "CH", 4690: "C$_2$", 5110: "C$_2$", 5560: "C$_2$", 6050: "C$_2$", 8000: "CN", 9300: "CN"},
    ALPHA: {4227: "Ca I", 5175: "Mg I", 8570: "Ca II"},
}


@dataclass(frozen=True)
class Response:
    """One star, one abundance raised: spectra before and after, and the mean change of each part."""

    star: Star
    label: str
    change: np.ndarray  # (p,) raised - base
    features: dict[str, float]  # mean deepening of what should lead
    deepening: dict[Part, float]
    without_carriers: dict[Part, float] | None  # the same with CH and C2 taken out of the line list

    def largest_other(self) -> tuple[Part, float]:
        """The part outside the features that deepens most, by what is not CH or C2 where carbon is raised."""
        values = self.without_carriers or self.deepening
        others = {part: value for part, value in values.items() if not part.feature(self.label)}
        part = max(others, key=others.__getitem__)
        return part, others[part]


def respond(star: Star, label: str, full: Synthesiser, reduced: Synthesiser | None, parts: dict) -> Response:
    """Raise one abundance of a star. `reduced` is the synthesiser without CH and C2, or None."""
    raised = replace(star, **{label: getattr(star, label) + STEP[label]})
    before, after = full(star), full(raised)
    without = mean_deepening(reduced(star), reduced(raised), parts) if reduced else None
    leaders = features(before - after, parts, label)
    return Response(star, label, after - before, leaders, mean_deepening(before, after, parts), without)


def summary(response: Response) -> dict[str, object]:
    """What the page quotes of one response."""
    ranked = sorted(response.deepening.items(), key=lambda item: -item[1])
    other, value = response.largest_other()
    return {
        "star": vars(response.star),
        "raised": f"{response.label} by {STEP[response.label]:g}",
        "features": {name: round(deepening, 4) for name, deepening in response.features.items()},
        "largest_other": {"part": other.name, "deepening": round(value, 4)},
        "first_ten": {part.name: round(deepening, 4) for part, deepening in ranked[:10]},
        "weakened_most": {part.name: round(deepening, 4) for part, deepening in ranked[:-4:-1]},
    }


def draw_spectra(responses: list[Response], wavelength: np.ndarray) -> Figure:
    """Change against wavelength: a row a star, carbon on the left, alpha on the right."""
    table = regions.load(ROOT / "config" / "regions.yaml")
    figure = style.new_figure(style.PAGE, 5.0)
    panels = figure.subplots(len(responses) // 2, 2, sharex=True)
    for axes, response in zip(panels.flat, responses, strict=True):
        decoder = DECODER[response.label]
        for first, last in table[decoder]:
            axes.axvspan(first, last, color=style.DECODER_COLOURS[decoder], alpha=0.35, lw=0, zorder=0)
        axes.axhspan(-NOISE, NOISE, color=style.LIGHT, lw=0, zorder=0)
        axes.plot(wavelength, response.change, color=style.BLACK, lw=0.4)
        axes.set_xlim(FULL)
        axes.text(0.98, 0.06, star_name(response.star), transform=axes.transAxes, ha="right", va="bottom")
    for column, label in enumerate(LABEL):
        top = panels[0, column]
        top.set_title(LABEL[label])
        low, high = top.get_ylim()
        top.set_ylim(low, high + 0.15 * (high - low))
        for position, name in MARKS[label].items():
            top.text(position, 0.97, name, transform=top.get_xaxis_transform(), ha="center", va="top", fontsize=6)
    for axes in panels[:, 0]:
        axes.set_ylabel("change of flux")
    figure.supxlabel("wavelength (air) [Å]", fontsize=7.5)
    return figure


def star_name(star: Star) -> str:
    """Teff, log g and [Fe/H] in words."""
    return f"{star.teff:.0f} K, log g {star.logg:.1f}, [Fe/H] {star.feh:.1f}".replace("-", "−")


def draw_bars(responses: list[Response]) -> Figure:
    """The parts that deepen most: a row a star, carbon on the left, alpha on the right."""
    figure = style.new_figure(style.PAGE, 8.2)
    panels = figure.subplots(len(responses) // 2, 2)
    for axes, response in zip(panels.flat, responses, strict=True):
        bars(axes, response)
        axes.set_title(f"{LABEL[response.label]} · {star_name(response.star)}", loc="right", fontsize=7)
    figure.supxlabel("mean deepening per pixel [continuum = 1]", fontsize=7.5)
    legend(panels[0, 1])
    return figure


def bars(axes: Axes, response: Response) -> None:
    """The BARS first parts of one response and every feature, and S/N 50 as a dotted line."""
    every = sorted(response.deepening.items(), key=lambda item: -item[1])
    ranked = [item for rank, item in enumerate(every) if rank < BARS or item[0].feature(response.label)]
    for row, (part, value) in enumerate(ranked):
        colour = style.DECODER_COLOURS[part.decoder] if part.decoder else style.LIGHT
        axes.barh(row, value, color=colour, height=0.75)
        if response.without_carriers:
            axes.plot([response.without_carriers[part]] * 2, [row - 0.37, row + 0.37], color=style.VERMILION, lw=1.4)
    axes.axvline(NOISE, color=style.BLACK, lw=0.7, ls=":")
    axes.set_yticks(range(len(ranked)), [part.name for part, _ in ranked])
    for tick, (part, _) in zip(axes.get_yticklabels(), ranked, strict=True):
        tick.set_fontweight("bold" if part.feature(response.label) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ranked) - 0.4, -0.6)
    axes.set_xlim(0, None)


def legend(axes: Axes) -> None:
    """What the colours and lines of the bars mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colours = style.DECODER_COLOURS.items()
    handles = [Patch(color=colour, label=f"{style.DECODER_NAMES[name]} decoder") for name, colour in colours]
    handles += [
        Patch(color=style.LIGHT, label="no decoder, per 40 Å"),
        Line2D([], [], color=style.VERMILION, lw=1.4, label="without CH, C$_2$ lines"),
        Line2D([], [], color=style.BLACK, lw=0.7, ls=":", label="noise, S/N 50"),
    ]
    axes.legend(handles=handles, loc="lower right", frameon=True, framealpha=1.0, edgecolor="none")


def main() -> None:
    full, reduced = Synthesiser(), Synthesiser(without=CARRIERS)
    parts = divide(full.pixels)
    responses = [
        respond(Star(*labels, c_fe=0.0, alpha_fe=0.0), label, full, reduced if label == CARBON else None, parts)
        for labels in SHOWN + LIMITS
        for label in LABEL
    ]
    shown = responses[: len(LABEL) * len(SHOWN)]
    with style.style():
        for name, figure in (
            ("abundance-response", draw_spectra(shown, full.pixels)),
            ("abundance-response-regions", draw_bars(shown)),
        ):
            figure.savefig(FIGURES / f"{name}.png", dpi=200, metadata={"Software": None})
    text = json.dumps([summary(response) for response in responses], indent=1, ensure_ascii=False).replace("$_2$", "2")
    (FIGURES / "abundance-response.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
