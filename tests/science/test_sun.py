"""The synthetic Sun against the observed one."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow

RMS_LIMIT = 0.015


@pytest.fixture(scope="module")
def comparison(engine_json):
    from solar_reference import RANGE, compare, reference_file
    from spectra import Synthesiser

    path = reference_file()
    if not path.is_file():
        pytest.skip(f"the observed Sun is not at {path}; set HALOCHEM_REFERENCE_DATA to the folder that holds it")
    return compare(Synthesiser(RANGE, cache=None, engine=engine_json), path)


def test_rms_difference_from_the_observed_sun(comparison):
    """4850-6700 Å at R = 2200, away from the gaps of the observation; nothing is fitted or scaled."""
    assert comparison.used.sum() > 1300
    assert comparison.rms < RMS_LIMIT


def test_wavelengths_are_those_of_the_sun_in_air(comparison):
    """Shifted by 10 km/s (air taken for vacuum is 80 km/s) the synthetic Sun fits worse, whichever way."""

    def rms(velocity: float) -> float:
        shifted = np.interp(
            comparison.wavelength, comparison.wavelength * (1 + velocity / 299792.458), comparison.synthetic
        )
        return float(np.sqrt(np.mean((shifted - comparison.observed)[comparison.used] ** 2)))

    assert rms(0.0) < min(rms(-10.0), rms(10.0))


@pytest.mark.parametrize(
    ("first", "last"),
    [(5160, 5190), (5884, 5902), (6155, 6170), (5255, 5275)],
    ids=["Mg I b", "Na I D", "Ca I 6162", "Fe I 5270"],
)
def test_strong_lines_have_the_sun_s_strength(comparison, first, last):
    """Equivalent width over a strong feature, within a tenth."""
    inside = (comparison.wavelength >= first) & (comparison.wavelength < last)
    observed, synthetic = (1 - flux[inside].mean() for flux in (comparison.observed, comparison.synthetic))
    assert synthetic == pytest.approx(observed, rel=0.1)
