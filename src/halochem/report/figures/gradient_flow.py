"""Fig. C.1 of the paper: what selective gradient flow adds to each correlation of a latent with a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from halochem.evaluate.definition import ABUNDANCES, PARAMETERS, PARTNER
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.gradient_flow import PAIRS
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "figC1_gradient_flow"
LOOKS = {"z_m": (style.SKY, ""), "z_c": (style.ORANGE, "//"), "z_alpha": (style.GREEN, "..")}


def gains(evaluations: list[Evaluation]) -> dict[tuple[str, str], np.ndarray]:
    """|r| with selective gradient flow minus |r| without, by latent and label, of the catalogs where it is known."""
    found = {}
    for z, label in PAIRS:
        values = [each.numbers[f"gain.{z}.{label}"].value for each in evaluations]
        found[z, label] = np.array([value for value in values if value is not None], float)
    return found


def caption(evaluations: list[Evaluation]) -> str:
    """What the figure shows."""
    n = len(gains(evaluations)["z_m", "feh"])
    spread = "; error bars: standard deviation over them" if n > 1 else ""
    return (
        f"Gain in |r| between latents and labels by selective gradient flow (Fig. C.1 of the paper), {n} "
        f"catalog{'s' * (n > 1)}{spread}. Shaded: the latent that stands for the label. Where the bar there is above 0 "
        "and the others are below, it does what it is for."
    )


def draw(evaluations: list[Evaluation]) -> Figure:
    """The figure, from evaluations that have such a training beside their own."""
    figure = style.new_figure(style.PAGE, 2.6)
    axes = figure.subplots()
    labels = ABUNDANCES | PARAMETERS
    known, width = gains(evaluations), 0.26
    for place, label in enumerate(labels):
        for k, (z, (colour, hatch)) in enumerate(LOOKS.items()):
            values, x = known[z, label], place + (k - 1) * width
            if PARTNER[z] == label:
                axes.axvspan(x - width / 2, x + width / 2, color=style.LIGHT, alpha=0.7, lw=0, zorder=0)
            if not len(values):
                continue
            error = values.std(ddof=1) if len(values) > 1 else None
            axes.bar(
                *(x, values.mean(), 0.85 * width), yerr=error, color=colour, hatch=hatch, edgecolor=style.BLACK, lw=0.5,
                error_kw={"lw": 0.9, "capsize": 2}, label=style.AXIS_TITLES[z] if place == 0 else None,
            )  # fmt: skip
    axes.axhline(0, color=style.BLACK, lw=0.8)
    axes.set_xticks(range(len(labels)), labels.values())
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.02, y=0.12)
    axes.set_ylabel("|r|: with minus without")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
