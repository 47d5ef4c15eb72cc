"""Noise and jitter: each a function of seed and row alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from halochem.observe.noise import jitter, noise


def test_noise_of_a_star_depends_on_seed_and_row_alone():
    whole = noise(1, range(10), 200)
    assert whole.dtype == np.float32
    assert whole.shape == (10, 200)
    parts = [noise(1, range(i, min(i + 3, 10)), 200) for i in range(0, 10, 3)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(noise(2, range(1), 200), whole[:1])


def test_more_pixels_keep_those_before():
    assert np.array_equal(noise(1, range(2), 4150)[:, :100], noise(1, range(2), 100))


def test_noise_is_unit_gaussian_and_uncorrelated_from_pixel_to_pixel_and_star_to_star():
    table = noise(1, range(40), 4150).astype(float)
    assert stats.kstest(table.ravel(), "norm").pvalue > 1e-3
    n = table.size
    assert abs((table[:, 1:] * table[:, :-1]).mean()) < 5 / np.sqrt(n)
    assert abs((table[1:] * table[:-1]).mean()) < 5 / np.sqrt(n)


def test_jitter_is_relative_gaussian_and_independent_for_the_two_labels():
    true = np.tile([5000.0, 4.0], (4000, 1))
    errors = jitter(1, range(4000), true, 0.02) / true - 1
    assert errors.std(axis=0) == pytest.approx([0.02, 0.02], rel=0.05)
    assert errors.mean(axis=0) == pytest.approx([0, 0], abs=5 * 0.02 / np.sqrt(4000))
    assert stats.kstest(errors.ravel() / 0.02, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(errors.T)[0, 1]) < 5 / np.sqrt(4000)


def test_jitter_of_a_star_depends_on_seed_and_row_alone():
    true = np.array([[5000.0, 4.0], [4000.0, 3.0], [6000.0, 5.0]])
    whole = jitter(1, range(5, 8), true, 0.02)
    assert np.array_equal(jitter(1, range(6, 7), true[1:2], 0.02), whole[1:2])
    assert np.array_equal(jitter(1, range(5, 8), true, 0.0), true)
    assert np.array_equal(jitter(1, range(0), np.empty((0, 2)), 0.02), np.empty((0, 2)))


def test_jitter_is_not_the_noise():
    one = jitter(1, range(1), np.ones((1, 2)), 1.0)[0] - 1
    assert not np.allclose(one, noise(1, range(1), 2)[0])
