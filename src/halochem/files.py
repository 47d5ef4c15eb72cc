"""What the stages hand to each other: label tables, chunks of clean spectra, catalogs.

Layouts and units are described in docs/files.md. Writes are atomic: a file is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem.errors import UserError

SCHEMA_VERSION = 1

# name -> (unit, meaning); the columns of results/labels/halo-{seed}.parquet, in this order
LABELS: dict[str, tuple[str, str]] = {
    "star_id": ("", "identifier, unique over catalogs"),
    "teff": ("K", "effective temperature"),
    "logg": ("dex", "log10 of the surface gravity in cgs"),
    "feh": ("dex", "[Fe/H]"),
    "c_fe": ("dex", "[C/Fe]"),
    "alpha_fe": ("dex", "[alpha/Fe], of O Ne Mg Si S Ar Ca Ti"),
    "snr": ("", "signal-to-noise ratio per pixel"),
}

# What a clean spectrum depends on.
STAR_LABELS = ("teff", "logg", "feh", "c_fe", "alpha_fe")

# HDF5 1.10 and later: the file's own structure has checksums too, so that damage is seen, where in older formats it
# may pass unnoticed or send the reader astray.
HDF5_FORMAT = ("v110", "v110")

# /status of chunks and catalogs
STATUS_OK, STATUS_RETRIED, STATUS_FAILED = 0, 1, 2
STATUS_MEANING = "0 computed, 1 computed by the safe second try, 2 failed (flux is NaN, see status_reason)"


@contextlib.contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes otherwise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sha256(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- labels ---------------------------------------------------------------------------------------------


def write_labels(frame: pd.DataFrame, path: Path | str, metadata: dict[str, str]) -> None:
    """Write a label table with unit and description of each column in its field's metadata."""
    fields = []
    for name in frame.columns:
        unit, meaning = LABELS.get(name, ("", ""))
        kind = pa.string() if name == "star_id" else pa.from_numpy_dtype(frame[name].to_numpy().dtype)
        fields.append(pa.field(name, kind, metadata={"unit": unit, "description": meaning}))
    table = pa.Table.from_pandas(frame, pa.schema(fields, metadata=metadata), preserve_index=False)
    with atomic(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def read_labels(path: Path | str) -> pd.DataFrame:
    """A label table, checked: the columns of LABELS are there and finite, star_id is unique."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such label table; `halochem sample` makes one")
    try:
        frame = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew") from None
    missing = [name for name in LABELS if name not in frame.columns]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; a label table has {', '.join(LABELS)}")
    if frame.empty:
        raise UserError(f"{path}: no star in it; expected one row a star")
    for name in LABELS:
        if name != "star_id":
            frame[name] = _numbers(frame[name], f"{path}: row", positive=name in ("teff", "snr"))
    frame["star_id"] = frame["star_id"].astype(str)
    foreign = ~frame["star_id"].map(str.isascii)
    if foreign.any():
        raise UserError(f"{path}: star_id {frame['star_id'][foreign].iloc[0]}: expected ASCII characters")
    if frame["star_id"].duplicated().any():
        twice = frame.loc[frame["star_id"].duplicated(), "star_id"].iloc[0]
        raise UserError(f"{path}: star_id {twice} occurs twice; each star needs its own")
    return frame


def _numbers(column: pd.Series, where: str, positive: bool) -> np.ndarray:
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(values) | (positive & (values <= 0)))
    if len(bad):
        kind = "a number above 0" if positive else "a finite number"
        raise UserError(f"{where} {bad[0]}, column {column.name}: expected {kind}, got {column.iloc[bad[0]]}")
    return values


# --- catalogs -------------------------------------------------------------------------------------------


@dataclass
class Catalog:
    """A catalog in memory; n stars, p pixels. Failed stars have NaN flux and `status` STATUS_FAILED."""

    path: Path
    wavelength: np.ndarray  # (p,) float64, Å, air
    flux: np.ndarray  # (n, p) float32, observed, continuum = 1
    sigma: np.ndarray  # (n, 1) or (n, p) float32, standard deviation of the flux
    labels: pd.DataFrame  # n rows: LABELS and, where known, teff_obs, logg_obs (what training may see)
    status: np.ndarray  # (n,) uint8
    flux_clean: np.ndarray | None = None  # (n, p) float32, without noise, where known
    mask: np.ndarray | None = None  # (n, p) bool, True where the pixel is bad
    out_of_grid: np.ndarray | None = None  # (n,) bool
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The catalog's seed (0 for spectra that were not made here)."""
        return int(self.attributes.get("seed", 0))

    @property
    def usable(self) -> np.ndarray:
        """Stars with a spectrum: bool, shape (n,)."""
        return (self.status != STATUS_FAILED) & np.isfinite(self.flux).all(axis=1)


def open_hdf5(path: Path | str, made_by: str) -> h5py.File:
    """Open an HDF5 file for reading, or raise the one line that says what is wrong with it."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem {made_by}` makes it")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path}: not a readable HDF5 file ({error}); delete it and run `halochem {made_by}`") from None


def read_catalog(path: Path | str, clean: bool = True) -> Catalog:
    """Read a catalog, checking its layout; `clean=False` leaves flux_clean out of memory."""
    path = Path(path)
    with open_hdf5(path, "observe") as file:
        for name in ("wavelength", "flux", "sigma", "labels", "status"):
            if name not in file:
                raise UserError(f"{path}: /{name} is missing; expected the layout of docs/files.md")
        version = int(file.attrs.get("schema_version", SCHEMA_VERSION))
        if version != SCHEMA_VERSION:
            raise UserError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; make the catalog anew")
        try:
            names = sorted(
                file["labels"], key=lambda name: (list(LABELS).index(name) if name in LABELS else len(LABELS), name)
            )
            columns = {name: _column(file["labels"][name]) for name in names}
            catalog = Catalog(
                path=path,
                wavelength=file["wavelength"][:],
                flux=file["flux"][:],
                sigma=file["sigma"][:],
                labels=pd.DataFrame(columns),
                status=file["status"][:],
                flux_clean=file["flux_clean"][:] if clean and "flux_clean" in file else None,
                mask=file["mask"][:] if "mask" in file else None,
                out_of_grid=file["out_of_grid"][:] if "out_of_grid" in file else None,
                attributes=dict(file.attrs),
            )
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: damaged ({error}); delete it and run `halochem observe`") from None
    _check_shapes(catalog)
    return catalog


def _check_shapes(catalog: Catalog) -> None:
    n_stars, n_pixels = catalog.flux.shape[0], catalog.wavelength.size
    expected = {
        "wavelength": [(n_pixels,)],
        "flux": [(n_stars, n_pixels)],
        "flux_clean": [(n_stars, n_pixels)],
        "mask": [(n_stars, n_pixels)],
        "sigma": [(n_stars, 1), (n_stars, n_pixels)],
        "labels": [(n_stars, catalog.labels.shape[1])],
        "status": [(n_stars,)],
        "out_of_grid": [(n_stars,)],
    }
    for name, shapes in expected.items():
        data = getattr(catalog, name)
        if data is not None and data.shape not in shapes:
            raise UserError(
                f"{catalog.path}: /{name} has shape {data.shape}, expected {' or '.join(map(str, shapes))} "
                f"for {n_stars} stars of {n_pixels} pixels"
            )


def _column(data: h5py.Dataset) -> np.ndarray:
    values = data[:]
    return np.array([v.decode() for v in values]) if values.dtype.kind in "SO" else values
