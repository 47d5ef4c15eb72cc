"""The split: an exact share, the same in every stage."""

from __future__ import annotations

import numpy as np
import pytest

from halochem import split


@pytest.mark.parametrize(
    ("n_stars", "fraction", "expected"), [(48, 0.7, 34), (10, 0.7, 7), (1, 0.3, 0), (999, 0.05, 50)]
)
def test_exact_share(n_stars, fraction, expected):
    train = split.is_train(1, n_stars, fraction)
    assert train.shape == (n_stars,)
    assert train.dtype == bool
    assert train.sum() == expected


def test_known_stars():
    assert np.flatnonzero(split.is_train(1, 20, 0.7)).tolist() == [1, 2, 3, 4, 5, 6, 7, 9, 13, 14, 15, 16, 17, 19]


def test_larger_fraction_keeps_the_stars_of_the_smaller():
    small, large = split.is_train(4, 500, 0.3), split.is_train(4, 500, 0.8)
    assert not (small & ~large).any()


def test_catalogs_are_split_independently_and_without_order():
    one, other = split.is_train(1, 4000, 0.5), split.is_train(2, 4000, 0.5)
    assert 0.45 < (one == other).mean() < 0.55
    assert 0.45 < one[:2000].mean() < 0.55
