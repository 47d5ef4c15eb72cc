import json

import numpy as np
import pandas as pd
import pytest

from halochem.encode import calibration
from halochem.errors import UserError


def stars(n, seed=0, slope=-0.6, excess=0.1):
    """Posterior means and widths with abundances that they truly describe, up to a scatter `excess`."""
    rng = np.random.default_rng(seed)
    z_true = rng.normal(0, 1, n)
    z_sigma = rng.uniform(0.05, 0.5, n)
    shrink = 1 / (1 + z_sigma**2)  # prior N(0, 1): the posterior of a measurement with error s
    z = shrink * (z_true + z_sigma * rng.normal(size=n))
    width = z_sigma * np.sqrt(shrink)
    return z, width, -1.2 + slope * z_true + excess * rng.normal(size=n)


def test_line_is_least_squares():
    z, width, feh = stars(100)
    line = calibration.fit_line(z, width, feh)
    slope, intercept = np.polyfit(z, feh, 1)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))
    assert line.sign == -1
    residual = feh - np.polyval([slope, intercept], z)
    assert line.scatter == pytest.approx(np.sqrt(np.sum(residual**2) / 98))
    np.testing.assert_allclose(line.abundance(z), np.polyval([slope, intercept], z))


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_calibrated_sigma_covers_the_error(n):
    """Over many small calibrations the error in units of sigma has unit variance, also where posteriors differ."""
    pulls, narrow = [], []
    for seed in range(2000 // n + 5):
        line = calibration.fit_line(*stars(n, seed))
        z, width, feh = stars(400, seed + 10_000)
        pull = (line.abundance(z) - feh) / line.sigma(z, width)
        pulls.append(np.mean(pull**2))
        narrow.append(np.mean(pull[width < 0.2] ** 2))
    # From n stars the scatter itself is uncertain: Student's t with n - 2 degrees of freedom.
    assert np.mean(pulls) == pytest.approx((n - 2) / (n - 4), abs=0.15)
    assert np.mean(narrow) == pytest.approx((n - 2) / (n - 4), abs=0.35)


def test_scatter_is_not_counted_twice():
    z, width, feh = stars(5000, excess=0.0)
    line = calibration.fit_line(z, width, feh)
    assert line.scatter > 0.15
    assert line.excess < 0.05  # the posteriors explain it


def test_two_stars_fix_a_line_without_uncertainty():
    line = calibration.fit_line(np.array([0.0, 1.0]), np.array([0.1, 0.1]), np.array([-1.0, -2.0]))
    assert line.abundance(np.array([3.0]))[0] == pytest.approx(-4)
    assert np.isnan(line.sigma(np.array([3.0]), np.array([0.1]))).all()


@pytest.mark.parametrize("n", [2, 30])
def test_lines_survive_json(n):
    line = calibration.fit_line(*stars(n))
    again = calibration.from_json(json.loads(json.dumps(line.as_json(), allow_nan=False)))
    np.testing.assert_equal(vars(again), vars(line))


@pytest.fixture
def labels():
    frame = pd.DataFrame(np.zeros((50, 3)), columns=["feh", "c_fe", "alpha_fe"])
    frame.loc[10:19, "c_fe"] = np.nan
    return frame


def test_labelled_stars_are_candidates_with_all_abundances(labels):
    candidates = np.arange(0, 40)
    few = calibration.labelled_rows(1, candidates, labels, 5)
    more = calibration.labelled_rows(1, candidates, labels, 12)
    every = calibration.labelled_rows(1, candidates, labels, 1000)
    assert len(few) == 5
    assert set(few) < set(more) < set(every)
    assert set(every) == set(candidates) - set(range(10, 20))
    assert set(calibration.labelled_rows(2, candidates, labels, 5)) != set(few)


def test_no_labels_at_all(labels):
    assert len(calibration.labelled_rows(1, np.arange(5), labels.drop(columns="feh"), 5)) == 0
    with pytest.raises(UserError, match=r"c\.h5: 0 training stars with known feh.*--calibration TABLE"):
        calibration.fit(np.zeros((5, 3)), np.ones((5, 3)), labels, np.empty(0, int), "c.h5")


def test_latent_that_says_nothing(labels):
    with pytest.raises(UserError, match="z_m is the same in all labelled stars"):
        calibration.fit(np.zeros((5, 3)), np.ones((5, 3)), labels, np.arange(4), "c.h5")


def test_each_latent_gets_its_own_abundance(labels):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 3))
    labels[["feh", "c_fe", "alpha_fe"]] = z * [2.0, -3.0, 4.0]
    lines = calibration.fit(z, np.full((50, 3), 0.01), labels, np.arange(50), "c.h5")
    assert {name: round(line.slope, 6) for name, line in lines.items()} == {"z_m": 2, "z_c": -3, "z_alpha": 4}
