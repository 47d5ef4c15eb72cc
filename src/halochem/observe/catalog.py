"""The catalog: clean spectra made into observed ones and written to HDF5, chunk by chunk."""

from __future__ import annotations

import logging
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from halochem import progress
from halochem.config import Observe
from halochem.files import HDF5_FORMAT, LABELS, SCHEMA_VERSION, STATUS_MEANING, atomic
from halochem.observe import chunks as chunk_files
from halochem.observe.noise import jitter, noise

log = logging.getLogger("halochem")

# Fluxes are rounded to a multiple of this (at most 8e-6 off, 1/2600 of the noise at S/N 50): without their last bits
# they compress to two thirds of the size.
QUANTUM = 2.0**-16
# Rows of a stored block: one read of a star touches few others, and a block of pixels compresses well.
BLOCK_ROWS = 16

JITTERED = {
    "teff_obs": ("K", "effective temperature with the observer's error"),
    "logg_obs": ("dex", "surface gravity with the observer's error"),
}


def write(
    out: Path,
    labels: pd.DataFrame,
    chunks: list[chunk_files.Chunk],
    wavelength: np.ndarray,
    observe: Observe,
    seed: int,
    attributes: dict[str, str],
) -> None:
    """Write the catalog `out`; memory holds one chunk at a time. `attributes` go to the file's root."""
    n_stars, n_pixels = len(labels), len(wavelength)
    with atomic(out) as temporary, h5py.File(temporary, "w", libver=HDF5_FORMAT) as file:
        file.attrs.update({"schema_version": SCHEMA_VERSION, "flux_quantum": QUANTUM, **attributes})
        file.create_dataset("wavelength", data=wavelength, fletcher32=True).attrs["unit"] = "Angstrom (air)"
        _write_labels(file, labels, observe, seed)
        sigma = (1.0 / labels["snr"].to_numpy()).astype(np.float32)[:, None]
        file.create_dataset("sigma", data=sigma, fletcher32=True).attrs.update(
            unit="continuum = 1", description="standard deviation of flux, each pixel"
        )
        pixels = {
            "shape": (n_stars, n_pixels),
            "dtype": np.float32,
            "chunks": (min(BLOCK_ROWS, n_stars), n_pixels),
        }
        packing = {
            "compression": "gzip",
            "compression_opts": observe.compression,
            "shuffle": True,
            "fletcher32": True,
        }
        for name, meaning in (("flux", "observed, noise included"), ("flux_clean", "without noise")):
            file.create_dataset(name, **pixels, **packing).attrs.update(unit="continuum = 1", description=meaning)
        _create_status(file, n_stars)
        for chunk in progress.track(chunks, len(chunks), "chunks"):
            _write_chunk(file, chunk, sigma, seed)


def _write_labels(file: h5py.File, labels: pd.DataFrame, observe: Observe, seed: int) -> None:
    group = file.create_group("labels")
    for name, (unit, meaning) in LABELS.items():
        values = labels[name].to_numpy().astype(bytes if name == "star_id" else float)
        group.create_dataset(name, data=values, fletcher32=True).attrs.update(unit=unit, description=meaning)
    true = labels[["teff", "logg"]].to_numpy()
    observed = jitter(seed, range(len(labels)), true, observe.jitter)
    for (name, (unit, meaning)), values in zip(JITTERED.items(), observed.T, strict=True):
        group.create_dataset(name, data=values, fletcher32=True).attrs.update(unit=unit, description=meaning)


def _create_status(file: h5py.File, n_stars: int) -> None:
    text = h5py.string_dtype("utf-8")
    file.create_dataset("status", (n_stars,), np.uint8, fletcher32=True).attrs["meaning"] = STATUS_MEANING
    file.create_dataset("out_of_grid", (n_stars,), bool, fletcher32=True).attrs["description"] = (
        "the atmosphere is that at the nearest edge of the grid; atmosphere_note says of what"
    )
    file.create_dataset("status_reason", (n_stars,), text)
    file.create_dataset("atmosphere_note", (n_stars,), text)


def _write_chunk(file: h5py.File, chunk: chunk_files.Chunk, sigma: np.ndarray, seed: int) -> None:
    data = chunk_files.read(chunk)
    place = slice(chunk.rows.start, chunk.rows.stop)
    clean = data["flux"]
    file["flux_clean"][place] = _rounded(clean)
    file["flux"][place] = _rounded(clean + sigma[place] * noise(seed, chunk.rows, clean.shape[1]))
    for name in ("status", "out_of_grid", "status_reason", "atmosphere_note"):
        file[name][place] = data[name]


def _rounded(flux: np.ndarray) -> np.ndarray:
    return (np.round(flux / QUANTUM) * QUANTUM).astype(np.float32)
