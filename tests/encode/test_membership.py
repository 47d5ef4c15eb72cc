import json

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from halochem.encode import membership
from halochem.encode.membership import Cut

LABELS = ("feh", "c_fe", "alpha_fe")
MEAN, SPREAD, ERROR = np.array([-1.23, 0.62, 0.22]), np.array([0.57, 0.75, 0.15]), np.array([0.2, 0.3, 0.08])


def stars(n, seed, claimed=1.0):
    """True abundances, their best estimates and the estimates' standard deviations, off by a factor `claimed`."""
    rng = np.random.default_rng(seed)
    true = MEAN + SPREAD * rng.normal(size=(n, 3))
    shrink = SPREAD**2 / (SPREAD**2 + ERROR**2)
    found = MEAN + shrink * (true + ERROR * rng.normal(size=(n, 3)) - MEAN)
    sigma = np.broadcast_to(claimed * ERROR * np.sqrt(shrink), (n, 3))
    return tuple(dict(zip(LABELS, values.T, strict=True)) for values in (true, found, sigma))


def test_probability_is_the_product_of_normal_integrals():
    found = {"feh": np.array([-1.2, -0.9]), "c_fe": np.array([1.0, 0.2])}
    sigma = {"feh": np.array([0.2, 0.2]), "c_fe": np.array([0.3, 0.3])}
    expected = norm.cdf([1.0, -0.5]) * norm.cdf([1.0, -5 / 3])
    np.testing.assert_allclose(expit(membership.gaussian_logit("cemp", found, sigma)), expected, rtol=1e-10)


def test_members_lie_beyond_every_bound():
    true = {"feh": np.array([-1.1, -0.9, -1.1]), "c_fe": np.full(3, 0.8), "alpha_fe": np.array([-0.1, -0.1, 0.1])}
    assert membership.is_member("cemp", true).tolist() == [True, False, True]
    assert membership.is_member("alpha_pmp", true).tolist() == [True, False, False]


def test_certain_stars_stay_finite_and_unknown_ones_unknown():
    found = {"feh": np.array([-9.0, 9.0, np.nan]), "c_fe": np.array([9.0, -9.0, 0.0])}
    logit = membership.gaussian_logit("cemp", found, {name: np.full(3, 0.01) for name in found})
    np.testing.assert_array_equal(logit, [membership.MAX_LOGIT, -membership.MAX_LOGIT, np.nan])


@pytest.mark.parametrize("name", ["cemp", "alpha_pmp"])
@pytest.mark.parametrize("precision", [0.5, 0.8])
def test_flagged_stars_have_the_precision_asked_for(name, precision):
    """100 labelled stars, the cut from 20 000 unlabelled ones, the precision of 20 000 others: on average."""
    realised = []
    for seed in range(10):
        true, found, sigma = stars(100, seed)
        curve = membership.fit_curve(membership.gaussian_logit(name, found, sigma), membership.is_member(name, true))
        _, found, sigma = stars(20_000, 100 + seed)
        cut = membership.choose_cut(curve.probability(membership.gaussian_logit(name, found, sigma)), precision)
        assert cut.reached
        assert cut.precision == pytest.approx(precision, abs=0.01)
        true, found, sigma = stars(20_000, 200 + seed)
        flagged = cut.flags(curve.probability(membership.gaussian_logit(name, found, sigma)))
        realised.append(membership.is_member(name, true)[flagged].mean())
    assert np.mean(realised) == pytest.approx(precision, abs=0.07)


def test_curve_mends_errors_that_claim_too_little():
    true, found, sigma = stars(3000, 1, claimed=0.4)
    logit = membership.gaussian_logit("cemp", found, sigma)
    member = membership.is_member("cemp", true)
    curve = membership.fit_curve(logit, member)
    assert curve.slope < 0.75
    middle = (curve.probability(logit) > 0.3) & (curve.probability(logit) < 0.7)
    assert member[middle].mean() == pytest.approx(curve.probability(logit)[middle].mean(), abs=0.06)


def test_without_a_member_the_probability_stays_small_and_in_order():
    logit = np.linspace(-9, -3, 50)
    curve = membership.fit_curve(logit, np.zeros(50, bool))
    p = curve.probability(logit)
    assert (np.diff(p) > 0).all()
    assert p.max() < 0.1
    assert (curve.n, curve.members) == (50, 0)


def test_cut_is_the_lowest_that_holds_the_precision():
    p = np.r_[np.linspace(1, 0, 1001), np.nan]
    cut = membership.choose_cut(p, 0.9)
    assert cut.threshold == pytest.approx(0.8)  # the mean of 0.8 to 1
    assert cut.flagged == 201
    assert cut.recall == pytest.approx(0.9 * 201 / np.nansum(p))
    assert np.nansum(cut.flags(p)) == 201


def test_out_of_reach_flags_the_most_probable_few():
    p = np.linspace(0, 0.3, 500)
    cut = membership.choose_cut(p, 0.8)
    assert not cut.reached
    assert cut.flagged == membership.MIN_FLAGGED
    assert cut.precision == pytest.approx(p[-10:].mean())


def test_no_probability_no_flag():
    cut = membership.choose_cut(np.full(5, np.nan), 0.8)
    assert not cut.reached
    assert not cut.flags(np.array([0.99, np.nan])).any()
    again = membership.from_json(Cut, json.loads(json.dumps(membership.as_json(cut), allow_nan=False)))
    np.testing.assert_equal(vars(again), vars(cut))


def test_equal_probabilities_stand_or_fall_together():
    p = np.array([0.97] * 30 + [0.6] * 10)
    assert membership.choose_cut(p, 0.9).flagged == 30  # with seven of the ten it would hold, with all it does not
    assert membership.choose_cut(p, 0.87).flagged == 40
