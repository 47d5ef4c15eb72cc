"""The observed Sun (normalised UVES spectrum, 4835-6723 Å), degraded to the pixels like a synthetic spectrum."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spectra import ROOT, Synthesiser

from halochem.config import Spectrum
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star

FILE = "sun_uves_4835_6723.txt.gz"
RANGE = (4850.0, 6700.0)  # Å; the spectrum reaches 4835-6723 Å
GAPS = ((5759.5, 5827.8), (6066.0, 6074.0))
EDGE = 10.0  # Å beside a gap: ten sigma of the line-spread function
SUN = Star(teff=5777.0, logg=4.44, feh=0.0, c_fe=0.0, alpha_fe=0.0)


def reference_file() -> Path:
    """Where the observed spectrum should be: $HALOCHEM_REFERENCE_DATA, else shared/data beside the checkout."""
    return Path(os.environ.get("HALOCHEM_REFERENCE_DATA", ROOT.parent / "shared" / "data")) / FILE


@dataclass(frozen=True)
class Comparison:
    """Observed and synthetic Sun on the same pixels; arrays of shape (p,)."""

    wavelength: np.ndarray  # Å, air
    observed: np.ndarray  # continuum = 1
    synthetic: np.ndarray
    used: np.ndarray  # bool: away from the gaps and their edges

    @property
    def residual(self) -> np.ndarray:
        """Synthetic minus observed, NaN where there is no observation to compare with."""
        return np.where(self.used, self.synthetic - self.observed, np.nan)

    @property
    def rms(self) -> float:
        """Root mean square of the residual, of the continuum."""
        return float(np.sqrt(np.nanmean(self.residual**2)))


def observed(pixels: np.ndarray, path: Path, resolution: float = Spectrum().resolution) -> np.ndarray:
    """The observed spectrum at `resolution` on `pixels` [Å]: float64, shape (p,). Meaningless in and beside a gap."""
    wavelength, flux = np.loadtxt(path, unpack=True)
    return response(wavelength, pixels, resolution) @ flux


def compare(synthesiser: Synthesiser, path: Path) -> Comparison:
    """The synthetic Sun of `synthesiser` (made for RANGE) beside the observed one."""
    pixels = synthesiser.pixels
    used = np.ones(len(pixels), bool)
    for first, last in GAPS:
        used &= (pixels < first - EDGE) | (pixels > last + EDGE)
    return Comparison(pixels, observed(pixels, path), synthesiser(SUN), used)
