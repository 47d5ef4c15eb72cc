"""What the network sees of a star."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from halochem.synthesize import composition
from halochem.synthesize.atmospheres.c3k import C3K, nearest_covered
from halochem.synthesize.emulator import design, model
from halochem.synthesize.emulator.features import (
    DEPTHS,
    LABEL_FEATURES,
    NAMES,
    STRUCTURE_FEATURES,
    features,
    matrix,
    microturbulence,
    structure_labels,
)

LABELS = matrix(design.design(200, 3))
SHIPPED = Path(__file__).parents[2] / "resources" / "emulator"


@pytest.fixture(scope="module")
def network():
    """The c3k network, which the shipped emulator carries."""
    return model.load(SHIPPED).structures


def column(labels: np.ndarray, name: str) -> np.ndarray:
    return features(np.atleast_2d(labels))[:, LABEL_FEATURES.index(name)]


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


def test_structure_features_are_those_of_the_atmospheres(network, tmp_path):
    np.savez(tmp_path / "c3k.npz", **network)
    atmospheres = C3K(tmp_path / "c3k.npz")
    found = features(LABELS, network)[:, len(LABEL_FEATURES) :]
    assert found.shape[1] == len(STRUCTURE_FEATURES) == 3 * len(DEPTHS)
    for star, row in zip(LABELS, found, strict=True):
        structure = atmospheres(star[0], star[1], star[2], star[4])
        expected = [
            5040.0 / np.interp(DEPTHS, structure.log_tau, structure.temperature),
            np.interp(DEPTHS, structure.log_tau, np.log10(structure.gas_pressure)),
            np.interp(DEPTHS, structure.log_tau, np.log10(structure.electron_density)),
        ]
        assert np.allclose(row, np.concatenate(expected), atol=2e-3)


def test_columns_have_the_names_that_are_given(network):
    assert features(LABELS[:3], network).shape == (3, len(NAMES))
    assert features(LABELS[:3]).shape == (3, len(LABEL_FEATURES))
