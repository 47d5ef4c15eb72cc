"""A user's own p or q: a table of observed stars turned into a density by a kernel estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from halochem.errors import UserError
from halochem.sample.density import GridDensity

MIN_STARS = 20  # fewer say little about a density in two dimensions
WIDENING = 2.0  # bandwidths by which the range of the data is widened before the density is cut
_BLOCK = 20_000  # stars at a time, so that a large survey fits in memory

PARQUET, FITS, ECSV, CSV = (".parquet", ".pq"), (".fits", ".fit", ".fits.gz"), (".ecsv",), (".csv", ".csv.gz")


@dataclass(frozen=True)
class StarTable:
    """Stars and the width of the Gaussian kernel that each becomes; a halochem.sample.halo.Source."""

    name: str
    stars: np.ndarray  # (n, 2): [Fe/H] and [C/Fe] or [alpha/Fe], dex
    bandwidth: np.ndarray  # (2,) kernel standard deviation, dex

    @classmethod
    def read(cls, path: Path | str, y_name: str, bandwidth: float | None) -> StarTable:
        """Read columns feh and `y_name` (c_fe or alpha_fe) of a CSV, ECSV, FITS or Parquet table.

        bandwidth: kernel width in units of each column's standard deviation; None: Scott's n^(-1/6).
        Raises UserError where the file, a column or a row is not as it should be.
        """
        path = Path(path)
        stars = _columns(path, _read(path), ("feh", y_name))
        spread = stars.std(axis=0, ddof=1)
        for name, width in zip(("feh", y_name), spread, strict=True):
            if not width > 0:
                raise UserError(f"{path}: column {name}: all stars have the same value; a density needs a spread")
        factor = len(stars) ** (-1 / 6) if bandwidth is None else bandwidth
        return cls(str(path), stars, factor * spread)

    @property
    def feh_range(self) -> tuple[float, float]:
        """Where the density is cut in [Fe/H], dex."""
        return self._range(0)

    @property
    def y_range(self) -> tuple[float, float]:
        """Where the density is cut in the other abundance, dex."""
        return self._range(1)

    def _range(self, column: int) -> tuple[float, float]:
        values, margin = self.stars[:, column], WIDENING * self.bandwidth[column]
        return float(values.min() - margin), float(values.max() + margin)

    def on_grid(self, feh_edges: np.ndarray, y_edges: np.ndarray) -> GridDensity:
        """The kernel estimate's exact integral over each cell, normalised over the grid.

        The kernel is separable, so each star adds an outer product: no sampling of the kernel, no binning.
        """
        mass = np.zeros((len(feh_edges) - 1, len(y_edges) - 1))
        for start in range(0, len(self.stars), _BLOCK):
            block = self.stars[start : start + _BLOCK]
            per_axis = [
                np.diff(ndtr((edges - block[:, [axis]]) / self.bandwidth[axis]), axis=1)
                for axis, edges in enumerate((feh_edges, y_edges))
            ]
            mass += per_axis[0].T @ per_axis[1]
        return GridDensity.of(feh_edges, y_edges, mass)


def _read(path: Path) -> pd.DataFrame:
    """A table by the ending of its name."""
    if not path.is_file():
        raise UserError(f"{path}: no such table of stars; check sample.p_table and sample.q_table")
    name = path.name.lower()
    if not name.endswith(PARQUET + FITS + ECSV + CSV):
        raise UserError(f"{path}: unknown kind of table; expected a name ending in .csv, .ecsv, .fits or .parquet")
    try:
        if name.endswith(PARQUET):
            return pd.read_parquet(path)
        if name.endswith(CSV):
            return pd.read_csv(path, comment="#", skipinitialspace=True)
        return _read_astropy(path, "ascii.ecsv" if name.endswith(ECSV) else "fits")
    except Exception as error:  # the readers raise a dozen kinds; whichever it is, the file is not a table
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: not a readable table ({reason[:200]}); write it anew") from None


def _read_astropy(path: Path, format_name: str) -> pd.DataFrame:
    from astropy.table import Table

    table = Table.read(path, format=format_name)
    flat = [name for name in table.colnames if table[name].ndim == 1]  # a table of a survey has vectors too
    return table[flat].to_pandas()


def _columns(path: Path, frame: pd.DataFrame, names: tuple[str, str]) -> np.ndarray:
    """The named columns as finite numbers, shape (n, 2)."""
    for name in names:
        if name not in frame.columns:
            found = ", ".join(map(str, frame.columns)) or "none"
            raise UserError(f"{path}: column {name} is missing; expected {' and '.join(names)}, found {found}")
    numbers = np.column_stack(
        [pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan) for name in names]
    )
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, column = bad[0]
        value = frame[names[column]].iloc[row]
        raise UserError(
            f"{path}: row {row} (the first is 0), column {names[column]}: expected a finite number, "
            f"got {value}; leave such stars out"
        )
    if len(numbers) < MIN_STARS:
        raise UserError(f"{path}: {len(numbers)} stars; expected at least {MIN_STARS} to estimate a density")
    return numbers
