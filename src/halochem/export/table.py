"""A table to export: some columns and rows of a Parquet file, and what its metadata says of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem.errors import UserError

EXAMPLE = "\"split == 'test' and feh < -2\""
PREFIX = "halochem."


@dataclass(frozen=True)
class Described:
    """What is known of a column; "" where nothing is."""

    unit: str
    ucd: str
    description: str

    @property
    def is_gravity(self) -> bool:
        """Whether a unit of dex is that of cm/s2."""
        return self.ucd.startswith("phys.gravity")


@dataclass
class Export:
    """The part of a table that is exported."""

    path: Path
    frame: pd.DataFrame
    described: dict[str, Described]  # by column
    origin: dict[str, str]  # where the table comes from: seed, versions, hashes


def read(path: Path, columns: Sequence[str] | None = None, condition: str | None = None) -> Export:
    """Read `columns` (all without it) of the rows where `condition`, in the words of pandas' query, is true."""
    if not path.is_file():
        raise UserError(f"{path}: no such table; `halochem encode` makes one")
    try:
        whole = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew") from None
    frame = whole.to_pandas()
    names = _known(path, list(frame.columns), columns)
    if condition is not None:
        frame = frame[_selected(path, frame, condition)]
    metadata = {key.decode(): value.decode() for key, value in (whole.schema.metadata or {}).items()}
    # The calibration is the encoder's affair, and long.
    origin = {key.removeprefix(PREFIX): value for key, value in metadata.items() if key.startswith(PREFIX)}
    origin.pop("calibration", None)
    described = {name: _describe(whole.schema.field(name)) for name in names}
    return Export(path, frame[names].reset_index(drop=True), described, origin)


def _known(path: Path, there: list[str], wanted: Sequence[str] | None) -> list[str]:
    names = there if wanted is None else list(wanted)
    for place, name in enumerate(names):
        if name not in there:
            near = difflib.get_close_matches(name, there, n=3)
            raise UserError(f"{path}: no column {name!r}; " + (f"near it: {', '.join(near)}" if near else "see --help"))
        if name in names[:place]:
            raise UserError(f"--columns: {name} is there twice")
    return names


def _selected(path: Path, frame: pd.DataFrame, condition: str) -> np.ndarray:
    try:
        chosen = frame.eval(condition, engine="python")
    except Exception as error:  # pandas raises anything here, Python's SyntaxError among it
        words = " ".join(str(error).split())
        raise UserError(f"--rows {condition!r}: {words}; expected a condition on columns, as {EXAMPLE}") from None
    if not (isinstance(chosen, pd.Series) and chosen.dtype == bool and len(chosen) == len(frame)):
        raise UserError(f"--rows {condition!r}: not true or false for each row; expected a condition, as {EXAMPLE}")
    return chosen.to_numpy()


def _describe(field: pa.Field) -> Described:
    metadata = field.metadata or {}
    return Described(*(metadata.get(key, b"").decode() for key in (b"unit", b"ucd", b"description")))
