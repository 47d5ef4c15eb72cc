"""Synthetic spectra beside stars of the MILES library, 4010-7390 Å: docs/figures/miles.json.

MILES (Sánchez-Blázquez et al. 2006, MNRAS 371, 703; parameters of Cenarro et al. 2007, MNRAS 374, 664) is not part of
this repository: give the folder of its FITS files, MILES_res2.50_star_m0001V.fits and so on, as the argument.
Both spectra at the library's 2.5 Å; the observed flux is divided by a smooth curve fitted to its ratio to the
synthetic one, so that only what is narrower than that curve's knots is compared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.interpolate import LSQUnivariateSpline
from scipy.ndimage import gaussian_filter1d
from spectra import FIGURES, Synthesiser

from halochem.config import Spectrum
from halochem.synthesize.instrument import FWHM_PER_SIGMA
from halochem.synthesize.turbospectrum import Star

FWHM = 2.5  # Å
RANGE = (4010.0, 7390.0)
KNOTS = 250.0  # Å
PIECE = 200.0  # Å
GRID = 0.25  # Å, of the synthetic spectrum while it is smoothed
VELOCITIES = np.arange(-60.0, 61.0, 10.0)  # km/s: what the library's wavelengths may be off by
# MILES number -> name, and the library's Teff, log g, [Fe/H]; [alpha/Fe] as usual at that [Fe/H]
STARS = {
    734: ("HD 186427 (16 Cyg B)", Star(5762.0, 4.43, 0.07, 0.0, 0.0)),
    743: ("HD 188512 (β Aql)", Star(5041.0, 3.04, -0.04, 0.0, 0.0)),
    266: ("BD−01 1792", Star(4948.0, 3.05, -1.05, 0.0, 0.3)),
    388: ("HD 237903", Star(4070.0, 4.70, -0.18, 0.0, 0.0)),
}


def at_library_resolution(pixels: np.ndarray, flux: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
    """A spectrum at the pipeline's constant R smoothed on to FWHM Å, at `wavelength`."""
    fine = np.arange(pixels[0], pixels[-1], GRID)
    values = np.interp(fine, pixels, flux)
    smooth = np.empty_like(wavelength)
    for middle in np.arange(4000.0, 7600.0, 100.0):  # the width to add depends on wavelength, slowly
        more = np.sqrt(max(FWHM**2 - (middle / Spectrum().resolution) ** 2, 0.0)) / FWHM_PER_SIGMA / GRID
        here = np.abs(wavelength - middle) <= 50.0
        smooth[here] = np.interp(wavelength[here], fine, gaussian_filter1d(values, more) if more > 0.1 else values)
    return smooth


def normalised(wavelength: np.ndarray, observed: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """The observed flux over a spline through its ratio to the synthetic one; lines that disagree hardly count."""
    knots = np.arange(wavelength[0] + KNOTS, wavelength[-1] - KNOTS / 2, KNOTS)
    ratio, weight = observed / synthetic, np.ones(len(wavelength))
    for _ in range(4):
        curve = LSQUnivariateSpline(wavelength, ratio, knots, w=weight)(wavelength)
        off = np.abs(ratio / curve - 1)
        weight = np.where(off < 2.5 * 1.48 * np.median(off), 1.0, 1e-3)
    return observed / curve


def compare(path: Path, pixels: np.ndarray, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavelength and synthetic minus observed, at the velocity that fits best."""
    with fits.open(path) as file:
        values, header = np.squeeze(file[0].data).astype(float), file[0].header
    wavelength = header["CRVAL1"] + header["CDELT1"] * np.arange(len(values))
    inside = (wavelength >= RANGE[0]) & (wavelength <= RANGE[1])
    wavelength, values = wavelength[inside], values[inside]
    synthetic = at_library_resolution(pixels, flux, wavelength)
    residuals = []
    for velocity in VELOCITIES:
        shifted = np.interp(wavelength * (1 + velocity / 299792.458), wavelength, values)
        residuals.append(synthetic - normalised(wavelength, shifted, synthetic))
    return wavelength, min(residuals, key=np.std)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the library's FITS files")
    folder = parser.parse_args().folder
    synthesiser = Synthesiser()
    table = {}
    for number, (name, star) in STARS.items():
        path = folder / f"MILES_res2.50_star_m{number:04d}V.fits"
        wavelength, residual = compare(path, synthesiser.pixels, synthesiser(star))
        pieces = {}
        for first in np.arange(4000.0, RANGE[1], PIECE):
            inside = (wavelength >= first) & (wavelength < first + PIECE)
            pieces[f"{first:.0f}"] = round(float(np.std(residual[inside])), 4)
        table[name] = {"star": vars(star), "rms": round(float(np.std(residual)), 4), "rms_from": pieces}
    text = json.dumps(table, indent=1, ensure_ascii=False)
    (FIGURES / "miles.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
