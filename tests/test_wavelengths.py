"""The pixel grid."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.config import Spectrum
from halochem.wavelengths import pixel_grid


def test_published_grid():
    """4150 pixels from 4000 Å in steps of 1e-4 in log10; one more would lie beyond 10 400 Å."""
    grid = pixel_grid(Spectrum())
    assert len(grid) == 4150
    assert grid[0] == pytest.approx(4000.0, rel=1e-14)
    assert grid[-1] == pytest.approx(4000 * 10**0.4149)
    assert grid[-1] <= 10_400 < grid[-1] * 10**1e-4
    assert np.diff(np.log10(grid)) == pytest.approx(1e-4, rel=1e-9)


@pytest.mark.parametrize("count", [1, 2, 10, 100, 1000])
def test_range_of_a_whole_number_of_steps_has_a_pixel_at_each_end(count):
    last = 4000.0 * 10 ** (1e-4 * count)
    grid = pixel_grid(Spectrum(wavelength=(4000.0, last)))
    assert len(grid) == count + 1
    assert grid[-1] == pytest.approx(last, rel=1e-12)
