"""What can be wrong within one product. Each function yields faults in words, without the file's name.

Reading a file is half of the check: HDF5 blocks, HDF5 structure and Parquet pages carry checksums. What a reader
raises on a damaged file is the caller's to report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from halochem.encode import columns as table_columns
from halochem.encode import elements
from halochem.encode.columns import COLUMNS, SCHEMA_VERSION, Column
from halochem.files import STATUS_FAILED, open_hdf5

BLOCK_ROWS = 512  # rows of pixels in memory at a time
# A correlation of 1 comes out as 1 + 2e-16.
ROUNDING = 1e-9
WEIGHTS, DOCUMENT, HISTORY = "weights.safetensors", "model.json", "history.csv"
SIGNIFICANT = {"unit": "unit", "ucd": "UCD", "description": "description"}


def star(frame: pd.DataFrame, row: int) -> str:
    """A row and the star in it, as faults name it."""
    return f"row {row} ({frame['star_id'].iloc[row]})"


def rows_in_words(frame: pd.DataFrame, bad: np.ndarray) -> str:
    """The first of the rows `bad` (n,), and how many more there are."""
    rows = np.flatnonzero(bad)
    return star(frame, rows[0]) + (f" and {len(rows) - 1} more" if len(rows) > 1 else "")


# --- tables ---------------------------------------------------------------------------------------------


def read_table(path: Path) -> pd.DataFrame:
    """A Parquet file with the checksums of its pages compared."""
    return pq.read_table(path, page_checksum_verification=True).to_pandas()


def table(path: Path) -> Iterator[str]:
    """Faults of a table: its columns, their metadata, their ranges, and what failed stars may hold."""
    schema = pq.read_schema(path)
    version = (schema.metadata or {}).get(b"halochem.schema_version", b"none").decode()
    if version != SCHEMA_VERSION:
        yield f"schema version {version}, expected {SCHEMA_VERSION}; encode the catalog anew"
        return
    footer = (schema.metadata or {}).get(b"halochem.elements")
    columns = COLUMNS if footer is None else table_columns.of(elements.from_json(footer.decode()))
    names = [column.name for column in columns]
    if schema.names != names:
        odd = sorted(set(schema.names) ^ set(names)) or ["their order"]
        yield f"columns are not those of docs/data-dictionary.md ({', '.join(odd)}); encode the catalog anew"
        return
    for column in columns:
        yield from _field(schema.field(column.name), column)
    frame = read_table(path)
    for column in columns:
        yield from _values(frame, column)
    yield from _stars(frame)


def _field(field, column: Column) -> Iterator[str]:
    if str(field.type).removeprefix("large_") not in (column.kind, {"float64": "double"}.get(column.kind)):
        yield f"column {column.name}: type {field.type}, expected {column.kind}"
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    for key, word in SIGNIFICANT.items():
        if metadata.get(key) != getattr(column, key):
            yield f"column {column.name}: {word} {metadata.get(key)!r}, expected {getattr(column, key)!r}"


def _values(frame: pd.DataFrame, column: Column) -> Iterator[str]:
    values = frame[column.name]
    if column.options:
        bad = ~values.isin(column.options).to_numpy()
        expected = " or ".join(column.options)
    elif column.kind in ("float64", "uint8"):
        numbers = values.to_numpy(float)
        low = -np.inf if column.low is None else column.low - ROUNDING
        high = np.inf if column.high is None else column.high + ROUNDING
        bad = np.isinf(numbers) | (numbers < low) | (numbers > high)
        expected = "finite numbers or NaN" if low == -high == -np.inf else f"{column.low} to {column.high}"
        expected = expected.replace(" to None", " or more").replace("None to ", "at most ")
    else:
        return
    if bad.any():
        first = values[np.flatnonzero(bad)[0]]
        yield f"column {column.name}, {rows_in_words(frame, bad)}: {first}, expected {expected}"


def _stars(frame: pd.DataFrame) -> Iterator[str]:
    if frame["star_id"].duplicated().any():
        yield f"star_id {frame['star_id'][frame['star_id'].duplicated()].iloc[0]} is there twice"
    failed = (frame["status"] == STATUS_FAILED).to_numpy()
    for name in ("z_m", "z_c", "z_alpha", "teff", "feh", "chi2_reduced"):
        missing = frame[name].isna().to_numpy()
        # A star whose good pixels are all outside the decoders has latents, but no chi2.
        lacking = missing & ~failed & (name != "chi2_reduced")
        if lacking.any():
            yield f"column {name}, {rows_in_words(frame, lacking)}: NaN, expected a number: it has a spectrum"
        if (~missing & failed).any():
            yield f"column {name}, {rows_in_words(frame, ~missing & failed)}: a number, but it has no spectrum"
    flagged = frame[[name for name in frame if name.startswith("flag_")]].any(axis=1).to_numpy() & failed
    if flagged.any():
        yield f"{rows_in_words(frame, flagged)}: flagged, but it has no spectrum"


# --- HDF5 -----------------------------------------------------------------------------------------------


def read_stars(path: Path) -> pd.DataFrame:
    """Labels, status and `usable` (there is a spectrum without NaN) of a catalog or chunk, one row a star."""
    with open_hdf5(path, "observe") as file:
        frame = pd.DataFrame({name: _plain(data[:]) for name, data in file["labels"].items()})
        if "star_id" in file:
            frame["star_id"] = _plain(file["star_id"][:])
        frame["status"] = file["status"][:]
        flux, usable = file["flux"], np.empty(len(frame), bool)
        for start in range(0, len(frame), BLOCK_ROWS):
            usable[start : start + BLOCK_ROWS] = np.isfinite(flux[start : start + BLOCK_ROWS]).all(axis=1)
        frame["usable"] = usable & (frame["status"] != STATUS_FAILED)
        frame.attrs["first_row"] = int(file.attrs.get("first_row", 0))
    return frame


def _plain(values: np.ndarray) -> np.ndarray:
    return np.array([value.decode() for value in values], object) if values.dtype.kind in "SO" else values


def hdf5(path: Path) -> Iterator[str]:
    """Faults of a catalog or chunk; every byte of its data is read, so that its checksums are compared."""
    with open_hdf5(path, "observe") as file:
        paths: list[str] = []
        file.visititems(lambda name, item: paths.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in paths:
            data = file[name]
            for start in range(0, data.shape[0], BLOCK_ROWS):
                data[start : start + BLOCK_ROWS]
        n_stars, n_pixels = file["flux"].shape
        for name in paths:
            expected = n_pixels if name == "wavelength" else n_stars
            if file[name].shape[0] != expected:
                yield f"/{name} has {file[name].shape[0]} rows, expected {expected}"
                return
        wavelength = file["wavelength"][:]
        if not (np.isfinite(wavelength).all() and (np.diff(wavelength) > 0).all()):
            yield "/wavelength does not increase from pixel to pixel"
        sigma = file["sigma"][:] if "sigma" in file else np.ones(1)
    frame = read_stars(path)
    if not np.isin(frame["status"], (0, 1, STATUS_FAILED)).all():
        yield f"/status holds {sorted(set(frame['status']) - {0, 1, STATUS_FAILED})[0]}, expected 0, 1 or 2"
    if frame["star_id"].duplicated().any():
        yield f"/labels/star_id: {frame['star_id'][frame['star_id'].duplicated()].iloc[0]} is there twice"
    lacking = ((frame["status"] != STATUS_FAILED) & ~frame["usable"]).to_numpy()
    if lacking.any():
        yield f"/flux, {rows_in_words(frame, lacking)}: NaN, but its status says that it was computed"
    if (sigma <= 0).any() or np.isinf(sigma).any():
        yield "/sigma holds a number that is not above 0"


# --- models and evaluations -----------------------------------------------------------------------------


def model(path: Path) -> Iterator[str]:
    """Faults of one file of a model's folder; of model.json also whether it is that of the weights beside it."""
    if path.name == WEIGHTS:
        from safetensors.numpy import load_file

        for name, tensor in load_file(path).items():
            if not np.isfinite(tensor).all():
                yield f"tensor {name} holds numbers that are not finite"
    elif path.name == HISTORY:
        epochs = pd.read_csv(path)["epoch"]
        if list(epochs) != list(range(len(epochs))):
            yield f"its epochs are not 0 to {len(epochs) - 1}, one line each"
    else:
        document(path)


def document(path: Path) -> dict:
    """A JSON object."""
    return json.loads(path.read_text(encoding="utf-8"))
