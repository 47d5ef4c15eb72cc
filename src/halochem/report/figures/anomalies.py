"""Fig. 7 of the paper: spoilt spectra among normal ones, by each statistic, and the ROC curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.evaluate import detection, metrics
from halochem.evaluate.anomaly_kinds import KINDS, STATISTICS
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fig7_anomalies"
BINS = 60
# told apart in grey, too
LOOKS = {
    "noise": (style.VERMILION, "-"),
    "spikes": (style.ORANGE, "--"),
    "zeros": (style.GREEN, "-."),
    "ones": (style.PURPLE, ":"),
}


def caption(n_normal: int, n_spoilt: int) -> str:
    """What the figure shows."""
    return (
        f"{n_normal} test stars (grey) and {n_spoilt} spectra of test stars, spoilt in four ways (Fig. 7 of the "
        "paper): reconstruction error against the spectrum given, reduced χ² with the catalog’s noise, and norm of the "
        "latents. Above, their distributions; below, the share of the spoilt spectra found against the share of normal "
        "ones taken for spoilt, with the area under the curve (dotted: by chance)."
    )


def draw(normal: dict[str, np.ndarray], spoilt: pd.DataFrame) -> Figure:
    """The figure. `normal`: as `detection.normal`; `spoilt`: the columns of `evaluate.anomalies`."""
    figure = style.new_figure(style.PAGE, 4.6)
    panels = figure.subplots(2, 3)
    for above, below, (statistic, title), letters in zip(*panels, STATISTICS.items(), ("ad", "be", "cf"), strict=True):
        values = normal[statistic][np.isfinite(normal[statistic])]
        _distributions(above, values, spoilt, statistic)
        above.set_xlabel(title)
        _curves(below, values, spoilt, statistic)
        for axes, letter in zip((above, below), letters, strict=True):
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
    panels[0, 0].set_ylabel("share of the spectra")
    panels[1, 0].set_ylabel("spoilt spectra found")
    figure.legend(handles=_handles(), loc="outside upper center", ncols=5)
    return figure


def _distributions(axes: Axes, values: np.ndarray, spoilt: pd.DataFrame, statistic: str) -> None:
    together = np.concatenate([values, spoilt[statistic].to_numpy(float)])
    together = together[np.isfinite(together) & (together > 0)]
    if not len(together):
        return
    low, high = np.quantile(together, [0.001, 0.999])
    edges = np.geomspace(low * 0.9, high * 1.1, BINS)
    axes.set_xscale("log")
    weights = np.full(len(values), 1 / max(len(values), 1))
    axes.hist(
        np.clip(values, edges[0], edges[-1]), edges, weights=weights, color=style.LIGHT, edgecolor=style.GREY, lw=0.3
    )
    for kind, (colour, dash) in LOOKS.items():
        found = np.clip(spoilt.loc[spoilt["kind"] == kind, statistic].dropna(), edges[0], edges[-1])
        share = np.full(len(found), 1 / max(len(found), 1))
        axes.hist(found, edges, weights=share, histtype="step", color=colour, ls=dash, lw=1.1)
    axes.set_xlim(edges[0], edges[-1])
    _plain_ticks(axes)


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    wide = np.ptp(np.log10(axes.get_xlim())) > 1.5
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1,) if wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _curves(axes: Axes, values: np.ndarray, spoilt: pd.DataFrame, statistic: str) -> None:
    lines = []
    for kind, (colour, dash) in LOOKS.items():
        found = spoilt.loc[spoilt["kind"] == kind, statistic].to_numpy(float)
        area = metrics.auc(found, values)
        if area.value is None:
            continue
        axes.plot(*metrics.roc(found, values), color=colour, ls=dash, lw=1.3, label=f"{area.value:.3f}")
        lines.append(kind)
    axes.plot([0, 1], [0, 1], color=style.GREY, ls=":", lw=0.8)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_box_aspect(1)
    axes.set_xlabel("normal ones taken for spoilt")
    if lines:
        axes.legend(loc="lower right", title="area", title_fontsize=6.5, handlelength=2.2)


def _handles() -> list:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list = [Patch(facecolor=style.LIGHT, edgecolor=style.GREY, lw=0.3, label="normal")]
    return handles + [
        Line2D([], [], color=colour, ls=dash, lw=1.3, label=KINDS[kind]) for kind, (colour, dash) in LOOKS.items()
    ]


def normal_of(tables: list[pd.DataFrame]) -> dict[str, np.ndarray]:
    """The statistics of the test stars with a spectrum of several product tables together."""
    parts = [detection.normal(table[(table["split"] == "test") & table["z_m"].notna()]) for table in tables]
    return {statistic: np.concatenate([part[statistic] for part in parts]) for statistic in STATISTICS}
