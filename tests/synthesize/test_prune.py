"""Weak lines left out: never more opacity than stated, in no bin and at no temperature."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.prune import BIN, BOLTZMANN_EV, TEMPERATURES, prune
from halochem.synthesize.lines.species import Species


def isotopologue(mass: int, n: int, seed: int) -> Lines:
    rng = np.random.Generator(np.random.Philox(seed))
    return Lines(
        Species((8, 22), (16, mass)),
        np.sort(rng.uniform(7000, 7100, n)),
        rng.uniform(0, 3, n),
        rng.normal(-3, 2, n),
        *(np.zeros(n) for _ in range(3)),
        np.full(n, "xx"),
    )


def opacity(lists: list[Lines], weights: list[float], temperature: float) -> np.ndarray:
    """Summed strength a bin of 5 Å from 7000 Å."""
    total = np.zeros(20)
    for lines, weight in zip(lists, weights, strict=True):
        strength = weight * 10**lines.log_gf * np.exp(-lines.excitation / (BOLTZMANN_EV * temperature))
        total += np.bincount(((lines.wavelength - 7000) // BIN).astype(int), strength, minlength=20)
    return total


WEIGHTS = [0.08, 0.45, 0.42, 0.05]
LISTS = [isotopologue(mass, 3000, mass) for mass in (46, 47, 49, 50)]


@pytest.mark.parametrize("share", [0.3, 0.05, 0.01, 1e-3])
def test_dropped_share_stays_below_the_limit(share):
    kept = prune(LISTS, share, 0.0, WEIGHTS)
    for temperature in TEMPERATURES:
        dropped = 1 - opacity(kept, WEIGHTS, temperature) / opacity(LISTS, WEIGHTS, temperature)
        assert (dropped <= share * (1 + 1e-9)).all()
    assert sum(map(len, kept)) < 0.8 * sum(map(len, LISTS))  # and it was worth it


def test_no_line_more_could_be_dropped_at_one_temperature(monkeypatch):
    """The strongest lines are kept and no others: in each bin the weakest kept one would break the limit."""
    monkeypatch.setattr("halochem.synthesize.lines.prune.TEMPERATURES", (3000.0,))
    share = 0.05
    (kept,) = prune(LISTS[:1], share, 0.0, [1.0])
    before, after = (opacity([lines], [1.0], 3000.0) for lines in (LISTS[0], kept))
    strength = 10**kept.log_gf * np.exp(-kept.excitation / (BOLTZMANN_EV * 3000.0))
    bins = ((kept.wavelength - 7000) // BIN).astype(int)
    weakest = np.array([strength[bins == i].min() for i in range(20)])
    assert ((before - after + weakest) > share * before).all()


def test_floor_is_a_share_of_the_strongest_bin():
    """Bins with next to no opacity may lose all of it."""
    floor = 0.02
    kept = prune(LISTS, 0.0, floor, WEIGHTS)
    for temperature in TEMPERATURES:
        before = opacity(LISTS, WEIGHTS, temperature)
        assert (before - opacity(kept, WEIGHTS, temperature) <= floor * before.max() * (1 + 1e-9)).all()


def test_nothing_but_what_rounding_hides_is_dropped_when_nothing_may_be():
    kept = prune(LISTS, 0.0, 0.0, WEIGHTS)
    for temperature in TEMPERATURES:
        assert opacity(kept, WEIGHTS, temperature) == pytest.approx(opacity(LISTS, WEIGHTS, temperature), rel=1e-12)
    assert sum(map(len, kept)) > 11_980


def test_rare_isotopologue_loses_more():
    kept = prune([LISTS[0], LISTS[0]], 0.05, 0.0, [0.99, 0.01])
    assert len(kept[1]) < 0.5 * len(kept[0])
