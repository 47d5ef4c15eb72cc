"""The probe finds what is there, nothing where there is nothing, and does not judge on too few stars."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.evaluate import probes


def _z(n: int, key: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key)).normal(size=(n, 3))


def test_finds_a_nonlinear_dependence_that_no_correlation_shows():
    z_train, z_test = _z(600, 1), _z(300, 2)
    y_train, y_test = z_train[:, 0] ** 2, z_test[:, 0] ** 2
    assert abs(np.corrcoef(z_test[:, 0], y_test)[0, 1]) < 0.3
    number = probes.boosted_r2(z_train, y_train, z_test, y_test, seed=1)
    assert number.value > 0.8
    assert number.detail["rmse"] < number.detail["rmse_of_the_mean"]
    again = probes.boosted_r2(z_train, y_train, z_test, y_test, seed=1)
    assert again == number


def test_no_dependence_scores_no_better_than_the_mean():
    z_train, z_test = _z(600, 3), _z(300, 4)
    number = probes.boosted_r2(z_train, _z(600, 5)[:, 0], z_test, _z(300, 6)[:, 0], seed=1)
    assert number.value < 0.05
    assert number.n == 300


@pytest.mark.parametrize(("n_train", "n_test"), [(probes.MIN_TRAIN - 1, 300), (600, probes.MIN_TEST - 1), (0, 0)])
def test_too_few_stars_give_no_verdict(n_train, n_test):
    z_train, z_test = _z(n_train, 1), _z(n_test, 2)
    number = probes.boosted_r2(z_train, z_train[:, 0], z_test, z_test[:, 0], seed=1)
    assert number.value is None
    assert f"n_train={n_train}, n={n_test}" in number.note


def test_stars_without_latents_are_left_out():
    z_train, z_test = _z(600, 1), _z(300, 2)
    z_test[:7] = np.nan
    assert probes.boosted_r2(z_train, z_train[:, 0], z_test, z_test[:, 0], seed=1).n == 293
