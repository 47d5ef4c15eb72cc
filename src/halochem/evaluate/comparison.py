"""What our errors are held against: those of peers on the same stars, and the limits of the noise.

The definitions of these numbers; `compare` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from halochem.evaluate.classes import CLASSES
from halochem.evaluate.definition import ABUNDANCES, FLAG_SETS, FLAGS, PARTNER, Definition

# method -> title; the first two are ours, without and with few labels
METHODS = {
    "linear": "latents, straight line",
    "calibrated": "latents, as in the table",
    "cannon": "The Cannon, 1000 stars",
    "cannon_all": "The Cannon, all stars",
    "network": "supervised network",
}
PEERS = ("cannon", "cannon_all", "network")

GROUPS = {
    "peers": "Peers on the same stars, RMSE",
    "peers_sigma": "Peers on the same stars, robust scatter",
    "peers_bias": "Peers on the same stars, bias",
    "bounds": "Cramér-Rao bounds, medians",
    "bounds_binned": "Cramér-Rao bounds by Teff and [Fe/H], medians",
    "over_bound": "Errors over the bound",
}


@dataclass(frozen=True)
class Bin:
    """Stars above `low`, up to `high`, of Teff [K] or [Fe/H]."""

    title: str
    low: float
    high: float

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Bool, of the shape of `values`."""
        return (values > self.low) & (values <= self.high)


TEFF_BINS = {
    "cool": Bin("Teff ≤ 4000 K", -np.inf, 4000),
    "warm": Bin("4000-5000 K", 4000, 5000),
    "hot": Bin("> 5000 K", 5000, np.inf),
}
FEH_BINS = {
    "poor": Bin("[Fe/H] ≤ −2", -np.inf, -2),
    "middle": Bin("−2 to −1", -2, -1),
    "rich": Bin("> −1", -1, np.inf),
}
# bin of both -> title
BINS = {
    f"{teff}_{feh}": f"{teff_bin.title}, {feh_bin.title}"
    for teff, teff_bin in TEFF_BINS.items()
    for feh, feh_bin in FEH_BINS.items()
}
VARIANTS = {
    "bound": ("crb_{}", "all five labels free"),
    "bound_prior": ("crb_{}_prior", "Teff and log g known to observe.jitter"),
    "bound_known": ("crb_{}_known", "Teff and log g known"),
}


def definitions() -> list[Definition]:
    """All of them, limits last."""
    return _peers() + _bounds() + _limits()


def _peers() -> list[Definition]:
    rows = []
    for method in PEERS:
        for label, title in ABUNDANCES.items():
            meaning = "root of the mean squared error"
            rows.append(_error(f"rmse_{method}.{label}", "peers", f"{METHODS[method]}, {title}", meaning, "lower"))
    measures = {
        "sigma": ("peers_sigma", "1.4826 × median of |error − its median|", "lower"),
        "bias": ("peers_bias", "median of measured − true", "none"),
    }
    for measure, (group, meaning, better) in measures.items():
        for method, name in METHODS.items():
            for label, title in ABUNDANCES.items():
                rows.append(_error(f"{measure}_{method}.{label}", group, f"{name}, {title}", meaning, better))
    for method, name in METHODS.items():
        for label, title in ABUNDANCES.items():
            meaning = "1.4826 × median of |error| / bound of the star, all labels free"
            rows.append(
                Definition(
                    f"over_bound_{method}.{label}",
                    "over_bound",
                    f"{name}, {title}",
                    meaning,
                    "test",
                    spec=".1f",
                    better="lower",
                )
            )
    return rows


def _error(key: str, group: str, title: str, meaning: str, better: str) -> Definition:
    return Definition(key, group, title, meaning, "test", "dex", ".3f", better)


def _bounds() -> list[Definition]:
    rows = []
    for key, (_, what) in VARIANTS.items():
        for label, title in ABUNDANCES.items():
            shown = f"{title}, {what}"
            rows.append(Definition(f"{key}.{label}", "bounds", shown, "median of the bound", "test", "dex", ".3f"))
    meaning = "median of the bound, all labels free"
    for name, where in BINS.items():
        for label, title in ABUNDANCES.items():
            key = f"bound.{label}.{name}"
            rows.append(Definition(key, "bounds_binned", f"{title}, {where}", meaning, where, "dex", ".3f"))
    return rows


def _limits() -> list[Definition]:
    """`limit.KEY`: what the noise allows for the number KEY, in its group."""
    rows = []
    best = "of the best estimate from a measurement at the bound"
    for measure, group_of_ours in (("rmse", "abundance"), ("sigma", "peers_sigma")):
        for method in METHODS:
            group = group_of_ours if measure == "sigma" or method not in PEERS else "peers"
            for label, title in ABUNDANCES.items():
                meaning = f"{'RMSE' if measure == 'rmse' else 'robust scatter'} {best}"
                rows.append(_error(f"limit.{measure}_{method}.{label}", group, f"limit, {title}", meaning, "none"))
    for z, label in PARTNER.items():
        meaning = f"absolute correlation {best} with the true label"
        rows.append(Definition(f"limit.r.{z}.{label}", "correlation", f"limit, {ABUNDANCES[label]}", meaning, "test"))
    for kind in FLAG_SETS:
        precision = "encode.flag_precision" if kind else "the paper's precision"
        for name in FLAGS:
            title = CLASSES[name].title
            meaning = f"recall of the best classifier that the noise allows, cut for {precision}"
            rows.append(
                Definition(f"limit.recall{kind}.{name}", "flags", f"limit, {title} recall", meaning, f"true {title}")
            )
    return rows
