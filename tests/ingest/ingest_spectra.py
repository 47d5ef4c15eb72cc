"""Spectra whose every number is known, for the tests of `halochem ingest`."""

from __future__ import annotations

import numpy as np
from specutils.utils.wcs_utils import air_to_vac

SPEED_OF_LIGHT = 299_792.458  # km/s
PIXELS = 4000.0 * 10 ** (1e-4 * np.arange(4150))  # Å, those of the published run
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


def gaussian_line(wavelength, centre, resolution, width=0.3):
    """Flux of a continuum of 1 with one line of equivalent width `width` Å at the resolution R, pixels included."""
    sigma = centre / resolution / FWHM_PER_SIGMA
    return 1 - width * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))


def measured_in_vacuum(air, velocity):
    """Where a line of rest wavelength `air` [Å] is measured, in vacuum, by relativistic Doppler effect."""
    from astropy import units as u

    beta = velocity / SPEED_OF_LIGHT
    return air_to_vac(air * u.AA, scheme="iteration", method="Morton2000").value * np.sqrt((1 + beta) / (1 - beta))


def line_moments(wavelength, flux):
    """Equivalent width [Å], centre [Å] and resolving power of a single line."""
    depth, width = 1 - flux, np.gradient(wavelength)
    area = np.sum(depth * width)
    centre = np.sum(depth * width * wavelength) / area
    sigma = np.sqrt(np.sum(depth * width * (wavelength - centre) ** 2) / area)
    return area, centre, centre / sigma / FWHM_PER_SIGMA
