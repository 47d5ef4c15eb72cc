"""The classes of stars that numbers are given for, by their true abundances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Half-width of the solar-like class. The paper names the class and gives no bounds; 0.2 dex is about the
# precision to which it measures [Fe/H], so a narrower class would mean little.
SOLAR_LIKE_DEX = 0.2


@dataclass(frozen=True)
class StarClass:
    """A set of stars: `member` maps true feh, c_fe, alpha_fe [dex] to a bool array."""

    title: str
    bounds: str
    member: Callable[[pd.DataFrame], np.ndarray]


def true_labels(table: pd.DataFrame) -> pd.DataFrame:
    """The true teff [K], logg, feh, c_fe, alpha_fe [dex] of a product table, under those names.

    In the table itself feh, c_fe and alpha_fe are what was measured.
    """
    names = ("teff", "logg", "feh", "c_fe", "alpha_fe")
    return pd.DataFrame({name: table[f"{name}_true"].to_numpy(float) for name in names}, index=table.index)


def _all(labels: pd.DataFrame) -> np.ndarray:
    return np.ones(len(labels), bool)


def _alpha_pmp(labels: pd.DataFrame) -> np.ndarray:
    return ((labels["alpha_fe"] < 0) & (labels["feh"] < -1)).to_numpy()


def _cemp(labels: pd.DataFrame) -> np.ndarray:
    return ((labels["c_fe"] > 0.7) & (labels["feh"] < -1)).to_numpy()


def _solar_like(labels: pd.DataFrame) -> np.ndarray:
    return (labels[["feh", "c_fe", "alpha_fe"]].abs() <= SOLAR_LIKE_DEX).all(axis=1).to_numpy()


# A star whose labels are unknown (NaN) is a member of "all" alone: every comparison with NaN is false.
CLASSES: dict[str, StarClass] = {
    "all": StarClass("all", "every test star with a spectrum", _all),
    "alpha_pmp": StarClass("αPMP", "[α/Fe] < 0 and [Fe/H] < −1", _alpha_pmp),
    "cemp": StarClass("CEMP", "[C/Fe] > 0.7 and [Fe/H] < −1", _cemp),
    "solar_like": StarClass(
        "solar-like", f"[Fe/H], [C/Fe] and [α/Fe] each within ±{SOLAR_LIKE_DEX} dex of 0", _solar_like
    ),
}
