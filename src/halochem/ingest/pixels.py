"""From a measured spectrum to the pixels and the resolution of a model, in one step.

A pixel of the model is the mean of the measured flux over the pixel, blurred by a Gaussian: its weights are the
overlaps of the measured bins with that kernel, so that no flux is lost and a continuum of 1 stays 1. All widths are in
ln(wavelength). n_pix pixels of the model, m measured points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import ndtr

from halochem.errors import UserError
from halochem.ingest.spectrum_file import Measured, Unusable
from halochem.synthesize.instrument import FWHM_PER_SIGMA, REACH

SPEED_OF_LIGHT = 299_792.458  # km/s
# A pixel is bad when more than this share of what it would be made of is bad or not there.
MISSING = 0.1
# Finest blur, in pixels: the kernel's formula divides by it.
NARROWEST = 1e-4
# Share by which the width may miss what was asked for before it is refused.
TOLERANCE = 0.02


@dataclass
class OnPixels:
    """A spectrum on the model's pixels."""

    flux: np.ndarray  # (n_pix,) float64, 1 where bad
    sigma: np.ndarray | None  # (n_pix,) float64, 1 where bad
    bad: np.ndarray  # (n_pix,) bool


def at_rest_in_air(wavelength: np.ndarray, velocity: float, medium: str) -> np.ndarray:
    """Rest wavelength in air, Å, of one measured in `medium` of a star that recedes with `velocity` [km/s].

    Air after Morton 2000, ApJS 130, 403. The shift comes last, in air, where the refractive index of a line's measured
    and rest wavelength differ by less than 1e-8 up to 1000 km/s.
    """
    if medium == "vacuum":
        from astropy import units as u
        from specutils.utils.wcs_utils import vac_to_air

        wavelength = vac_to_air(wavelength * u.AA, method="Morton2000").to_value(u.AA)
    beta = velocity / SPEED_OF_LIGHT
    return wavelength * np.sqrt((1 - beta) / (1 + beta))


@dataclass
class Resampler:
    """Blurs to `target` (R = lambda / FWHM) and puts on `pixels` (Å, equal steps in ln).

    The measured spectra's own width is `resolution` or `fwhm` [Å], pixels included; without either nothing is blurred.
    """

    pixels: np.ndarray  # (n_pix,) float64, Å
    target: float
    resolution: float | None = None
    fwhm: float | None = None

    def __post_init__(self) -> None:
        own = self.own_width()
        coarse = own > (1 + TOLERANCE) / self.target
        if coarse.any():
            worst = np.argmax(own)
            raise UserError(
                f"your spectra have R = {1 / own[worst]:.0f} at {self.pixels[worst]:.0f} Å, fewer than the "
                f"{self.target:g} asked for; set spectrum.resolution to what they have and train a model for it, or "
                "give --as-is"
            )

    @property
    def step(self) -> float:
        """Width of a pixel in ln(wavelength)."""
        return float(np.log(self.pixels[1] / self.pixels[0]))

    def own_width(self) -> np.ndarray:
        """FWHM of the measured spectra over wavelength, at each pixel: (n_pix,), 0 where it is not to be known."""
        if self.fwhm is not None:
            return self.fwhm / self.pixels
        return np.full(len(self.pixels), 0.0 if self.resolution is None else 1 / self.resolution)

    def blur(self, bin_width: np.ndarray) -> np.ndarray:
        """Standard deviation of the Gaussian at each pixel, in ln(wavelength): (n_pix,).

        What is lacking after the spectrograph, the measured bins (`bin_width`, (n_pix,)) and the pixels have each had
        their share; 0 where nothing is.
        """
        if self.resolution is None and self.fwhm is None:
            return np.zeros(len(self.pixels))
        wanted = (1 / self.target**2 - self.own_width() ** 2) / FWHM_PER_SIGMA**2
        return np.sqrt(np.clip(wanted - (self.step**2 + bin_width**2) / 12, 0, None))

    def matrix(self, wavelength: np.ndarray) -> csr_matrix:
        """Shares of the measured points in each pixel: (n_pix, m); a row sums to 1 where they cover the kernel.

        `wavelength` (m,) ascends, Å, at rest.
        """
        centres, pixels = np.log(wavelength), np.log(self.pixels)
        below, above = _bins(centres)
        sigma = np.maximum(self.blur(np.interp(pixels, centres, above - below)), NARROWEST * self.step)
        reach = self.step / 2 + REACH * sigma
        first = np.searchsorted(above, pixels - reach)
        last = np.maximum(np.searchsorted(below, pixels + reach), first)
        rows = np.repeat(np.arange(len(pixels)), last - first)
        columns = np.arange(len(rows)) - np.repeat(np.cumsum(last - first) - last, last - first)
        upper, lower = (self._cumulative(ends[columns] - pixels[rows], sigma[rows]) for ends in (above, below))
        return csr_matrix((upper - lower, (rows, columns)), shape=(len(pixels), len(centres)))

    def _cumulative(self, x: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Integral up to x of a box of one pixel, blurred."""
        return sigma / self.step * (_ramp((x + self.step / 2) / sigma) - _ramp((x - self.step / 2) / sigma))

    def apply(self, measured: Measured, velocity: float, medium: str) -> OnPixels:
        """Put one spectrum on the pixels. Raises Unusable where it covers none."""
        wavelength = at_rest_in_air(measured.wavelength, velocity, medium)
        shares = self.matrix(wavelength)
        weight = shares @ measured.good.astype(float)
        bad = weight < 1 - MISSING
        if bad.all():
            raise Unusable(
                f"covers no pixel of {self.pixels[0]:.0f}-{self.pixels[-1]:.0f} Å: its rest wavelengths in air are "
                f"{wavelength[0]:.1f}-{wavelength[-1]:.1f} Å"
            )
        weight = np.where(bad, 1, weight)
        flux = shares @ np.where(measured.good, measured.flux, 0) / weight
        sigma = None
        if measured.sigma is not None:
            variance = shares.power(2) @ np.where(measured.good, measured.sigma, 0) ** 2
            sigma = np.where(bad, 1, np.sqrt(variance) / weight)
        return OnPixels(np.where(bad, 1, flux), sigma, bad)


def _bins(centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of each measured bin, half-way to its neighbours: (m,) each.

    Beside a gap a bin does not reach into it by more than its width on the other side.
    """
    steps = np.diff(centres)
    left, right = np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])
    return centres - np.minimum(left, 2 * right) / 2, centres + np.minimum(right, 2 * left) / 2


def _ramp(x: np.ndarray) -> np.ndarray:
    """The integral of the normal distribution's cumulative one: x Phi(x) + phi(x)."""
    return x * ndtr(x) + np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
