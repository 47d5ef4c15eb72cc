"""The catalog: clean spectra made into observed ones and written to HDF5, chunk by chunk."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from halochem import progress
from halochem.config import Observe
from halochem.files import LABELS, SCHEMA_VERSION, STATUS_MEANING
from halochem.observe import chunks as chunk_files
from halochem.observe.noise import jitter, noise
from halochem.whole_file import create_hdf5

log = logging.getLogger("halochem")

# Fluxes are rounded to a multiple of this (at most 8e-6 off, 1/2600 of the noise at S/N 50): without their last bits
# they compress to two thirds of the size.
QUANTUM = 2.0**-16
# Rows of a stored block: one read of a star touches few others, and a block of pixels compresses well.
BLOCK_ROWS = 16
# Stars in memory at a time, whatever the chunks hold.
PORTION = 64 * BLOCK_ROWS

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
    """Write the catalog `out`; memory holds a portion of the stars at a time. `attributes` go to the file's root."""
    n_stars, n_pixels = len(labels), len(wavelength)
    with create_hdf5(out) as file:
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
        portions = [(chunk, rows) for chunk in chunks for rows in portions_of(chunk.rows)]
        # The noise of the next portion is drawn while this one is compressed.
        with ThreadPoolExecutor(1) as pool:
            drawn = pool.submit(noise, seed, portions[0][1], n_pixels)
            for place, (chunk, rows) in enumerate(progress.track(portions, len(portions), "portions")):
                unit_noise = drawn.result()
                if place + 1 < len(portions):
                    drawn = pool.submit(noise, seed, portions[place + 1][1], n_pixels)
                _write_portion(file, chunk, rows, sigma, unit_noise)


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


def portions_of(rows: range) -> list[range]:
    """Rows in pieces of at most PORTION that begin at whole stored blocks of the catalog."""
    cuts = range(-(-rows.start // PORTION) * PORTION, rows.stop, PORTION)
    bounds = sorted({rows.start, *cuts, rows.stop})
    return [range(first, last) for first, last in pairwise(bounds)]


def _write_portion(
    file: h5py.File, chunk: chunk_files.Chunk, rows: range, sigma: np.ndarray, unit_noise: np.ndarray
) -> None:
    data = chunk_files.read(chunk, rows)
    place = slice(rows.start, rows.stop)
    clean = data["flux"]
    file["flux_clean"][place] = _rounded(clean)
    unit_noise *= sigma[place]
    unit_noise += clean
    file["flux"][place] = _rounded(unit_noise)
    for name in ("status", "out_of_grid", "status_reason", "atmosphere_note"):
        file[name][place] = data[name]


def _rounded(flux: np.ndarray) -> np.ndarray:
    result = flux * np.float32(1.0 / QUANTUM)
    np.rint(result, out=result)
    result *= np.float32(QUANTUM)
    return result
