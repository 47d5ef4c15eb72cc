"""What the stages hand to each other: label tables, chunks of clean spectra, catalogs.

Layouts and units are described in docs/files.md. Writes are atomic: a file is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem import stored
from halochem.errors import UserError
from halochem.untrusted import check_hdf5, one_line
from halochem.whole_file import HDF5_FORMAT as HDF5_FORMAT
from halochem.whole_file import atomic

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

MOST_STARS = 10**9
# Rows of a catalog in memory at a time where it is only looked through.
BLOCK_ROWS = 1024

# /status of chunks and catalogs
STATUS_OK, STATUS_RETRIED, STATUS_FAILED = 0, 1, 2
STATUS_MEANING = "0 computed, 1 computed by the safe second try, 2 failed (flux is NaN, see status_reason)"


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
        with pq.ParquetFile(path) as file:
            missing = [name for name in LABELS if name not in file.schema_arrow.names]
            if missing:
                raise UserError(f"{path}: column {missing[0]} is missing; a label table has {', '.join(LABELS)}")
            if file.metadata.num_rows > MOST_STARS:
                raise UserError(f"{path}: {file.metadata.num_rows} rows, expected at most {MOST_STARS} stars")
        frame = pd.read_parquet(path)
    except (*stored.FAULTS, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({one_line(error)}); make it anew") from None
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
    """A catalog; n stars, p pixels. Failed stars have NaN flux and `status` STATUS_FAILED.

    In memory all is an array. From `open_catalog`, flux, sigma, flux_clean and mask are OnDisk, read by rows.
    """

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
    first_row: int = 0  # of the file, for a block of it

    @property
    def seed(self) -> int:
        """The catalog's seed (0 for spectra that were not made here)."""
        return int(self.attributes.get("seed", 0))

    @property
    def usable(self) -> np.ndarray:
        """Stars with a spectrum: bool, shape (n,). Reads all flux, BLOCK_ROWS at a time."""
        finite = np.empty(len(self.status), bool)
        for start in range(0, len(finite), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            finite[rows] = np.isfinite(self.flux[rows]).all(axis=1)
        return (self.status != STATUS_FAILED) & finite

    def block(self, rows: slice) -> Catalog:
        """Consecutive rows as a catalog in memory."""
        by_star = {
            name: getattr(self, name) for name in ("flux", "sigma", "status", "flux_clean", "mask", "out_of_grid")
        }
        return Catalog(
            path=self.path,
            wavelength=self.wavelength,
            labels=self.labels.iloc[rows],
            attributes=self.attributes,
            first_row=self.first_row + rows.indices(len(self.status))[0],
            **{name: None if data is None else data[rows] for name, data in by_star.items()},
        )


def open_hdf5(path: Path | str, made_by: str) -> h5py.File:
    """Open an HDF5 file for reading, or raise the one line that says what is wrong with it."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem {made_by}` makes it")
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(h5py.File(path, "r"))
            check_hdf5(file, path)
        except stored.FAULTS as error:
            again = f"delete it and run `halochem {made_by}`"
            raise UserError(f"{path}: not a readable HDF5 file ({one_line(error)}); {again}") from None
        stack.pop_all()
        return file


@contextlib.contextmanager
def open_catalog(path: Path | str, clean: bool = True) -> Iterator[Catalog]:
    """A catalog whose flux, flux_clean, mask and sigma stay on disk until rows of them are asked for.

    Its layout is checked; `clean=False`: without flux_clean. Raises UserError, also later, for what is damaged.
    """
    path = Path(path)
    with open_hdf5(path, "observe") as file:
        try:
            catalog = _described(file, path, clean)
        except stored.FAULTS as error:
            raise stored.damaged(path, error) from None
        _check_layout(catalog)
        yield catalog


def read_catalog(path: Path | str, clean: bool = True) -> Catalog:
    """A catalog in memory, its layout checked; `clean=False` leaves flux_clean out."""
    with open_catalog(path, clean) as catalog:
        return catalog.block(slice(0, len(catalog.status)))


def _described(file: h5py.File, path: Path, clean: bool) -> Catalog:
    for name in ("wavelength", "flux", "sigma", "labels", "status"):
        if name not in file:
            raise UserError(f"{path}: /{name} is missing; expected the layout of docs/files.md")
    version = file.attrs.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema version {one_line(version, 40)}, expected {SCHEMA_VERSION}; make the catalog anew"
        )
    names = sorted(file["labels"], key=lambda name: (list(LABELS).index(name) if name in LABELS else len(LABELS), name))
    columns = {name: stored.column(file["labels"][name]) for name in names}
    by_rows = [name for name in ("flux", "sigma", "flux_clean", "mask") if name in file]
    on_disk = {name: stored.OnDisk(file[name], path) for name in by_rows}
    if not clean:
        on_disk.pop("flux_clean", None)
    return Catalog(
        path=path,
        wavelength=file["wavelength"][:],
        labels=pd.DataFrame(columns),
        status=file["status"][:],
        out_of_grid=file["out_of_grid"][:] if "out_of_grid" in file else None,
        attributes=dict(file.attrs),
        **on_disk,
    )


def _check_layout(catalog: Catalog) -> None:
    n_stars = catalog.flux.shape[0] if catalog.flux.shape else 0
    n_pixels = catalog.wavelength.size
    expected = {
        "wavelength": ([(n_pixels,)], "f"),
        "flux": ([(n_stars, n_pixels)], "f"),
        "flux_clean": ([(n_stars, n_pixels)], "f"),
        "mask": ([(n_stars, n_pixels)], "biu"),
        "sigma": ([(n_stars, 1), (n_stars, n_pixels)], "f"),
        "labels": ([(n_stars, catalog.labels.shape[1])], ""),
        "status": ([(n_stars,)], "biu"),
        "out_of_grid": ([(n_stars,)], "biu"),
    }
    for name, (shapes, kinds) in expected.items():
        data = getattr(catalog, name)
        if data is None:
            continue
        if data.shape not in shapes:
            raise UserError(
                f"{catalog.path}: /{name} has shape {data.shape}, expected {' or '.join(map(str, shapes))} "
                f"for {n_stars} stars of {n_pixels} pixels"
            )
        if kinds and data.dtype.kind not in kinds:
            raise UserError(f"{catalog.path}: /{name} holds {data.dtype}, expected the layout of docs/files.md")
    for name in catalog.labels:
        if name != "star_id" and catalog.labels[name].dtype.kind not in "biuf":
            raise UserError(f"{catalog.path}: /labels/{name} holds no numbers")
    seed = catalog.attributes.get("seed", 0)
    if not re.fullmatch(r"[0-9]{1,19}", str(seed)) or int(seed) >= 2**63:
        raise UserError(f"{catalog.path}: attribute seed: expected a whole number, got {one_line(seed, 40)}")
