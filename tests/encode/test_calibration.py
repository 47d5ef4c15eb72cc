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


OF_TEFF = (5000.0, 1150.0)


def relate(z, width, abundance, kind="linear", teff=None):
    teff = np.full(len(z), 5000.0) if teff is None else teff
    return calibration.fit_one(z, width, teff, abundance, OF_TEFF, kind)


def test_line_is_least_squares():
    z, _, feh = stars(100)
    line = calibration.fit_line(z, feh)
    slope, intercept = np.polyfit(z, feh, 1)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))
    assert line.sign == -1
    residual = feh - np.polyval([slope, intercept], z)
    assert line.scatter == pytest.approx(np.sqrt(np.sum(residual**2) / 98))
    np.testing.assert_allclose(line.abundance(z), np.polyval([slope, intercept], z))
    assert line.abundance(line.inverse(-1.3)) == pytest.approx(-1.3)


@pytest.mark.parametrize("kind", ["linear", "monotone"])
@pytest.mark.parametrize("n", [10, 100, 1000])
def test_calibrated_sigma_covers_the_error(n, kind):
    """Over many small calibrations the error in units of sigma has unit variance, also where widths differ."""
    pulls, narrow = [], []
    for seed in range(1000 // n + 5):
        relation = relate(*stars(n, seed), kind)
        z, width, feh = stars(400, seed + 10_000)
        pull = (relation.abundance(z) - feh) / relation.sigma(z, width, np.full(400, 5000.0))
        pulls.append(np.mean(pull**2))
        narrow.append(np.mean(pull[width < 0.2] ** 2))
    # From ten stars the scatter itself is known to a quarter.
    slack = 0.35 if n == 10 else 0.15
    assert np.mean(pulls) == pytest.approx(1, abs=slack)
    assert np.mean(narrow) == pytest.approx(1, abs=0.4)


def test_own_width_is_not_counted_twice():
    z, width, feh = stars(5000, excess=0.0)
    relation = relate(z, width, feh)
    assert relation.curve.scatter > 0.15
    assert relation.scatter.variance(np.array([5000.0])) < 0.05**2  # the widths explain it


def test_sigma_follows_teff():
    rng = np.random.default_rng(3)
    z, teff = rng.normal(size=300), rng.uniform(3000, 7000, 300)
    true_scatter = 0.05 * np.exp(0.6 * (teff - 5000) / 1150)
    relation = relate(z, np.full(300, 0.01), -1.2 + 0.5 * z + true_scatter * rng.normal(size=300), teff=teff)
    cool, hot = relation.sigma(np.zeros(2), np.full(2, 0.01), np.array([3300.0, 6700.0]))
    assert hot / cool == pytest.approx(np.exp(0.6 * 3400 / 1150), rel=0.35)


@pytest.mark.parametrize("kind", ["linear", "monotone"])
def test_two_stars_fix_a_line_without_uncertainty(kind):
    relation = relate(np.array([0.0, 1.0]), np.array([0.1, 0.1]), np.array([-1.0, -2.0]), kind)
    assert relation.abundance(np.array([3.0]))[0] == pytest.approx(-4)
    assert np.isnan(relation.sigma(np.array([3.0]), np.array([0.1]), np.array([5000.0]))).all()


@pytest.mark.parametrize(("n", "kind"), [(2, "linear"), (30, "linear"), (30, "monotone")])
def test_relations_survive_json(n, kind):
    relation = relate(*stars(n), kind)
    values = json.loads(json.dumps(relation.as_json(), allow_nan=False))
    assert values["kind"] == kind
    again = calibration.from_json(values)
    z = np.linspace(-3, 3, 20)
    np.testing.assert_equal(again.abundance(z), relation.abundance(z))
    given = (z, np.full(20, 0.1), np.full(20, 4000.0))
    np.testing.assert_equal(again.sigma(*given), relation.sigma(*given))


def measured(z):
    """The columns of product.measure that a calibration reads."""
    names = list(calibration.PARTNER)
    frame = pd.DataFrame(z, columns=names)
    return frame.assign(teff=5000.0, **{f"{name}_width": 0.01 for name in names})


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
        calibration.fit(measured(np.zeros((5, 3))), labels, np.empty(0, int), OF_TEFF, "linear", "c.h5")


def test_latent_that_says_nothing(labels):
    with pytest.raises(UserError, match="z_m is the same in all labelled stars"):
        calibration.fit(measured(np.zeros((5, 3))), labels, np.arange(4), OF_TEFF, "linear", "c.h5")


def test_each_latent_gets_its_own_abundance(labels):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 3))
    labels[["feh", "c_fe", "alpha_fe"]] = z * [2.0, -3.0, 4.0]
    found = calibration.fit(measured(z), labels, np.arange(50), OF_TEFF, "linear", "c.h5")
    assert {name: round(relation.curve.slope, 6) for name, relation in found.items()} == {
        "z_m": 2,
        "z_c": -3,
        "z_alpha": 4,
    }
