import math

import numpy as np
import pytest
import torch

from halochem.train import adversary


@pytest.fixture(scope="module")
def u():
    """Standardised Teff and log g of different ranges, so that sharing edges would show."""
    rng = np.random.default_rng(0)
    return np.stack([rng.uniform(-1.7, 1.7, 20_000), rng.uniform(-0.4, 3.0, 20_000)], axis=1)


def test_seven_bins_of_the_release(u):
    edges = tuple(adversary.bin_edges(u[:, k], "uniform", 7) for k in range(2))
    assert [len(e) for e in edges] == [8, 8]
    found = adversary.classes(u, edges)
    assert len(set(found)) == 49
    assert set(found % 8) == set(found // 8) == set(range(7))


@pytest.mark.parametrize("kind", ["uniform", "quantile"])
def test_eight_bins_of_each_parameter_are_all_used(u, kind):
    edges = tuple(adversary.bin_edges(u[:, k], kind) for k in range(2))
    assert [len(e) for e in edges] == [9, 9]
    found = adversary.classes(u, edges)
    assert set(found) == set(range(64))
    counts = np.bincount(found, minlength=64)
    assert counts.min() > 0.6 * len(u) / 64
    assert counts.max() < 1.4 * len(u) / 64


def test_each_parameter_has_its_own_edges(u):
    edges = tuple(adversary.bin_edges(u[:, k], "uniform") for k in range(2))
    found = adversary.classes(u, edges)
    for k, part in enumerate((found // 8, found % 8)):
        expected = np.clip(np.floor((u[:, k] - edges[k][0]) / (edges[k][-1] - edges[k][0]) * 8), 0, 7)
        assert np.array_equal(part, expected)


def test_values_beyond_the_edges_belong_to_the_outer_bins():
    edges = (np.linspace(0, 1, 9), np.linspace(0, 1, 9))
    assert adversary.classes(np.array([[-5.0, 5.0], [5.0, -5.0], [1.0, 0.0]]), edges).tolist() == [7, 56, 56]


def test_layout():
    sizes = [tuple(p.shape) for p in adversary.Adversary().parameters() if p.ndim == 2]
    assert sizes == [(64, 3), (128, 64), (64, 128)]


def test_cross_entropy_of_even_guesses_and_the_release_that_confines_it():
    target = torch.tensor([5])
    assert adversary.cross_entropy(torch.zeros(1, 64), target).item() == pytest.approx(math.log(64))
    sure = torch.full((1, 64), -50.0)
    sure[0, 5] = 50.0
    wrong = sure.roll(1, dims=1)
    assert adversary.cross_entropy(sure, target).item() == pytest.approx(0, abs=1e-6)
    assert adversary.cross_entropy(wrong, target).item() == pytest.approx(100)
    low = adversary.cross_entropy(sure, target, double_softmax=True).item()
    high = adversary.cross_entropy(wrong, target, double_softmax=True).item()
    assert (low, high) == pytest.approx((math.log(1 + 63 / math.e), math.log(math.e + 63)), rel=1e-5)
    assert high - low == pytest.approx(1)
