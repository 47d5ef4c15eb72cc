"""What can be known through noise: probabilities that hold, estimates that nothing beats."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from halochem import seeds
from halochem.config import Sample
from halochem.evaluate import best, compare
from halochem.sample.halo import halo_density

N = 3000
TRUTH = halo_density(Sample()).draw(seeds.uniform_table(5, "toy/truth", range(N), 3))
NOISE = np.array([seeds.normals(5, "toy/noise", i, 3) for i in range(N)])
MEMBER = {
    "cemp": (TRUTH[:, 0] < -1) & (TRUTH[:, 1] > 0.7),
    "alpha_pmp": (TRUTH[:, 0] < -1) & (TRUTH[:, 2] < 0),
}


def posterior(error: float) -> tuple[np.ndarray, np.ndarray]:
    covariance = np.tile(error**2 * np.diag([1.0, 1.0, 0.09]), (N, 1, 1))
    return best.posterior(halo_density(Sample()), TRUTH, covariance, NOISE)


def test_density_is_the_mass_in_a_cell():
    r = halo_density(Sample())
    star = np.array([-1.234, 0.333, 0.222])
    i = np.searchsorted(r.p.feh_edges, star[0]) - 1
    j, k = np.searchsorted(r.p.y_edges, star[1]) - 1, np.searchsorted(r.q.y_edges, star[2]) - 1
    assert best.density_at(r, star) == pytest.approx(r.p.density[i, j] * r.q.density[i, k])
    outside = np.array([[0.5, 0, 0], [-3.5, 0, 0], [-1, 3.5, 0], [-1, 0, 0.9], [-1, 0, -0.4]])
    assert (best.density_at(r, outside) == 0).all()


def test_without_noise_all_is_known():
    means, probability = posterior(1e-4)
    np.testing.assert_allclose(means, TRUTH, atol=1e-3)
    for k, member in enumerate(MEMBER.values()):
        assert np.mean((probability[:, k] > 0.5) == member) > 0.999


@pytest.mark.parametrize("error", [0.1, 0.4])
def test_probabilities_hold(error):
    """Among stars of probability p a share p belongs to the class."""
    _, probability = posterior(error)
    for k, member in enumerate(MEMBER.values()):
        p = probability[:, k]
        for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.01)):
            inside = (p >= low) & (p < high)
            width = np.sqrt(np.sum(p[inside] * (1 - p[inside]))) + 1
            assert abs(member[inside].sum() - p[inside].sum()) < 4 * width


def test_the_best_estimate_beats_the_measurement_and_the_mean():
    means, _ = posterior(0.4)
    rmse = np.sqrt(((means - TRUTH) ** 2).mean(axis=0))
    assert (rmse < [0.4, 0.4, 0.12]).all()
    assert (rmse < TRUTH.std(axis=0)).all()


def test_noise_lowers_the_ceiling():
    found = []
    for error in (0.02, 0.2, 0.6):
        _, probability = posterior(error)
        number = compare.ceiling(probability[:, 0], MEMBER["cemp"], 0.96)
        assert number.detail["precision"] == pytest.approx(0.96, abs=0.04)
        found.append(number.value)
    assert found[0] > 0.97
    assert found[0] > found[1] > found[2] > 0


def test_stars_from_elsewhere_have_no_best_estimate(caplog):
    frame = pd.DataFrame({name: np.full(10, np.nan) for name in best.COLUMNS})
    truth = np.tile([0.4, 0.0, 0.0], (10, 1))
    with caplog.at_level(logging.WARNING):
        best.fill(frame, np.ones(10, bool), 1, np.arange(10), truth, np.tile(np.eye(3), (10, 1, 1)), Sample())
    assert frame.isna().all(axis=None)
    assert "holds 0 % of the test stars" in caplog.text
