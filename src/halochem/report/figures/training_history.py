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
    ("linear", "linear(w) → Teff, log g: MSE", True),
    ("classification", "adversary: cross-entropy", False),
)
CHANCE = float(np.log(64))  # cross-entropy of a guess among the adversary's 8 × 8 classes


def caption(history: pd.DataFrame) -> str:
    """What the figure shows."""
    watched = " and of the validation stars (dots)" if history["reconstruction_val"].notna().any() else ""
    return (
        f"Training over {len(history)} epochs: losses of the training stars (line){watched}, learning rate, and "
        "weight λ of the adversary. The dotted line is the cross-entropy of a blind guess among the adversary’s "
        "64 classes: there and above, z tells the adversary nothing."
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
    figure = style.new_figure(style.PAGE, 3.6)
    panels = figure.subplots(2, 3, sharex=True).ravel()
    for axes, letter, (name, title, logarithmic) in zip(panels, "abcd", LOSSES, strict=False):
        _loss(axes, history, name)
        axes.set_title(f"({letter}) {title}", loc="left")
        if logarithmic and _spans_decade(history[f"{name}_train"]):
            axes.set_yscale("log")
    panels[3].axhline(CHANCE, color=style.GREY, ls=":", lw=0.9)
    panels[0].legend(loc="best")
    panels[4].step(history["epoch"], 1e3 * history["learning_rate"], color=style.BLACK, where="post")
    panels[4].set_title("(e) learning rate × 1000", loc="left")
    panels[5].step(history["epoch"], history["lambda"], color=style.BLACK, where="post")
    panels[5].set_ylim(0, 1.08 * max(history["lambda"].max(), 0.01))
    panels[5].set_title("(f) λ, weight of the adversary", loc="left")
    for axes in panels[3:]:
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


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
