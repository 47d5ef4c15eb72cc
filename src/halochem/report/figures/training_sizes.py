"""Fig. F.1 of the paper: reconstruction error against the number of training stars, at a low and a high S/N."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "figF1_training_sizes"
COLOURS = ((style.BLUE, "o", "-"), (style.PURPLE, "s", "--"), (style.GREEN, "D", "-."), (style.ORANGE, "^", ":"))


def caption(sizes: pd.DataFrame) -> str:
    """What the figure shows."""
    snr = " and ".join(f"{value:g}" for value in sorted(sizes["snr"].unique()))
    several = int(sizes["catalogs"].max()) > 1
    bars = "standard deviation over catalogs" if several else "one standard error from the scatter among the stars"
    return (
        f"Mean relative L² error of test stars against their flux without noise, for trainings on so many stars of S/N "
        f"around {snr} (Fig. F.1 of the paper); error bars: {bars}. Dotted: what the noise of the spectra itself "
        f"amounts to. Every training took about {_steps(sizes)} steps of the optimiser."
    )


def _steps(sizes: pd.DataFrame) -> str:
    low, high = int(sizes["steps"].min()), int(sizes["steps"].max())
    return f"{high}" if high < 1.1 * low else f"{low} to {high}"


def draw(sizes: pd.DataFrame) -> Figure:
    """The figure. `sizes`: as `evaluate.training_sizes.collect` makes it."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    figure = style.new_figure(style.COLUMN * 1.35, 3.0)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    for (snr, rows), (colour, marker, dash) in zip(sizes.groupby("snr"), COLOURS, strict=False):
        rows = rows.sort_values("stars")
        low = np.minimum(rows["spread"].fillna(0), 0.95 * rows["relative_l2"])
        bars = [low, rows["spread"].fillna(0)]
        axes.errorbar(
            *(rows["stars"], rows["relative_l2"], bars),
            color=colour,
            marker=marker,
            ms=3.5,
            ls=dash,
            lw=1.2,
            capsize=2,
            label=f"S/N ≈ {snr:g}",
        )
        axes.plot(rows["stars"], rows["noise"], color=colour, ls=":", lw=1.0, label=f"noise, S/N ≈ {snr:g}")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_major_locator(FixedLocator(sorted(sizes["stars"].unique())))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(0.08)
    axes.set_xlabel("training stars")
    axes.set_ylabel("relative L² error")
    figure.legend(loc="outside upper center", ncols=2)
    return figure
