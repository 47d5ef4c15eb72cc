import numpy as np
import pytest

from halochem.encode import monotone


def bent(n, seed, noise=0.05, sign=1):
    """Stars on a curve that is steep at first and flat later."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return z, sign * (np.tanh(z) + 0.1 * z) + noise * rng.normal(size=n)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [8, 30, 300])
def test_never_turns_back(n, sign):
    for seed in range(5):
        curve = monotone.fit(*bent(n, seed, noise=0.4, sign=sign))
        values = curve.abundance(np.linspace(-8, 8, 2001))
        assert (curve.sign * np.diff(values) > 0).all()
    assert curve.sign == sign


def test_follows_a_curve_where_a_line_cannot():
    curve = monotone.fit(*bent(200, 0))
    z, true = bent(2000, 1, noise=0.0)
    line = np.polyfit(*bent(200, 0), 1)
    off, off_line = (np.sqrt(np.mean((values - true) ** 2)) for values in (curve.abundance(z), np.polyval(line, z)))
    assert off < 0.03
    assert off < 0.25 * off_line


def test_few_stars_on_a_line_give_a_line():
    spent = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=20)
        spent.append(monotone.fit(z, 0.5 * z + 0.1 * rng.normal(size=20)).spent)
    assert np.median(spent) < 2.3


def test_goes_on_straight_beyond_the_stars():
    curve = monotone.fit(*bent(100, 0))
    far = curve.abundance(curve.high + np.array([0.0, 1.0, 2.0]))
    assert far[2] - far[1] == pytest.approx(far[1] - far[0])
    assert curve.slope_at(np.array([curve.high + 1]))[0] == pytest.approx(far[1] - far[0], rel=1e-3)
    assert np.isnan(curve.abundance(np.array([np.nan])))


@pytest.mark.parametrize("sign", [1, -1])
def test_inverse(sign):
    curve = monotone.fit(*bent(100, 0, sign=sign))
    for value in (-2.0, -0.5, 0.3, 1.5):
        assert curve.abundance(np.array([curve.inverse(value)]))[0] == pytest.approx(value, abs=2e-3)


def test_its_own_error_is_that_of_repeated_fits():
    z = np.linspace(-1.5, 1.5, 7)
    curves = [monotone.fit(*bent(100, seed, noise=0.1)) for seed in range(60)]
    found = np.std([curve.abundance(z) for curve in curves], axis=0)
    stated = np.sqrt(np.mean([curve.variance(z) for curve in curves], axis=0))
    np.testing.assert_allclose(stated, found, rtol=0.45)
