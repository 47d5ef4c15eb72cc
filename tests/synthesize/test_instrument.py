"""The instrument: a constant stays 1, a line keeps its area and takes the instrument's width."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.config import Spectrum
from halochem.synthesize.instrument import response
from halochem.wavelengths import pixel_grid

R = 2200.0
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@pytest.fixture(scope="module")
def grid():
    return np.arange(4900.0, 5300.0, 0.03), pixel_grid(Spectrum(wavelength=(5000.0, 5200.0)))


def test_constant_stays_one(grid):
    wavelength, pixels = grid
    matrix = response(wavelength, pixels, R)
    assert matrix.shape == (len(pixels), len(wavelength))
    assert matrix @ np.ones(len(wavelength)) == pytest.approx(np.ones(len(pixels)), abs=1e-12)


def test_nothing_is_negative_and_no_light_comes_from_beyond_five_sigma(grid):
    wavelength, pixels = grid
    matrix = response(wavelength, pixels, R)
    assert matrix.data.min() > 0
    rows, columns = matrix.nonzero()
    reach = np.abs(wavelength[columns] / pixels[rows] - 1) * R * FWHM_PER_SIGMA
    assert 4.9 < reach.max() < 5.01


@pytest.mark.parametrize("resolution", [1000.0, 2200.0, 10_000.0])
@pytest.mark.parametrize("centre", [4500.0, 8000.0])
def test_delta_line_becomes_a_gaussian_of_the_resolution(resolution, centre):
    """Moments, on pixels far finer than the instrument's own."""
    wavelength = np.arange(centre - 60, centre + 60, 0.02)
    pixels = np.arange(centre - 30, centre + 30, 0.05)
    line = np.zeros(len(wavelength))
    line[np.argmin(np.abs(wavelength - centre))] = 1.0
    seen = response(wavelength, pixels, resolution) @ line
    centre = wavelength[line.argmax()]
    area = np.trapezoid(seen, pixels)
    mean = np.trapezoid(seen * pixels, pixels) / area
    sigma = np.sqrt(np.trapezoid(seen * (pixels - mean) ** 2, pixels) / area)
    assert area == pytest.approx(0.02, rel=1e-3)  # one step of the synthesis at height 1
    assert mean == pytest.approx(centre, abs=0.02 * sigma)
    assert sigma * FWHM_PER_SIGMA == pytest.approx(centre / resolution, rel=2e-3)
    half = pixels[seen > 0.5 * seen.max()]
    assert half[-1] - half[0] == pytest.approx(centre / resolution, abs=0.1)


def test_equivalent_width_is_conserved(grid):
    wavelength, _ = grid
    pixels = np.arange(5050.0, 5150.0, 0.25)
    depth = 0.9 * np.exp(-0.5 * ((wavelength - 5100.0) / 0.05) ** 2)
    seen = 1 - response(wavelength, pixels, R) @ (1 - depth)
    assert np.trapezoid(seen, pixels) == pytest.approx(np.trapezoid(depth, wavelength), rel=1e-3)
    assert seen.max() < 0.1


def test_uneven_synthesis_counts_by_width_not_by_point(grid):
    """A step that halves in the middle of a line must not weigh its two halves unequally."""
    even, pixels = grid
    fine = np.concatenate([np.arange(4900.0, 5100.0, 0.03), np.arange(5100.0, 5300.0, 0.01)])
    spectra = [1 - 0.5 * np.exp(-0.5 * ((wave - 5100.0) / 1.0) ** 2) for wave in (even, fine)]
    one, other = (response(wave, pixels, R) @ flux for wave, flux in zip((even, fine), spectra, strict=True))
    assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize(("first", "last"), [(4996.0, 5300.0), (4900.0, 5203.0), (5050.0, 5300.0)])
def test_synthesis_too_short_for_the_pixels_is_refused(grid, first, last):
    with pytest.raises(ValueError, match=r"too short for pixels 5000\.0-5199"):
        response(np.arange(first, last, 0.03), grid[1], R)
