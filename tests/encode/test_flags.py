import numpy as np
import pytest

from halochem.config import Encode
from halochem.encode import flags

NORMAL = flags.Reference((0.5, 0.0, -0.5), (2.0, 1.0, 0.5), 1.3)


def test_reference_is_that_of_the_training_stars():
    rng = np.random.default_rng(0)
    z, chi2 = rng.normal([1, 2, 3], [1, 2, 0.5], (5000, 3)), rng.chisquare(100, 5000) / 100
    normal = flags.reference(z, chi2, 0.02)
    np.testing.assert_allclose(normal.mean, z.mean(axis=0))
    np.testing.assert_allclose(normal.std, z.std(axis=0))
    assert flags.anomalous(chi2, normal).mean() == pytest.approx(0.02, abs=1e-3)


def test_scores_count_from_the_mean_and_follow_the_sign():
    score = flags.standard_scores(np.array([[4.5, 1.0, 0.0]]), [-1, 1, 1], NORMAL)
    np.testing.assert_allclose(score, [[-2, 1, 1]])


def test_cuts_are_the_published_ones():
    encode = Encode()
    metal_poor, carbon_rich, alpha_poor = -0.41, 0.11, -1.51
    score = np.array(
        [
            [metal_poor, carbon_rich, 0],
            [-0.39, carbon_rich, alpha_poor],
            [metal_poor, 0.09, alpha_poor],
            [metal_poor, carbon_rich, -1.49],
            [np.nan, np.nan, np.nan],
        ]
    )
    assert flags.carbon_enhanced_metal_poor(score, encode).tolist() == [True, False, False, True, False]
    assert flags.alpha_poor_metal_poor(score, encode).tolist() == [False, False, True, False, False]


def test_no_spectrum_is_no_anomaly():
    assert flags.anomalous(np.array([1.2, 1.4, np.nan]), NORMAL).tolist() == [False, True, False]
