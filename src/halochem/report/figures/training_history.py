"""The course of the training: each loss, the learning rate and the adversary's weight, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "training_history"

# column stem in history.csv, title, whether a logarithmic axis fits (never below 0)
LOSSES = (
    ("reconstruction", "−log likelihood per pixel", False),
    ("kl", "KL divergence", True),
    ("linear", "w → Teff, log g: MSE", True),
    ("classification", "adversary’s loss", False),
)
# preset fast has these too (docs/model.md)
FAST_LOSSES = (
    ("guide", "guides: log(1 + χ²)", False),
    ("dependence", "dependence: Σ moments²", True),
)
CHANCE = float(np.log(64))  # cross-entropy of a guess among the adversary's 8 × 8 classes


def caption(history: pd.DataFrame) -> str:
    """What the figure shows."""
    watched = " and of the validation stars (dots)" if history["reconstruction_val"].notna().any() else ""
    guides = (
        " In the stages of preset fast, each with a learning rate of its own, w learns first, then z by the guides’ "
        "loss and λ times the squares of the moments, then, without a panel, the generators, then w once more, then, "
        "without a panel, quantiles and straightening, last the decoders; the published adversary only watches."
        if _is_fast(history)
        else ""
    )
    return (
        f"Training over {len(history)} epochs: losses of the training stars (line){watched}, learning rate, weight λ "
        "of the adversary. The adversary’s loss is a cross-entropy; the dotted line is that of a blind guess among its "
        f"64 classes: there and above, z tells the adversary nothing.{guides}"
    )


def read(path: Path | str) -> pd.DataFrame:
    """history.csv, with the columns that the figure needs."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem train` writes it beside the model")
    losses = [f"{name}_{stars}" for name, *_ in LOSSES for stars in ("train", "val")]
    needed = ["epoch", "learning_rate", "lambda", *losses]
    try:
        history = pd.read_csv(path)
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path}: not a readable CSV file ({error}); train the model anew") from None
    missing = [name for name in needed if name not in history.columns]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; expected the history of `halochem train`")
    return history


def draw(history: pd.DataFrame) -> Figure:
    """The figure, from the rows of history.csv."""
    losses = (*LOSSES, *FAST_LOSSES) if _is_fast(history) else LOSSES
    figure = style.new_figure(style.PAGE, 3.6)
    panels = figure.subplots(2, len(losses) // 2 + 1, sharex=True).ravel()
    for axes, (name, _, logarithmic) in zip(panels, losses, strict=False):
        _loss(axes, history, name)
        if logarithmic and _spans_decade(history[f"{name}_train"]):
            _logarithmic(axes)
        if name == "classification":
            axes.axhline(CHANCE, color=style.GREY, ls=":", lw=0.9)
    panels[0].legend(loc="best")
    rate, weight = panels[len(losses) :]
    rate.step(history["epoch"], 1e3 * history["learning_rate"], color=style.BLACK, where="post")
    weight.step(history["epoch"], history["lambda"], color=style.BLACK, where="post")
    weight.set_ylim(0, 1.08 * max(history["lambda"].max(), 0.01))
    titles = (*(title for _, title, _ in losses), "learning rate × 1000", "adversary’s weight λ")
    for axes, letter, title in zip(panels, "abcdefgh", titles, strict=False):
        axes.set_title(f"({letter}) {title}", loc="left")
    for axes in panels[len(panels) // 2 :]:
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _is_fast(history: pd.DataFrame) -> bool:
    return all(f"{name}_{stars}" in history for name, *_ in FAST_LOSSES for stars in ("train", "val"))


def _logarithmic(axes: Axes) -> None:
    """A logarithmic y axis with plain numbers at 1, 2, 5 of each decade."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _spans_decade(values: pd.Series) -> bool:
    return bool(values.min() > 0 and values.max() > 10 * values.min())


def _loss(axes: Axes, history: pd.DataFrame, name: str) -> None:
    axes.plot(history["epoch"], history[f"{name}_train"], color=style.BLUE, label="training")
    column = f"{name}_val"
    if history[column].notna().any():
        known = history[history[column].notna()]
        axes.plot(
            known["epoch"],
            known[column],
            color=style.VERMILION,
            ls="",
            marker="o",
            ms=1.8,
            label="validation",
        )
