"""A simple continuum: a polynomial through the upper envelope of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Chebyshev

from halochem.ingest.spectrum_file import Unusable

DEGREE = 4
ROUNDS = 20
# Pixels kept lie no deeper below the fit than this many standard deviations of the noise: what is deeper is a line.
BELOW = 1.0
# Nor higher above it than this many of the residuals' own spread: what is higher is an artefact.
ABOVE = 5.0


def fit(wavelength: np.ndarray, flux: np.ndarray, sigma: np.ndarray | None, good: np.ndarray) -> np.ndarray:
    """The continuum at each pixel, (n_pix,): a Chebyshev polynomial in ln(wavelength) through the good pixels' top.

    The fit is repeated without the pixels that lie too low or too high, until none changes. `sigma` (n_pix,) is the
    noise; without it the noise is estimated from how neighbouring pixels differ.
    """
    if good.sum() < 20 * (DEGREE + 1):
        raise Unusable(f"{good.sum()} good pixels are too few for a continuum; expected {20 * (DEGREE + 1)}")
    x = np.log(wavelength)
    domain = [x[good][0], x[good][-1]]
    noise = _noise(flux[good]) if sigma is None else sigma
    used = good
    for _ in range(ROUNDS):
        continuum = Chebyshev.fit(x[used], flux[used], DEGREE, domain=domain)(x)
        residual = flux - continuum
        spread = 1.4826 * np.median(np.abs(residual[good]))
        kept = good & (residual > -BELOW * noise) & (residual < ABOVE * spread)
        if (kept == used).all() or kept.sum() < 5 * (DEGREE + 1):
            break
        used = kept
    if not (continuum[good] > 0).all():
        raise Unusable("its continuum is not above 0 everywhere; divide by one of your own")
    return continuum


def _noise(flux: np.ndarray) -> float:
    """Standard deviation of the noise from second differences, which what is smooth over three pixels leaves alone."""
    return 1.4826 * float(np.median(np.abs(np.diff(flux, 2)))) / np.sqrt(6)
