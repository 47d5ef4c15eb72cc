"""Shift, resolution and resampling, against lines whose place, width and area are known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ingest_spectra import PIXELS, gaussian_line, line_moments, measured_in_vacuum

from halochem.errors import UserError
from halochem.ingest.pixels import MISSING, Resampler
from halochem.ingest.spectrum_file import Measured, Unusable
from halochem.synthesize.instrument import response


def measured(wavelength, flux, sigma=None, good=None):
    return Measured(wavelength, flux, sigma, np.ones(len(wavelength), bool) if good is None else good)


def near(centre, reach=25.0):
    return np.abs(PIXELS - centre) < reach


@pytest.mark.parametrize("velocity", [-250.0, 0.0, 118.0])
@pytest.mark.parametrize(("step", "resolution"), [(0.1, 20_000), (0.5, 5_000), (0.8, 3_000)])
def test_line_of_a_moving_star_in_vacuum(velocity, step, resolution):
    rest = 5183.604  # Mg I b, air
    wavelength = np.arange(3900, 10500, step)
    flux = gaussian_line(wavelength, measured_in_vacuum(rest, velocity), resolution)
    found = Resampler(PIXELS, 2200, resolution).apply(measured(wavelength, flux), velocity, "vacuum")
    assert not found.bad.any()
    here = near(rest)
    area, centre, reached = line_moments(PIXELS[here], found.flux[here])
    assert centre == pytest.approx(rest, abs=0.02)  # 1 km/s
    # The shift scales widths by 1 + v/c.
    assert area == pytest.approx(0.3 / (1 + velocity / 299_792.458), rel=2e-3)
    assert reached == pytest.approx(2200, rel=0.02)
    assert np.abs(found.flux[~here] - 1).max() < 1e-9


def test_wavelengths_in_air_stay():
    wavelength = np.arange(3900, 10500, 0.5)
    flux = gaussian_line(wavelength, 6562.797, 10_000)
    found = Resampler(PIXELS, 2200, 10_000).apply(measured(wavelength, flux), 0, "air")
    here = near(6562.797)
    assert line_moments(PIXELS[here], found.flux[here])[1] == pytest.approx(6562.797, abs=0.01)


def test_constant_width_in_wavelength():
    wavelength = np.arange(3900, 10500, 0.8)
    for centre in (4500.0, 9000.0):
        flux = gaussian_line(wavelength, centre, centre / 1.8)
        found = Resampler(PIXELS, 2200, fwhm=1.8).apply(measured(wavelength, flux), 0, "air")
        here = near(centre)
        assert line_moments(PIXELS[here], found.flux[here])[2] == pytest.approx(2200, rel=0.02)


def test_the_same_as_the_synthesis():
    """A spectrum full of lines, seen at R = 8000, becomes what the pipeline's own instrument makes of it."""
    rng = np.random.default_rng(1)
    fine = np.exp(np.arange(np.log(3900), np.log(10500), 1 / 200_000))
    flux = np.ones(len(fine))
    for centre in rng.uniform(4050, 10300, 1500):
        near_line = slice(*np.searchsorted(fine, [centre - 3, centre + 3]))
        flux[near_line] *= 1 - 0.7 * np.exp(-0.5 * ((fine[near_line] - centre) / 0.12) ** 2)
    wavelength = np.arange(3950, 10450, 0.25)
    seen = response(fine, wavelength, 8000) @ flux
    expected = response(fine, PIXELS, 2200) @ flux
    found = Resampler(PIXELS, 2200, 8000).apply(measured(wavelength, seen), 0, "air").flux
    error = found - expected
    print(f"rms {error.std():.1e}, largest {np.abs(error).max():.1e}")
    assert expected.min() < 0.8
    assert np.abs(error).max() < 1.5e-3
    assert error.std() < 2e-4


def test_the_observed_sun_is_that_of_the_science_checks():
    """A real spectrum, far finer than the model's: the science checks put it on the pixels in another way."""
    folder = Path(os.environ.get("HALOCHEM_REFERENCE_DATA") or Path(__file__).parents[3] / "shared" / "data")
    path = folder / "sun_uves_4835_6723.txt.gz"
    if not path.is_file():
        pytest.skip(f"the observed Sun is not at {path}; set HALOCHEM_REFERENCE_DATA to the folder that holds it")
    wavelength, flux = np.loadtxt(path, unpack=True)
    inside = (PIXELS > 4850) & (PIXELS < 5740)
    expected = response(wavelength, PIXELS[inside], 2200) @ flux
    found = Resampler(PIXELS, 2200, 80_000).apply(measured(wavelength, flux), 0, "air")
    assert not found.bad[inside].any()
    assert expected.min() < 0.7
    assert np.abs(found.flux[inside] - expected).max() < 1e-3


