import numpy as np
import pytest

from halochem.encode import scatter

OF_TEFF = (5000.0, 1150.0)


def residuals(n, seed, level=0.1, slope=0.0, width=0.03):
    """Residuals and widths of stars whose scatter goes as exp(slope t)."""
    rng = np.random.default_rng(seed)
    teff = rng.uniform(3000, 7000, n)
    g = level * np.exp(slope * (teff - 5000) / 1150)
    widths = width * rng.uniform(0.5, 1.5, n)
    return np.hypot(g, widths) * rng.normal(size=n), widths, teff


def test_many_stars_give_the_scatter_at_each_teff():
    found = scatter.fit(*residuals(5000, 0, slope=0.5), OF_TEFF, 2)
    teff = np.array([3500.0, 5000.0, 6500.0])
    np.testing.assert_allclose(np.sqrt(found.variance(teff)), 0.1 * np.exp(0.5 * (teff - 5000) / 1150), rtol=0.08)


def test_noise_alone_leaves_no_scatter():
    found = scatter.fit(*residuals(2000, 1, level=1e-6), OF_TEFF, 2)
    assert np.sqrt(found.variance(np.array([5000.0]))) < 0.012


def test_ten_stars_do_not_invent_a_trend():
    """Their own ratio of the ends' scatter would be far off; the prior holds it near 1."""
    ratios = []
    for seed in range(30):
        found = scatter.fit(*residuals(10, seed), OF_TEFF, 2)
        cool, hot = np.sqrt(found.variance(np.array([3000.0, 7000.0])))
        ratios.append(np.log(hot / cool))
    assert np.std(ratios) < 1.0
    assert np.mean(ratios) == pytest.approx(0, abs=0.35)


@pytest.mark.parametrize(("n", "low", "high"), [(6, 1.1, 3.0), (2000, 1.0, 1.01)])
def test_fewer_stars_leave_more_room(n, low, high):
    """The mean of g^2 over what c may be, against g^2 at the best c."""
    found = scatter.fit(*residuals(n, 4), OF_TEFF, 2)
    at_best = np.exp(2 * found.coefficients[0] - np.sqrt(5) * found.coefficients[2])  # t = 0: P_1 = 0, P_2 = -sqrt(5)/2
    assert low < found.variance(np.array([5000.0]))[0] / at_best < high


def test_parameters_of_the_curve_count():
    given = residuals(20, 2)
    variances = [scatter.fit(*given, OF_TEFF, spent).variance(np.array([5000.0]))[0] for spent in (0, 10)]
    assert variances[1] / variances[0] == pytest.approx(2, rel=0.2)


def test_beyond_the_training_stars_teff_counts_as_at_their_edge():
    found = scatter.fit(*residuals(500, 3, slope=0.5), OF_TEFF, 2)
    edge, beyond, nothing = found.variance(np.array([5000 + 2 * 1150.0, 12_000.0, np.nan]))
    assert beyond == pytest.approx(edge)
    assert np.isnan(nothing)
