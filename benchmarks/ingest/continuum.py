"""How far off the polynomial continuum of `halochem ingest` is, on spectra whose continuum is known:

    python benchmarks/ingest/continuum.py [results/catalogs/halo-1.h5]

Observed spectra of a catalog, continuum 1, are multiplied by a black body of the star's Teff and a wave of 30 %, and
the continuum fitted to that is compared with what they were multiplied by.
"""

from __future__ import annotations

import itertools
import sys

import h5py
import numpy as np

from halochem.ingest import continuum

STARS = 200
TEFF = (3000, 4000, 5000, 6000, 7000)  # K
WAVELENGTH = (4000, 4500, 6000, 10400)  # Å


def energy_distribution(wavelength: np.ndarray, teff: float) -> np.ndarray:
    """A black body, its median 1, with a wave: (p,)."""
    micron = wavelength / 1e4
    black = micron**-5 / np.expm1(14388 / (micron * teff))
    return black / np.median(black) * (1 + 0.3 * np.sin(3 * np.log(wavelength / 4000) + 0.5))


def main(path: str) -> None:
    """Print the table of docs/how-to/own-spectra.md."""
    with h5py.File(path) as file:
        rows = np.arange(0, len(file["flux"]), max(len(file["flux"]) // STARS, 1))
        wavelength, teff = file["wavelength"][:], file["labels/teff"][:][rows]
        # One row at a time: a list of rows far apart takes HDF5 minutes.
        flux, sigma = (np.stack([file[name][row] for row in rows]) for name in ("flux", "sigma"))
    error = np.empty(flux.shape)
    for k in range(len(rows)):
        true = energy_distribution(wavelength, teff[k])
        found = continuum.fit(wavelength, flux[k] * true, sigma[k] * true, np.ones(len(wavelength), bool))
        error[k] = found / true - 1
    print("| Teff [K] | " + " | ".join(f"{a}-{b} Å" for a, b in itertools.pairwise(WAVELENGTH)) + " |")
    for low, high in itertools.pairwise(TEFF):
        stars = (teff >= low) & (teff < high)
        cells = []
        for first, last in itertools.pairwise(WAVELENGTH):
            pixels = (wavelength >= first) & (wavelength < last)
            cells.append(f"{100 * np.median(np.sqrt(np.mean(error[stars][:, pixels] ** 2, axis=1))):.0f} %")
        print(f"| {low}-{high} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["results/catalogs/halo-1.h5"]))