# Where the bins' width changes from one to the next, so does the blur.
@pytest.mark.parametrize(("resolution", "precision"), [(None, 1e-9), (6000, 3e-4)])
def test_flux_is_conserved(resolution, precision):
    """What the measured bins hold is what the pixels hold, each weighed by its width in ln(wavelength)."""
    rng = np.random.default_rng(2)
    wavelength = 4990 + np.cumsum(rng.uniform(0.5, 0.9, 200))
    flux = np.where((wavelength > 5010) & (wavelength < 5080), rng.uniform(0, 2, 200), 0)
    pixels = 5000 * 10 ** (1e-4 * np.arange(86))
    found = Resampler(pixels, 2200, resolution).apply(measured(wavelength, flux), 0, "air")
    log = np.log(wavelength)
    held = np.sum(flux[1:-1] * (log[2:] - log[:-2]) / 2)
    assert found.flux.sum() * np.log(pixels[1] / pixels[0]) == pytest.approx(held, rel=precision)
    assert 0.5 < found.flux[30:50].mean() < 1.5


def test_error_is_what_the_noise_shows():
    rng = np.random.default_rng(3)
    wavelength = np.arange(4990.0, 5100, 0.4)
    sigma = 0.02 * (1 + (wavelength - 4990) / 50)
    pixels = 5000 * 10 ** (1e-4 * np.arange(80))
    sampler = Resampler(pixels, 2200, 9000)
    noisy = [sampler.apply(measured(wavelength, rng.normal(1, sigma), sigma), 30, "air") for _ in range(3000)]
    scatter = np.std([one.flux for one in noisy], axis=0)
    np.testing.assert_allclose(scatter, noisy[0].sigma, rtol=0.06)
    assert noisy[0].sigma[-1] / noisy[0].sigma[0] > 2


def test_bad_points_and_gaps_make_bad_pixels():
    wavelength = np.concatenate([np.arange(4100.0, 6000, 0.5), np.arange(6100.0, 9000, 0.5)])
    flux, good = np.ones(len(wavelength)), np.ones(len(wavelength), bool)
    spoilt = (wavelength > 5000) & (wavelength < 5010)
    flux[spoilt], good[spoilt] = np.nan, False
    single = np.argmin(np.abs(wavelength - 7000))
    flux[single], good[single] = 1e6, False
    found = Resampler(PIXELS, 2200, 6000).apply(measured(wavelength, flux, np.full(len(flux), 0.1), good), 0, "air")
    for inside, bad in (
        ((PIXELS < 4098), True),
        ((PIXELS > 4102) & (PIXELS < 4996), False),
        ((PIXELS > 5000) & (PIXELS < 5010), True),
        ((PIXELS > 5014) & (PIXELS < 5996), False),
        ((PIXELS > 6003) & (PIXELS < 6097), True),
        ((PIXELS > 7020) & (PIXELS < 8995), False),
        ((PIXELS > 9005), True),
    ):
        assert (found.bad[inside] == bad).all()
    # A cosmic ray that was marked leaves the pixel to its good neighbours or marks it; nowhere does it show.
    np.testing.assert_allclose(found.flux, 1, atol=1e-12)
    assert np.isfinite(found.sigma).all()
    assert (found.sigma > 0).all()
    assert 0 < MISSING < 0.5


def test_too_low_a_resolution_is_refused():
    with pytest.raises(
        UserError, match=r"your spectra have R = 1800 at 4000 Å, fewer than the 2200 asked for; .*--as-is"
    ):
        Resampler(PIXELS, 2200, 1800)
    with pytest.raises(UserError, match="R = 1667 at 4000"):
        Resampler(PIXELS, 2200, fwhm=2.4)
    Resampler(PIXELS, 2200, 2200)
    Resampler(PIXELS, 2200)


def test_spectrum_elsewhere():
    wavelength = np.arange(15000.0, 17000)
    with pytest.raises(Unusable, match=r"covers no pixel of 4000-10398 Å: .* 15000.0-16999.0 Å"):
        Resampler(PIXELS, 2200, 22_000).apply(measured(wavelength, np.ones(2000)), 0, "air")
