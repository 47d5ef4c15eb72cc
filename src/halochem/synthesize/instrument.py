"""The spectrograph: a Gaussian of constant resolving power, sampled at the pixel centres."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

# A Gaussian cut at 5 sigma loses 6e-7 of its area.
REACH = 5.0
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


def response(wavelength: np.ndarray, pixels: np.ndarray, resolution: float) -> csr_matrix:
    """The matrix that takes a synthetic spectrum to the pixels: shape (len(pixels), len(wavelength)).

    `wavelength` [Å] ascends and is fine against the resolution; the line-spread function is a Gaussian in
    ln(wavelength) with FWHM 1/R, integrated by the trapezoid rule over the synthetic points, each row summing to 1
    (so that a continuum of 1 stays 1). A pixel's value is that at its centre: no average over its width.
    Raises ValueError when a pixel lies closer than 5 sigma to either end.
    """
    log_wave, log_pixels = np.log(wavelength), np.log(pixels)
    sigma = 1.0 / (resolution * FWHM_PER_SIGMA)
    first = np.searchsorted(log_wave, log_pixels - REACH * sigma)
    last = np.searchsorted(log_wave, log_pixels + REACH * sigma)
    if first[0] == 0 or last[-1] == len(wavelength):
        raise ValueError(
            f"synthesis {wavelength[0]:.1f}-{wavelength[-1]:.1f} Å too short for pixels "
            f"{pixels[0]:.1f}-{pixels[-1]:.1f} Å"
        )
    width = np.gradient(log_wave)
    rows = np.repeat(np.arange(len(pixels)), last - first)
    columns = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    weights = np.exp(-0.5 * ((log_wave[columns] - log_pixels[rows]) / sigma) ** 2) * width[columns]
    weights /= np.bincount(rows, weights)[rows]
    return csr_matrix((weights, (rows, columns)), shape=(len(pixels), len(wavelength)))
