"""The catalog of a user's spectra: read, put on the pixels and written, star by star."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from halochem import __version__, progress
from halochem.errors import UserError
from halochem.files import LABELS, SCHEMA_VERSION, STATUS_FAILED, STATUS_MEANING, STATUS_OK
from halochem.ingest import continuum, spectrum_file
from halochem.ingest.pixels import OnPixels, Resampler
from halochem.ingest.spectrum_file import Unusable
from halochem.whole_file import create_hdf5

log = logging.getLogger("halochem")
# Stars of a stored block.
BLOCK_ROWS = 16
# A normalised spectrum's median flux lies here, whatever its lines.
NORMALISED = (0.2, 1.5)


@dataclass
class Way:
    """How a file becomes a spectrum on the model's pixels."""

    resampler: Resampler
    medium: str  # air or vacuum
    fit_continuum: bool
    form: str | None = None  # specutils' name of the files' format

    def attributes(self) -> dict[str, str]:
        """What the catalog says of it."""
        sampler = self.resampler
        own = {"resolution": sampler.resolution, "fwhm": sampler.fwhm}
        said = next((f"{name} {value:g}" for name, value in own.items() if value is not None), "as is")
        return {
            "resolution": "" if said == "as is" else f"{sampler.target:g}",
            "measured_width": said,
            "measured_medium": self.medium,
            "continuum": "polynomial" if self.fit_continuum else "given",
        }


def spectrum_of(star: pd.Series, way: Way) -> OnPixels:
    """One star's spectrum on the pixels, continuum = 1. Raises Unusable with the reason."""
    measured = spectrum_file.read(star["file"], way.form)
    try:
        found = way.resampler.apply(measured, star["rv"], way.medium)
        good = ~found.bad
        level = np.ones(len(good))
        if way.fit_continuum:
            level = continuum.fit(way.resampler.pixels, found.flux, found.sigma, good)
        flux = np.where(good, found.flux / level, 1)
        low, high = NORMALISED
        if not low < np.median(flux[good]) < high:
            raise Unusable(
                f"median flux {np.median(flux[good]):.3g}, not divided by its continuum; give --continuum polynomial"
            )
    except Unusable as reason:
        raise Unusable(f"{star['file']}: {reason}") from None
    if found.sigma is not None:
        sigma = np.where(good, found.sigma / level, 1)
    elif np.isfinite(star.get("snr", np.nan)):
        sigma = np.full(len(good), 1 / star["snr"])
    else:
        raise Unusable(f"{star['file']}: no standard deviation of the flux; add it, or snr to the table of stars")
    return OnPixels(flux, sigma, found.bad)


def write(out: Path, stars: pd.DataFrame, way: Way) -> None:
    """Write the catalog `out` (docs/files.md). Raises UserError when no star has a usable spectrum."""
    pixels = way.resampler.pixels
    faults: dict[int, str] = {}
    with create_hdf5(out) as file:
        file.attrs.update({"schema_version": SCHEMA_VERSION, "halochem_version": __version__, **way.attributes()})
        file.create_dataset("wavelength", data=pixels, fletcher32=True).attrs["unit"] = "Angstrom (air)"
        _write_labels(file, stars)
        _create_pixels(file, len(stars), len(pixels))
        blocks = range(0, len(stars), BLOCK_ROWS)
        for first in progress.track(blocks, len(blocks), "ingest, blocks of 16 stars"):
            faults |= _write_block(file, stars.iloc[first : first + BLOCK_ROWS], first, way)
        if len(faults) == len(stars):
            raise UserError(f"no spectrum can be used; row 0: {faults[0]}")
        file.create_dataset("status_reason", data=[faults.get(row, "") for row in range(len(stars))])
    for row, fault in faults.items():
        log.warning("row %d has no spectrum: %s", row, fault)
    log.info("%s: %d stars, %d without a spectrum", out, len(stars), len(faults))


def _write_labels(file: h5py.File, stars: pd.DataFrame) -> None:
    group = file.create_group("labels")
    observed = {"teff_obs": ("K", "observed effective temperature"), "logg_obs": ("dex", "observed surface gravity")}
    for name, (unit, meaning) in (LABELS | observed).items():
        if name in stars.columns:
            values = stars[name].to_numpy().astype(bytes if name == "star_id" else float)
            group.create_dataset(name, data=values, fletcher32=True).attrs.update(unit=unit, description=meaning)


def _create_pixels(file: h5py.File, n_stars: int, n_pixels: int) -> None:
    shape = {"shape": (n_stars, n_pixels), "chunks": (min(BLOCK_ROWS, n_stars), n_pixels)}
    packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
    for name, meaning in (("flux", "observed"), ("sigma", "standard deviation of flux; neighbours are correlated")):
        data = file.create_dataset(name, dtype=np.float32, **shape, **packing)
        data.attrs.update(unit="continuum = 1", description=meaning)
    file.create_dataset("mask", dtype=bool, **shape, **packing).attrs["description"] = "true where the pixel is bad"
    file.create_dataset("status", (n_stars,), np.uint8, fletcher32=True).attrs["meaning"] = STATUS_MEANING


def _write_block(file: h5py.File, stars: pd.DataFrame, first: int, way: Way) -> dict[int, str]:
    """Write the rows from `first` on; the reasons of those without a spectrum, by row."""
    faults = {}
    shape = (len(stars), len(way.resampler.pixels))
    flux, sigma, bad = np.full(shape, np.nan, np.float32), np.ones(shape, np.float32), np.ones(shape, bool)
    for place, (_, star) in enumerate(stars.iterrows()):
        try:
            found = spectrum_of(star, way)
        except Unusable as reason:
            faults[first + place] = str(reason)
        else:
            flux[place], sigma[place], bad[place] = found.flux, found.sigma, found.bad
    rows = slice(first, first + len(stars))
    file["flux"][rows], file["sigma"][rows], file["mask"][rows] = flux, sigma, bad
    file["status"][rows] = [STATUS_FAILED if first + place in faults else STATUS_OK for place in range(len(stars))]
    return faults
