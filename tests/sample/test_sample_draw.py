"""Labels: functions of (seed, star) alone, with the configured distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from halochem.config import Sample, Snr
from halochem.errors import UserError
from halochem.files import LABELS
from halochem.sample.draw import draw_labels
from halochem.sample.halo import halo_density


@pytest.fixture(scope="module")
def halo():
    return halo_density(Sample())


@pytest.fixture(scope="module")
def labels(halo):
    return draw_labels(Sample(), halo, 7, range(4000))


def test_columns_and_identifiers(labels):
    assert list(labels.columns) == list(LABELS)
    assert labels["star_id"].iloc[12] == "halo-7-000012"
    assert labels["star_id"].is_unique


def test_a_star_is_unchanged_by_number_and_order(halo, labels):
    few = draw_labels(Sample(), halo, 7, range(10))
    pd.testing.assert_frame_equal(few, labels.head(10))
    order = [3999, 5, 1234]
    some = draw_labels(Sample(), halo, 7, order)
    pd.testing.assert_frame_equal(some, labels.iloc[order].reset_index(drop=True))


def test_seeds_differ(halo, labels):
    other = draw_labels(Sample(), halo, 8, range(100))
    numbers = [name for name in LABELS if name != "star_id"]
    assert (other[numbers] != labels[numbers].head(100)).all().all()


def test_labels_of_one_star_stay_what_they_are():
    """A change of the stream, of the order of draws or of the default density must be deliberate."""
    star = draw_labels(Sample(), halo_density(Sample()), 1, [0]).iloc[0].drop("star_id").to_dict()
    expected = {"teff": 4235.805, "logg": 5.177485, "feh": -0.858598, "c_fe": 0.400132, "alpha_fe": 0.276537}
    assert star == expected | {"snr": 32.6228}


def test_teff_and_logg_are_uniform_over_their_ranges(labels):
    for name, (low, high) in (("teff", (3000, 7000)), ("logg", (2.5, 6.0))):
        assert stats.kstest(labels[name], stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(labels["teff"], labels["logg"])[0, 1]) < 0.06
    assert abs(np.corrcoef(labels["teff"], labels["feh"])[0, 1]) < 0.06


@pytest.mark.parametrize("snr", [Snr(), Snr(mean=20, sigma=15, minimum=10), Snr(mean=10, sigma=10, minimum=35)])
def test_snr_is_a_truncated_normal(halo, snr):
    drawn = draw_labels(Sample(snr=snr), halo, 5, range(3000))["snr"]
    assert drawn.min() >= snr.minimum
    truth = stats.truncnorm((snr.minimum - snr.mean) / snr.sigma, np.inf, snr.mean, snr.sigma)
    assert stats.kstest(drawn, truth.cdf).pvalue > 1e-3


def test_snr_without_spread(halo):
    assert (draw_labels(Sample(snr=Snr(sigma=0)), halo, 1, range(5))["snr"] == 50).all()


@pytest.mark.parametrize("snr", [Snr(mean=5, sigma=0, minimum=10), Snr(mean=5, sigma=1, minimum=500)])
def test_snr_without_stars_is_refused(halo, snr):
    with pytest.raises(UserError, match=r"sample\.snr: .* lower the minimum"):
        draw_labels(Sample(snr=snr), halo, 1, range(5))
