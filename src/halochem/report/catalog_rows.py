"""Some rows of a catalog, without the rest: a whole catalog is gigabytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from halochem.errors import UserError

BLOCK = 256  # rows decompressed at a time


def check(path: Path, file: h5py.File, table: pd.DataFrame) -> None:
    """Refuse a catalog that is not the table's: other stars, or another number of them."""
    for name in ("wavelength", "flux", "sigma", "labels"):
        if name not in file:
            raise UserError(f"{path}: /{name} is missing; expected the layout of docs/files.md")
    n_stars = file["flux"].shape[0]
    if n_stars != len(table):
        raise UserError(f"{path}: {n_stars} stars, but the table has {len(table)}; give its own catalog")
    if "star_id" in file["labels"]:
        ids = file["labels/star_id"].asstr()[:]
        differs = np.flatnonzero(ids != table["star_id"].to_numpy())
        if len(differs):
            row = differs[0]
            raise UserError(
                f"{path}: row {row} is {ids[row]}, in the table {table['star_id'].iloc[row]}; "
                "give the table's own catalog"
            )


def blocks(file: h5py.File, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]:
    """flux, flux_clean and mask (k, p) of the ascending `rows`, some at a time; None for what the file lacks."""

    def take(name: str, wanted: np.ndarray) -> np.ndarray | None:
        if name not in file:
            return None
        # One slice and a choice from it: h5py's own choice of rows is far slower.
        return file[name][wanted[0] : wanted[-1] + 1][wanted - wanted[0]]

    for block in np.unique(rows // BLOCK):
        wanted = rows[rows // BLOCK == block]
        yield take("flux", wanted), take("flux_clean", wanted), take("mask", wanted)
