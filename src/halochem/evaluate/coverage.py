"""Are the stated errors true? The share of held-out stars whose abundance lies within its interval.

By Teff and by S/N, since a sigma that is right on average can be too narrow for one kind of star and too wide for
another. n test stars.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.evaluate import metrics
from halochem.evaluate.comparison import Bin
from halochem.evaluate.definition import ABUNDANCES, Definition
from halochem.evaluate.number import Number, undefined

GROUPS = {"coverage": "Coverage of the stated errors"}

# level in % -> half of the interval's width, in sigma
LEVELS = {"68": 1.0, "95": 1.96}
_EDGES = {"teff": (3000, 4000, 5000, 6000, 7000), "snr": (15, 35, 45, 55, 65, 85)}
# bin -> (column of the table, None for all; the stars)
BINS: dict[str, tuple[str | None, Bin]] = {
    "all": (None, Bin("all", -np.inf, np.inf)),
    **{
        f"teff_{low}_{high}": ("teff_true", Bin(f"Teff {low}-{high} K", low, high))
        for low, high in zip(_EDGES["teff"], _EDGES["teff"][1:], strict=False)
    },
    **{
        f"snr_{low}_{high}": ("snr", Bin(f"S/N {low}-{high}", low, high))
        for low, high in zip(_EDGES["snr"], _EDGES["snr"][1:], strict=False)
    },
}
NO_SIGMA = "no sigma: two labelled stars show no scatter"


def definitions() -> list[Definition]:
    """All of them."""
    rows = []
    for name, (_, each) in BINS.items():
        stars = each.title if name != "all" else "test"
        for label, title in ABUNDANCES.items():
            for level, width in LEVELS.items():
                shown = f"{title}, {level} % interval, {each.title}"
                meaning = f"share of the stars whose true abundance is within {width:g} σ of the table's"
                rows.append(Definition(f"coverage.{level}.{label}.{name}", "coverage", shown, meaning, stars))
            shown, meaning = f"{title}, σ as stated, {each.title}", "root mean square of the table's σ"
            rows.append(Definition(f"stated_sigma.{label}.{name}", "coverage", shown, meaning, stars, "dex", ".3f"))
    return rows


def numbers(test: pd.DataFrame) -> dict[str, Number]:
    """All of `definitions()`, from the test stars' abundances, their sigma and the truth."""
    result = {}
    for name, (column, each) in BINS.items():
        inside = np.ones(len(test), bool) if column is None else each.holds(test[column].to_numpy(float))
        for label in ABUNDANCES:
            value, true, sigma = (test[name].to_numpy(float) for name in (label, f"{label}_true", f"{label}_sigma"))
            known = inside & np.isfinite(value - true)
            if known.any() and not np.isfinite(sigma[known]).any():
                result |= {key: undefined(0, NO_SIGMA) for key in _keys(label, name)}
                continue
            known &= np.isfinite(sigma)
            error, stated = np.abs(value - true)[known], sigma[known]
            for level, width in LEVELS.items():
                count = int((error <= width * stated).sum())
                note = f"not enough stars (n={len(error)})"
                result[f"coverage.{level}.{label}.{name}"] = metrics.proportion(count, len(error), note)
            result[f"stated_sigma.{label}.{name}"] = metrics.rmse(stated, np.zeros_like(stated))
    return result


def _keys(label: str, name: str) -> list[str]:
    return [*(f"coverage.{level}.{label}.{name}" for level in LEVELS), f"stated_sigma.{label}.{name}"]
