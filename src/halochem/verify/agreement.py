"""What can be wrong between products of one catalog: each function yields faults in words.

The later product of the two is the one at fault, and is made anew by the stage that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from halochem.files import LABELS, STATUS_FAILED
from halochem.verify.content import rows_in_words

# column of the table -> label of the catalog
LABELS_OF_TABLE = {f"{name}_true": name for name in ("teff", "logg", "feh", "c_fe", "alpha_fe")}
LABELS_OF_TABLE |= {name: name for name in ("teff_obs", "logg_obs", "snr")}


def _same_stars(frame: pd.DataFrame, other: pd.DataFrame, name: str) -> str | None:
    if len(frame) != len(other):
        return f"{len(frame)} stars, but {len(other)} in {name}"
    differs = (frame["star_id"].to_numpy() != other["star_id"].to_numpy()).astype(bool)
    if differs.any():
        return f"star_id, {rows_in_words(frame, differs)}: not the star that {name} has there"
    return None


def _differing(frame: pd.DataFrame, values: pd.Series, others: pd.Series) -> str | None:
    ours, theirs = values.to_numpy(), others.to_numpy()
    differs = ~((ours == theirs) | (pd.isna(ours) & pd.isna(theirs)))
    if not differs.any():
        return None
    row = np.flatnonzero(differs)[0]
    return f"{rows_in_words(frame, differs)}: {ours[row]}, but {theirs[row]}"


def labels_and_stars(stars: pd.DataFrame, labels: pd.DataFrame) -> Iterator[str]:
    """A catalog's or chunk's stars (`content.read_stars`) against the label table."""
    first = stars.attrs.get("first_row", 0)
    whole = "snr" in stars  # a catalog
    labels = labels if whole else labels.iloc[first : first + len(stars)]
    fault = _same_stars(stars, labels, "the label table")
    if fault:
        yield fault
        return
    for name in (name for name in LABELS if name in stars and name != "star_id"):
        fault = _differing(stars, stars[name], labels[name])
        if fault:
            yield f"/labels/{name}, {fault} in the label table"


def table_and_catalog(table: pd.DataFrame, stars: pd.DataFrame) -> Iterator[str]:
    """A table against its catalog's stars (`content.read_stars`)."""
    fault = _same_stars(table, stars, "the catalog")
    if fault:
        yield fault
        return
    pairs = {column: stars[label] for column, label in LABELS_OF_TABLE.items() if label in stars}
    # A spectrum with a NaN in it counts as none.
    pairs["status"] = stars["status"].where(stars["usable"], STATUS_FAILED)
    for column, others in pairs.items():
        fault = _differing(table, table[column], others)
        if fault:
            yield f"column {column}, {fault} in the catalog"


def evaluation_and_table(evaluation: dict[str, Any], table: pd.DataFrame) -> Iterator[str]:
    """An evaluation's counts against its table."""
    usable = table["status"] != STATUS_FAILED
    counts = {"n_stars": len(table), "n_failed": int((~usable).sum())}
    counts |= {f"n_{split}": int((usable & (table["split"] == split)).sum()) for split in ("train", "test")}
    for name, count in counts.items():
        if evaluation.get(name, count) != count:
            yield f"{name} is {evaluation[name]}, but {count} in the table"
