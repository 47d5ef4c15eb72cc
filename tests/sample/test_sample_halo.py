"""The default halo: published moments, the published picture, and how the numbers were made."""

import numpy as np
import pytest

from halochem.config import Sample
from halochem.sample import fit_halo
from halochem.sample.density import ABUNDANCES, Moments, class_fractions
from halochem.sample.draw import draw_labels
from halochem.sample.halo import (
    PUBLISHED_CORRELATION,
    PUBLISHED_MEAN,
    PUBLISHED_SIGMA,
    default_table,
    halo_density,
)


@pytest.fixture(scope="module")
def halo():
    return halo_density(Sample())


@pytest.fixture(scope="module")
def stars(halo):
    """The published run: five catalogs of 40 000 stars, abundances of shape (200 000, 3)."""
    catalogs = [draw_labels(Sample(), halo, seed, range(40_000)) for seed in (1, 2, 3, 4, 5)]
    return np.concatenate([catalog[list(ABUNDANCES)] for catalog in catalogs])


def at_feh(grid, feh, y_low, y_high):
    """Probability that y lies between the bounds, given [Fe/H] (cells cut at the nearest edges)."""
    row = grid.conditional[np.searchsorted(grid.feh_edges, feh) - 1]
    inside = (grid.y_edges[:-1] >= y_low - 1e-9) & (grid.y_edges[1:] <= y_high + 1e-9)
    return row[inside].sum()


def test_moments_of_200_000_stars_are_the_published_ones(stars):
    drawn = Moments.of_stars(stars)
    for name in ABUNDANCES:
        assert drawn.mean[name] == pytest.approx(PUBLISHED_MEAN[name], abs=0.01)
        assert drawn.sigma[name] == pytest.approx(PUBLISHED_SIGMA[name], abs=0.01)


def test_exact_moments_round_to_the_published_digits(halo):
    assert {k: round(v, 2) for k, v in halo.moments.mean.items()} == PUBLISHED_MEAN
    assert {k: round(v, 2) for k, v in halo.moments.sigma.items()} == PUBLISHED_SIGMA


def test_correlations_are_near_those_of_the_published_prior(halo):
    for pair, rho in PUBLISHED_CORRELATION.items():
        assert halo.moments.correlation[pair] == pytest.approx(rho, abs=0.05)


def test_class_fractions_of_stars_agree_with_the_exact_ones(halo, stars):
    drawn = class_fractions(stars)
    assert drawn["alpha_pmp"] == pytest.approx(halo.alpha_pmp_fraction(), abs=0.003)
    assert drawn["cemp"] == pytest.approx(halo.cemp_fraction(), abs=0.004)
    assert halo.alpha_pmp_fraction() == pytest.approx(0.10, abs=0.02)  # "only about 10 %", Sect. 4.1


def test_truncations(stars):
    for column, (low, high) in enumerate([(-3.1, 0.2), (-1.0, 3.0), (-0.3, 0.67)]):
        assert low <= stars[:, column].min() < low + 0.25
        assert high - 0.25 < stars[:, column].max() <= high


def test_carbon_rich_clump_lies_where_it_was_published(halo):
    """Near [C/Fe] 2, [Fe/H] -1.7 in r, apart from the main body, and gone above [Fe/H] -0.5."""
    p, r = halo.p, halo.p.conditional * halo.feh_mass[:, None]
    feh, c_fe = (p.feh_edges[1:] + p.feh_edges[:-1]) / 2, (p.y_edges[1:] + p.y_edges[:-1]) / 2
    rich = np.where(c_fe > 1.5, r, 0.0)
    peak = np.unravel_index(rich.argmax(), rich.shape)
    assert feh[peak[0]] == pytest.approx(-1.7, abs=0.1)
    assert c_fe[peak[1]] == pytest.approx(2.0, abs=0.1)
    c_marginal = r.sum(axis=0)
    assert c_marginal[np.abs(c_fe - 1.35) < 0.1].min() < 0.8 * c_marginal[c_fe > 1.5].max()
    assert 0.0 < c_fe[c_marginal.argmax()] < 0.5
    assert r[feh > -0.5][:, c_fe > 1.5].sum() < 0.005


def test_alpha_plateau_knee_and_tail(halo):
    q = halo.q
    alpha = (q.y_edges[1:] + q.y_edges[:-1]) / 2

    def peak(feh):
        return alpha[q.conditional[np.searchsorted(q.feh_edges, feh) - 1].argmax()]

    assert [peak(feh) for feh in (-2.5, -1.8, -1.3)] == pytest.approx([0.3] * 3, abs=0.02)
    assert 0.0 <= peak(-0.005) <= 0.1
    for feh in (-2.8, -2.0, -1.2, -0.6):  # sparse, at all metallicities
        assert 0.03 < at_feh(q, feh, -0.3, 0.0) < 0.25


def test_the_committed_numbers_are_those_the_fit_prints():
    fitted, committed = fit_halo.fit(), default_table()
    for name in ("p", "q"):
        assert committed[name]["range"] == fitted[name]["range"]
        for ours, theirs in zip(committed[name]["components"], fitted[name]["components"], strict=True):
            assert ours["name"] == theirs["name"]
            for key in ("weight", "feh", "ridge", "scatter"):
                # Two in the last digit: the last step of the search differs between machines.
                assert np.asarray(ours[key]) == pytest.approx(np.asarray(theirs[key]), abs=0.0021)
