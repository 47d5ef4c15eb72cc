"""The simple continuum, on spectra whose continuum is known."""

from __future__ import annotations

import numpy as np
import pytest
from ingest_spectra import PIXELS

from halochem.ingest import continuum
from halochem.ingest.spectrum_file import Unusable


def with_lines(rng, n_lines):
    flux = np.ones(len(PIXELS))
    for centre, depth in zip(rng.uniform(4000, 10400, n_lines), rng.uniform(0, 0.6, n_lines), strict=True):
        flux *= 1 - depth * np.exp(-0.5 * ((PIXELS - centre) / 1.5) ** 2)
    return flux


@pytest.mark.parametrize(("scale", "known"), [(1.0, True), (3e-16, True), (1.0, False)])
def test_smooth_continuum_is_found_under_lines_and_noise(scale, known):
    rng = np.random.default_rng(5)
    lines = with_lines(rng, 300)
    true = scale * (1 + 0.4 * np.sin(4 * np.log(PIXELS / 4000)))
    flux = (lines + rng.normal(0, 0.02, len(PIXELS))) * true
    good = np.ones(len(PIXELS), bool)
    good[1000:1100], flux[1000:1100] = False, 1e3 * scale
    found = continuum.fit(PIXELS, flux, 0.02 * true if known else None, good)
    error = (found / true - 1)[good]
    print(f"mean {error.mean():.4f}, rms {error.std():.4f}")
    # Noise lifts it, by half its standard deviation.
    assert abs(error.mean()) < 0.012
    assert error.std() < 0.005


def test_too_few_pixels():
    good = np.arange(len(PIXELS)) < 99
    with pytest.raises(Unusable, match="99 good pixels are too few"):
        continuum.fit(PIXELS, np.ones(len(PIXELS)), None, good)


def test_negative_continuum():
    with pytest.raises(Unusable, match="not above 0 everywhere"):
        continuum.fit(PIXELS, np.linspace(-1, 1, len(PIXELS)), None, np.ones(len(PIXELS), bool))
