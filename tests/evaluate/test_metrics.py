"""The measures against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from halochem.evaluate import metrics

NAN = np.nan


def test_mean_leaves_out_failed_stars():
    number = metrics.mean(np.array([0.01, NAN, 0.03]))
    assert number.value == pytest.approx(0.02)
    assert number.n == 2
    assert number.error == pytest.approx(0.01)  # sd 0.01414 / sqrt 2


def test_mean_of_nothing_is_undefined():
    number = metrics.mean(np.array([NAN]))
    assert (number.value, number.n, number.note) == (None, 0, "not enough stars (n=0)")


def test_pooled_ratio_is_a_ratio_of_sums():
    # star 1: 1 of 10, star 2: 9 of 30; the mean of the ratios would be 0.2
    number = metrics.pooled_ratio(np.array([1.0, 9.0]), np.array([10.0, 30.0]))
    assert number.value == pytest.approx(0.25)
    assert metrics.pooled_ratio(np.array([0.0]), np.array([0.0])).value is None


def test_pooled_ratio_is_equation_a5():
    rng = np.random.Generator(np.random.Philox(1))
    true = rng.uniform(0.2, 1, (4, 7))
    rebuilt = true + rng.normal(0, 0.1, true.shape)
    by_formula = ((rebuilt - true) ** 2).sum() / (true**2).sum()
    number = metrics.pooled_ratio(((rebuilt - true) ** 2).sum(axis=1), (true**2).sum(axis=1))
    assert number.value == pytest.approx(by_formula)


def test_correlation_against_scipy_and_its_sign():
    x = np.array([1.0, 2.0, 3.0, 5.0, NAN])
    y = np.array([-1.0, -2.5, -2.0, -6.0, 0.0])
    r = stats.pearsonr(x[:4], y[:4]).statistic
    number = metrics.correlation(x, y)
    assert r < -0.9
    assert number.value == pytest.approx(-r)
    assert number.detail["signed"] == pytest.approx(r)
    assert number.n == 4


@pytest.mark.parametrize(
    ("x", "y", "note"),
    [
        ([1.0, 2.0], [1.0, 2.0], "not enough stars (n=2)"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "no spread in one of the two (n=3)"),
    ],
)
def test_correlation_undefined(x, y, note):
    number = metrics.correlation(np.array(x), np.array(y))
    assert number.value is None
    assert number.note == note


def test_rmse_and_bias():
    number = metrics.rmse(np.array([1.0, 2.0]), np.array([0.0, 3.0]))
    assert number.value == pytest.approx(1.0)
    assert number.detail["bias"] == pytest.approx(0.0)
    assert metrics.rmse(np.array([3.0]), np.array([1.0]), scale=4.0).value == pytest.approx(0.5)


def test_rmse_error_matches_its_scatter_over_repeats():
    rng = np.random.Generator(np.random.Philox(2))
    numbers = [metrics.rmse(rng.normal(0, 0.2, 400), np.zeros(400)) for _ in range(300)]
    scatter = np.std([number.value for number in numbers])
    assert np.mean([number.error for number in numbers]) == pytest.approx(scatter, rel=0.15)


def test_linear_fit_uses_training_stars_only():
    # training stars lie on y = 2x + 1; the test stars are off it by +1 and -1, and would give another line
    x_train, y_train = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])
    number = metrics.linear_fit_rmse(x_train, y_train, np.array([0.0, 1.0]), np.array([2.0, 2.0]))
    assert number.value == pytest.approx(1.0)
    assert number.detail["slope"] == pytest.approx(2.0)
    assert number.detail["intercept"] == pytest.approx(1.0)
    assert (number.n, number.detail["n_train"]) == (2, 3)


def test_linear_fit_needs_three_training_stars():
    two = np.array([0.0, 1.0])
    number = metrics.linear_fit_rmse(two, two, two, two)
    assert number.value is None
    assert number.note == "not enough stars (n_train=2)"


def test_constant_scores_the_spread():
    number = metrics.constant_rmse(np.array([1.0, 3.0]), np.array([0.0, 4.0]))
    assert number.value == pytest.approx(2.0)


def test_standardised_rmse_pools_labels_in_units_of_their_spread():
    # training spreads 2 K and 1 dex (population); errors 2 K = 1 sigma and 3 dex = 3 sigma
    train = {"teff": np.array([0.0, 4.0]), "logg": np.array([0.0, 2.0])}
    true = {"teff": np.array([10.0, 20.0]), "logg": np.array([1.0, 2.0])}
    predicted = {"teff": true["teff"] + 2, "logg": true["logg"] - 3}
    number = metrics.standardised_rmse(predicted, true, train)
    assert number.value == pytest.approx(np.sqrt(5.0))
    assert number.n == 2


def test_standardised_rmse_without_a_spread_is_undefined():
    flat = {"teff": np.array([5000.0])}
    assert metrics.standardised_rmse(flat, flat, flat).value is None


FLAGGED = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
TRUE = np.array([1, 1, 0, 1, 1, 0, 0, 0], bool)


def test_precision_recall_f1():
    assert metrics.counts(FLAGGED, TRUE) == {
        "true_positive": 2,
        "false_positive": 1,
        "false_negative": 2,
        "true_negative": 3,
    }
    precision, recall = metrics.precision(FLAGGED, TRUE), metrics.recall(FLAGGED, TRUE)
    assert (precision.value, precision.n) == (pytest.approx(2 / 3), 3)
    assert (recall.value, recall.n) == (pytest.approx(0.5), 4)
    f1 = metrics.f1(FLAGGED, TRUE)
    assert f1.value == pytest.approx(2 / (1 / precision.value + 1 / recall.value))
    assert f1.n == 4


def test_flags_undefined_cases():
    nobody, some = np.zeros(4, bool), np.array([1, 0, 0, 0], bool)
    assert metrics.precision(nobody, some).value is None
    assert metrics.precision(nobody, some).note == "none flagged (n=0)"
    assert metrics.recall(nobody, some).value == 0
    assert metrics.recall(some, nobody).value is None
    assert metrics.precision(some, nobody).value == 0
    assert metrics.f1(nobody, some).value == 0
    assert metrics.f1(some, nobody).value is None


def test_wilson_error_does_not_vanish_at_one():
    number = metrics.proportion(3, 3, "")
    assert number.value == 1
    assert number.error == pytest.approx((1 / 6) / (1 + 1 / 3))


def test_recall_at_a_precision():
    score = np.array([0.9, 0.8, 0.8, 0.7, 0.6, 0.1, np.nan])
    true = np.array([1, 1, 0, 1, 1, 0, 1], bool)
    # Cuts at 0.9, 0.8, 0.7, 0.6, 0.1: precision 1, 2/3, 3/4, 4/5, 4/6.
    for precision, recall, cut in ((0.9, 1 / 5, 0.9), (0.8, 4 / 5, 0.6), (0.7, 4 / 5, 0.6), (0.6, 4 / 5, 0.1)):
        number = metrics.recall_at(score, true, precision)
        assert (number.value, number.n, number.detail["cut"]) == (recall, 5, cut)
    assert metrics.recall_at(-score, true, 0.9).note == "no cut has a precision of 0.9"
    assert metrics.recall_at(score, np.zeros(7, bool), 0.9).note == "not enough stars (n=0)"
    assert metrics.recall_at(score[:0], true[:0], 0.9).value is None
    assert metrics.recall_at(np.full(3, np.nan), np.ones(3, bool), 0.5).value is None
