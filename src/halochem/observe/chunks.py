"""Chunks of clean spectra, checked against the labels and each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from halochem import stored
from halochem.errors import UserError
from halochem.files import STAR_LABELS, open_hdf5
from halochem.untrusted import one_line

# Attributes that differ from chunk to chunk by nature; a run on mixed hosts may mix compilers.
_OWN = {"first_row", "compiler"}


@dataclass
class Chunk:
    """One chunk's place in the catalog."""

    path: Path
    rows: range
    attributes: dict[str, str]


def survey(paths: list[Path], labels: pd.DataFrame, labels_path: Path) -> tuple[list[Chunk], np.ndarray]:
    """The chunks in order of their rows, and their wavelength grid [Å], after checking that they fit together.

    Every star of the label table must be there once, in chunks made with the same settings. Raises UserError.
    """
    chunks, wavelength = [], None
    for path in paths:
        chunk, grid = _inspect(path, labels, labels_path)
        if wavelength is not None and not np.array_equal(grid, wavelength):
            raise UserError(f"{path}: its wavelengths differ from those of {chunks[0].path}; compute both anew")
        if chunks:
            _refuse_other_settings(chunks[0], chunk)
        wavelength = grid
        chunks.append(chunk)
    chunks.sort(key=lambda chunk: chunk.rows.start)
    _refuse_gaps(chunks, len(labels), labels_path)
    assert wavelength is not None
    return chunks, wavelength


def _refuse_gaps(chunks: list[Chunk], n_stars: int, labels_path: Path) -> None:
    expected = 0
    for chunk in chunks:
        if chunk.rows.start < expected:
            raise UserError(f"{chunk.path}: its row {chunk.rows.start} is in another chunk too; give each row once")
        if chunk.rows.start > expected:
            break
        expected = chunk.rows.stop
    if expected != n_stars:
        missing = min((chunk.rows.start for chunk in chunks if chunk.rows.start > expected), default=n_stars)
        raise UserError(
            f"{labels_path}: rows {expected} to {missing - 1} are in none of the {len(chunks)} chunks; "
            "`halochem synthesize --chunk K` computes one"
        )


def _inspect(path: Path, labels: pd.DataFrame, labels_path: Path) -> tuple[Chunk, np.ndarray]:
    with open_hdf5(path, "synthesize") as file:
        try:
            first = int(file.attrs["first_row"])
            star_id = stored.column(file["star_id"]).tolist()
            own = {name: file["labels"][name][:] for name in STAR_LABELS}
            wavelength = file["wavelength"][:]
            complete = file["flux"].shape == (len(star_id), len(wavelength))
            attributes = {name: str(value) for name, value in file.attrs.items()}
        except stored.FAULTS as error:
            reason = one_line(error)
            raise UserError(f"{path}: not a whole chunk ({reason}); delete it and compute it anew") from None
    if not complete:
        raise UserError(f"{path}: /flux does not fit its stars and wavelengths; delete it and compute it anew")
    if not 0 <= first < len(labels):
        raise UserError(f"{path}: its first row is {first}, but {labels_path} has {len(labels)}; compute it anew")
    rows = range(first, first + len(star_id))
    if list(labels["star_id"].iloc[rows.start : rows.stop]) != star_id:
        raise UserError(f"{path}: its stars are not rows {rows.start} to {rows.stop - 1} of {labels_path}")
    for name, values in own.items():
        # The same stars drawn anew under another configuration keep their identifiers.
        if not np.array_equal(values, labels[name].iloc[rows.start : rows.stop]):
            raise UserError(f"{path}: computed for another {name} than {labels_path} has; compute it anew")
    return Chunk(path, rows, attributes), wavelength


def _refuse_other_settings(first: Chunk, other: Chunk) -> None:
    for name in sorted((first.attributes.keys() | other.attributes.keys()) - _OWN):
        ours, theirs = first.attributes.get(name), other.attributes.get(name)
        if ours != theirs:
            raise UserError(
                f"{other.path}: made with {name} {theirs}, {first.path} with {ours}; compute one of them anew"
            )


def read(chunk: Chunk, rows: range) -> dict[str, np.ndarray]:
    """flux, status, status_reason, out_of_grid, atmosphere_note of rows of the catalog that lie in a chunk.

    Raises UserError if the file is damaged.
    """
    place = slice(rows.start - chunk.rows.start, rows.stop - chunk.rows.start)
    try:
        with open_hdf5(chunk.path, "synthesize") as file:
            data = {name: file[name][place] for name in ("flux", "status", "out_of_grid")}
            data |= {name: file[name].asstr()[place] for name in ("status_reason", "atmosphere_note")}
            return data
    except stored.FAULTS as error:
        raise UserError(f"{chunk.path}: damaged ({one_line(error)}); delete it and compute it anew") from None
