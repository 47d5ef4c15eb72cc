"""What the explorer can draw of a table: every column of the file, and a few quantities that follow from them.

Columns are taken from the Parquet file itself, with the unit and description of their metadata: one that the
encoder adds appears in the explorer without a change here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from halochem.evaluate.classes import CLASSES, true_labels
from halochem.evaluate.definitions import ABUNDANCES, FLAGS, LATENTS, PARAMETERS

TITLES = LATENTS | ABUNDANCES | PARAMETERS | {"w_1": "w_1", "w_2": "w_2", "snr": "S/N", "chi2_reduced": "reduced χ²"}
TITLES |= {
    "latent_norm": "‖z‖",
    "rel_l2_error": "Eq. A.5, against the observed flux",
    "rel_l2_error_clean": "Eq. A.5, against the clean flux",
    "flux_clean_norm": "norm of the clean flux",
}
SUFFIXES = {"_sigma": "σ of {}", "_true": "{}, true", "_obs": "{}, as observed"}

# The menus' groups in their order, and the columns of each; the rest follow from name or type.
GROUPS: dict[str, tuple[str, ...]] = {
    "Latents": (*LATENTS, "latent_norm", "w_1", "w_2"),
    "Measured": (*ABUNDANCES, *PARAMETERS),
    "True": ("snr",),
    "Measured minus true": (),
    "Quality of the fit": (
        "relative_l2_clean",
        "relative_l2_observed",
        "rel_l2_error",
        "rel_l2_error_clean",
        "flux_clean_norm",
        "chi2_reduced",
    ),
    "Flags and classes": (),
    "Errors and correlations": (),
    "More": (),
}
MISSING = 255  # code of an unknown category


@dataclass(frozen=True)
class Quantity:
    """One quantity of n stars: numbers (n,) float64 with NaN, or codes (n,) uint8 into `categories`."""

    name: str
    title: str
    unit: str
    description: str
    group: str
    values: np.ndarray
    categories: tuple[str, ...] = ()
    in_table: bool = True


def read(path: Path, table: pd.DataFrame) -> list[Quantity]:
    """All quantities of `table`, read from the Parquet file `path`, in the order of the menus.

    Those without a single known value are left out, as is star_id.
    """
    schema = pq.read_schema(path)
    found = []
    for name in table.columns:
        if name == "star_id":
            continue
        words = {key.decode(): value.decode() for key, value in (schema.field(name).metadata or {}).items()}
        values, categories = _encoded(table[name])
        group = _group(name, bool(categories))
        found.append(
            Quantity(name, title(name), words.get("unit", ""), words.get("description", ""), group, values, categories)
        )
    found += _derived(table)
    order = list(GROUPS)
    known = [q for q in found if np.isfinite(q.values).any() and not (q.categories and (q.values == MISSING).all())]
    return sorted(known, key=lambda q: (order.index(q.group), _place(q)))


def _place(quantity: Quantity) -> int:
    listed = GROUPS[quantity.group]
    return listed.index(quantity.name) if quantity.name in listed else len(listed)


def title(name: str) -> str:
    """A column's name as a reader knows it."""
    if name in TITLES:
        return TITLES[name]
    for suffix, pattern in SUFFIXES.items():
        if name.endswith(suffix) and name.removesuffix(suffix) in TITLES:
            return pattern.format(TITLES[name.removesuffix(suffix)])
    return name


def _group(name: str, is_category: bool) -> str:
    if is_category:
        return "Flags and classes"
    for group, names in GROUPS.items():
        if name in names:
            return group
    if name.endswith(("_true", "_obs")):
        return "True"
    if name.endswith("_sigma") or name.startswith("rho_"):
        return "Errors and correlations"
    return "More"


def _encoded(column: pd.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(np.uint8), ("no", "yes")
    if pd.api.types.is_float_dtype(column) or (pd.api.types.is_integer_dtype(column) and column.nunique() > 12):
        return column.to_numpy(float), ()
    text = column.astype(str).where(column.notna(), None)
    categories = sorted(text.dropna().unique())
    if len(categories) >= MISSING:  # no category then, but free text: nothing to draw
        return np.full(len(column), np.nan), ()
    codes = pd.Categorical(text, categories).codes
    return np.where(codes < 0, MISSING, codes).astype(np.uint8), tuple(categories)


def _derived(table: pd.DataFrame) -> list[Quantity]:
    true = true_labels(table)
    usable = np.isfinite(table["z_m"].to_numpy(float))
    found = []
    for name, shown in (ABUNDANCES | PARAMETERS).items():
        unit = "K" if name == "teff" else "dex"
        delta = table[name].to_numpy(float) - true[name].to_numpy()
        meaning = f"{name} minus {name}_true"
        found.append(Quantity(f"delta_{name}", f"Δ {shown}", unit, meaning, "Measured minus true", delta, (), False))
    for name, of in (("rel_l2_error_clean", "clean"), ("rel_l2_error", "observed")):
        root = np.sqrt(table[name].to_numpy(float))
        meaning = f"square root of {name}"
        shown = f"relative L² error, {of}"
        found.append(Quantity(f"relative_l2_{of}", shown, "", meaning, "Quality of the fit", root, (), False))
    known = np.isfinite(true[["feh", "c_fe", "alpha_fe"]].to_numpy()).all(axis=1)
    cemp, poor = CLASSES["cemp"].member(true), CLASSES["alpha_pmp"].member(true)
    codes = np.where(known, cemp + 2 * poor, MISSING).astype(np.uint8)
    names = ("neither", "CEMP", "αPMP", "both")
    meaning = "class by the true abundances"
    found.append(Quantity("class_true", "class, true", "", meaning, "Flags and classes", codes, names, False))
    found += _outcomes(table, {"cemp": cemp, "alpha_pmp": poor}, known & usable)
    return found


def _outcomes(table: pd.DataFrame, members: dict[str, np.ndarray], known: np.ndarray) -> list[Quantity]:
    """For each flag of a class, whether it is right."""
    found = []
    for name, flag in FLAGS.items():
        codes = np.where(known, members[name] + 2 * table[flag].to_numpy(bool), MISSING).astype(np.uint8)
        kinds = ("rightly not flagged", "missed", "false alarm", "found")
        shown = f"{CLASSES[name].title}: {flag} against truth"
        meaning = f"{flag} against the class by the true abundances"
        found.append(Quantity(f"outcome_{name}", shown, "", meaning, "Flags and classes", codes, kinds, False))
    return found
