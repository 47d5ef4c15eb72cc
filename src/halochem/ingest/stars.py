"""The table of a user's stars: where each spectrum is, and what is known of the star."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.files import LABELS
from halochem.untrusted import MB, check_unpacked, one_line

SIZE_LIMIT, MOST_ROWS = 4096 * MB, 10**8

KNOWN = (*(name for name in LABELS if name != "star_id"), "teff_obs", "logg_obs")
ABOVE_ZERO = ("teff", "snr", "teff_obs")


def read(path: Path) -> pd.DataFrame:
    """One row a star: `file` (a path), `star_id`, `rv` [km/s], and those of KNOWN that the table has.

    Without a column star_id the files' names serve; without rv it is 0. An unknown number (NaN) is allowed in the
    columns of KNOWN alone.
    """
    frame = _table(path)
    if "file" not in frame.columns:
        raise UserError(f"{path}: column file is missing; expected one row a star with the name of its spectrum")
    if frame.empty:
        raise UserError(f"{path}: no star in it; expected one row a star")
    names = frame["file"].astype(str)
    stars = pd.DataFrame({"file": [path.parent / name for name in names]})
    ids = frame["star_id"].astype(str) if "star_id" in frame.columns else names.map(lambda name: Path(name).stem)
    stars["star_id"] = ids.to_numpy()
    _check_ids(path, stars["star_id"])
    stars["rv"] = _numbers(path, frame, "rv") if "rv" in frame.columns else 0.0
    for row in np.flatnonzero(~(stars["rv"].abs() < 3e5)):
        raise UserError(f"{path}: row {row}, rv: expected a velocity in km/s, got {stars['rv'][row]:g}")
    for name in KNOWN:
        if name in frame.columns:
            stars[name] = _numbers(path, frame, name)
    return stars


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such table of stars")
    check_unpacked(path, SIZE_LIMIT)
    try:
        frame = _frame(path)
    except Exception as error:  # three readers, each with exceptions of its own
        raise UserError(f"{path}: not readable ({one_line(error)})") from None
    if frame is not None:
        if frame.columns.duplicated().any():
            raise UserError(f"{path}: column {one_line(frame.columns[frame.columns.duplicated()][0])} is there twice")
        return frame
    raise UserError(f"{path}: expected a table whose name ends in .csv, .ecsv, .fits or .parquet")


def _frame(path: Path) -> pd.DataFrame | None:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        # Runs of one value pack without limit.
        if pq.read_metadata(path).num_rows > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows")
        return pd.read_parquet(path)
    if path.suffix == ".csv":
        return pd.read_csv(path, comment="#", skipinitialspace=True)
    if path.suffix in (".ecsv", ".fits"):
        from astropy.table import Table

        return Table.read(path).to_pandas()
    return None


def _check_ids(path: Path, ids: pd.Series) -> None:
    foreign = ids[~ids.map(lambda name: name.isascii() and bool(name))]
    if len(foreign):
        raise UserError(f"{path}: row {foreign.index[0]}: star_id {foreign.iloc[0]!r}, expected ASCII characters")
    twice = ids[ids.duplicated()]
    if len(twice):
        raise UserError(f"{path}: row {twice.index[0]}: star_id {twice.iloc[0]} occurs twice; each star needs its own")


def _numbers(path: Path, frame: pd.DataFrame, name: str) -> np.ndarray:
    try:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: column {name}: expected numbers ({one_line(error)})") from None
    given = frame[name].notna().to_numpy() & (frame[name].astype(str).str.strip() != "").to_numpy()
    bad = given & ~np.isfinite(values) | (name in ABOVE_ZERO) & (values <= 0)
    for row in np.flatnonzero(bad):
        kind = "a number above 0" if name in ABOVE_ZERO else "a number"
        raise UserError(f"{path}: row {row}, {name}: expected {kind}, got {frame[name].iloc[row]}")
    return values
