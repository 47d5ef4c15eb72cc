"""Raising carbon or the alpha elements deepens the features of carbon or of alpha elements most.

Real syntheses at three Teff, of the windows that hold these features and their nearest rivals, and coarser than
the pipeline's. benchmarks/science/abundance_response.py does the same over the whole range.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from halochem.synthesize.turbospectrum import Star

pytestmark = pytest.mark.slow

# Å: CN 4216 and the G band; the C2 band at 5165, Mg b and iron; the Ca II triplet and Ti I
VIOLET, GREEN, RED = (4130.0, 4330.0), (5030.0, 5340.0), (8400.0, 8680.0)
WINDOWS = {"c_fe": (VIOLET, GREEN), "alpha_fe": (GREEN, RED)}
STEP = 0.06  # Å
NOISE = 1 / 50
STARS = [Star(4750.0, 2.5, -1.0, 0.0, 0.0), Star(5250.0, 3.0, -1.0, 0.0, 0.0), Star(6000.0, 4.0, -0.5, 0.0, 0.0)]
CARRIERS = ("CH", "C2")


@pytest.fixture(scope="module")
def spectrum(engine_json):
    """spectrum(star, window, without) -> pixels and flux, each computed once."""
    from spectra import Synthesiser

    synthesisers, known = {}, {}

    def compute(star: Star, window: tuple[float, float], without=()) -> tuple[np.ndarray, np.ndarray]:
        key = (window, without)
        if key not in synthesisers:
            synthesisers[key] = Synthesiser(window, STEP, cache=None, without=without, engine=engine_json)
        if (star, key) not in known:
            known[star, key] = synthesisers[key](star)
        return synthesisers[key].pixels, known[star, key]

    return compute


def leaders(spectrum, star: Star, label: str, step: float) -> dict[str, float]:
    """Mean deepening of each feature of an abundance that is raised by `step`."""
    from response import divide, features

    found = {}
    for window in WINDOWS[label]:
        pixels, before = spectrum(star, window)
        _, after = spectrum(replace(star, **{label: getattr(star, label) + step}), window)
        found |= features(before - after, divide(pixels), label)
    return found


def others(spectrum, star: Star, label: str, step: float, without=()) -> list[float]:
    """Mean deepening of every other part of the windows: decoder regions, and the rest in pieces of 40 Å."""
    from response import divide, mean_deepening

    values = []
    for window in WINDOWS[label]:
        pixels, before = spectrum(star, window, without)
        _, after = spectrum(replace(star, **{label: getattr(star, label) + step}), window, without)
        means = mean_deepening(before, after, divide(pixels))
        values += [value for part, value in means.items() if not part.feature(label)]
    return values


@pytest.mark.parametrize("star", STARS, ids=lambda star: f"{star.teff:.0f} K")
def test_carbon_deepens_the_g_band_and_the_swan_bands_most(spectrum, star):
    """More than noise, and more than anything that is not CH or C2: those bands spill over into other regions."""
    found = leaders(spectrum, star, "c_fe", 1.0)
    rivals = others(spectrum, star, "c_fe", 1.0, CARRIERS)
    assert set(found) == {"G band", "Swan bands"}
    assert len(rivals) > 10
    assert min(found.values()) > max(*rivals, NOISE)


@pytest.mark.parametrize("star", STARS, ids=lambda star: f"{star.teff:.0f} K")
def test_alpha_elements_deepen_the_calcium_triplet_and_mg_b_most(spectrum, star):
    """More than any other decoder's region and any 40 Å between them; the triplet by more than noise."""
    found = leaders(spectrum, star, "alpha_fe", 0.3)
    rivals = others(spectrum, star, "alpha_fe", 0.3)
    assert set(found) == {"Ca II triplet", "Mg I b"}
    assert len(rivals) > 10
    assert min(found.values()) > max(rivals)
    assert max(found.values()) > NOISE
