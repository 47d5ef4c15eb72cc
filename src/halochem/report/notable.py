"""The stars that a reader would look at first: a few of each kind, by rules that are printed with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from halochem.evaluate.classes import CLASSES, true_labels
from halochem.evaluate.definitions import ABUNDANCES

SHOWN = 6  # of each kind


@dataclass(frozen=True)
class Kind:
    """One kind: rows of the table, best first, and of how many they are the first."""

    title: str
    rule: str
    rows: np.ndarray  # (k,) int, k ≤ SHOWN
    total: int


def choose(table: pd.DataFrame) -> list[Kind]:
    """The kinds that have members, among the test stars with latents. `table`: the product.

    Test stars only: of a training star the model has seen the very noise.
    """
    usable = (table["split"] == "test").to_numpy() & np.isfinite(table["z_m"].to_numpy(float))
    error = _error(table)
    flag = {name: table[f"flag_{name}"].to_numpy(bool) for name in ("cemp", "alpha_pmp", "anomalous", "out_of_grid")}
    every = np.ones(len(table), bool)
    wanted = (
        ("Most metal-poor", "lowest measured [Fe/H]", every, table["feh"]),
        ("CEMP candidates", "flag_cemp, highest measured [C/Fe]", flag["cemp"], -table["c_fe"]),
        ("αPMP candidates", "flag_alpha_pmp, lowest measured [α/Fe]", flag["alpha_pmp"], table["alpha_fe"]),
        ("Reconstructed worst", "highest relative L² error", every, -error),
        ("Anomalous", "flag_anomalous, highest relative L² error", flag["anomalous"], -error),
        ("Out of the grid", "flag_out_of_grid, highest relative L² error", flag["out_of_grid"], -error),
    )
    kinds = []
    for title, rule, member, key in wanted:
        key = np.asarray(key, float)
        candidates = np.flatnonzero(member & usable & np.isfinite(key))
        first = candidates[np.argsort(key[candidates], kind="stable")][:SHOWN]
        if len(first):
            kinds.append(Kind(title, rule, first, len(candidates)))
    return kinds


def shown(table: pd.DataFrame, kinds: list[Kind]) -> list[dict[str, Any]]:
    """The kinds ready to print: title, rule, total, and for each star its numbers as text."""
    true, error = true_labels(table), _error(table)

    def star(row: int) -> dict[str, Any]:
        values = table.iloc[row]
        numbers = [(_text(values[name], 2), _text(true[name].iloc[row], 2)) for name in ABUNDANCES]
        numbers.append((_text(values["teff"], 0), _text(true["teff"].iloc[row], 0)))
        numbers.append((_text(values["logg"], 2), _text(true["logg"].iloc[row], 2)))
        flags = [name.removeprefix("flag_") for name in table if name.startswith("flag_") and values[name]]
        return {
            "star_id": str(values["star_id"]),
            "numbers": numbers,
            "snr": _text(values["snr"], 0),
            "error": _text(error[row], 4),
            "flags": ", ".join(flags),
            "classes": ", ".join(
                each.title for name, each in CLASSES.items() if name != "all" and each.member(true.iloc[[row]])[0]
            ),
        }

    return [
        {"title": kind.title, "rule": kind.rule, "total": kind.total, "stars": [star(int(row)) for row in kind.rows]}
        for kind in kinds
    ]


def _error(table: pd.DataFrame) -> np.ndarray:
    """Relative L² error against the clean flux, against the observed where that is unknown."""
    clean = np.sqrt(table["rel_l2_error_clean"].to_numpy(float))
    return np.where(np.isfinite(clean), clean, np.sqrt(table["rel_l2_error"].to_numpy(float)))


def _text(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if np.isfinite(value) else "–"
