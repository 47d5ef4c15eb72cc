"""What the network sees of a star."""

from __future__ import annotations

import numpy as np

from halochem.synthesize import composition
from halochem.synthesize.atmospheres.c3k import nearest_covered
from halochem.synthesize.emulator import design
from halochem.synthesize.emulator.features import NAMES, features, matrix, microturbulence, structure_labels

LABELS = matrix(design.design(200, 3))


def column(labels: np.ndarray, name: str) -> np.ndarray:
    return features(np.atleast_2d(labels))[:, NAMES.index(name)]


def test_structure_labels_are_those_that_the_atmospheres_take():
    expected = [nearest_covered(teff, logg, feh, alpha)[0] for teff, logg, feh, _, alpha in LABELS]
    assert np.array_equal(structure_labels(LABELS), expected)
    assert (structure_labels(LABELS)[:, 1] != LABELS[:, 1]).any()


def test_microturbulence_is_that_of_the_synthesis():
    expected = [composition.microturbulence(star[0], star[1]) for star in LABELS]
    assert np.array_equal(microturbulence(LABELS[:, 0], LABELS[:, 1]), expected)


def test_beyond_the_edge_only_the_composition_goes_on():
    inside = np.array([5000.0, 5.0, -1.0, 0.3, 0.3])
    beyond = inside + np.array([0, 0.8, 0, 0, 0])
    assert np.array_equal(features(inside[None]), features(beyond[None]))


def test_co_takes_the_rarer_of_carbon_and_oxygen():
    solar = composition.abundances(0, 0, 0)
    rich, poor = [3500.0, 4.5, -1.0, 1.0, 0.3], [3500.0, 4.5, -1.0, 0.0, 0.3]
    carbon, oxygen = (solar[number] - 12.0 - 1.0 for number in (6, 8))
    left = 10 ** (carbon + 1.0) - 10 ** (oxygen + 0.3)
    assert abs(column(rich, "free_c_cool")[0] - np.log10(left)) < 0.01
    assert column(rich, "free_o_cool")[0] < oxygen - 2
    assert column(poor, "free_c_cool")[0] < carbon - 2
    left = 10 ** (oxygen + 0.3) - 10**carbon
    assert abs(column(poor, "free_o_cool")[0] - np.log10(left)) < 0.01


def test_no_co_in_a_hot_star():
    star = [6900.0, 4.0, -1.0, 0.5, 0.3]
    assert abs(column(star, "free_c_warm")[0] - column(star, "c_h")[0]) < 0.01
    assert abs(column(star, "free_o_warm")[0] - column(star, "alpha_h")[0]) < 0.01


def test_features_are_finite_and_continuous_in_the_abundances():
    assert np.isfinite(features(LABELS)).all()
    for index in (2, 3, 4):
        moved = LABELS.copy()
        moved[:, index] += 1e-6
        assert np.abs(features(moved) - features(LABELS)).max() < 1e-3
