"""Peers on a toy catalog: whose labels they see, what they make of them, and what is said where there is too little."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "train"))
from toy_catalog import Toy

from halochem import split
from halochem.config import Config
from halochem.evaluate import network, peers

torch.set_num_threads(1)
FAILED = (3, 150)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return Toy.make(tmp_path_factory.mktemp("toy"), n_stars=500, failed=FAILED).catalog()


@pytest.fixture(scope="module")
def frame(catalog):
    found, reason = peers.measure(catalog, Config())
    assert reason == ""
    return found.set_index("star_id")


def errors(frame, catalog, peer):
    true = catalog.labels.set_index("star_id").loc[frame.index]
    return {name: frame[f"{peer}_{name}"] - true[name] for name in peers.STAR_LABELS}


def test_one_row_for_each_test_star_with_a_spectrum(frame, catalog):
    test = ~split.is_train(7, 500, 0.7)
    test[list(FAILED)] = False
    assert list(frame.index) == list(catalog.labels["star_id"][test])
    assert frame.notna().all(axis=None)


@pytest.mark.parametrize("peer", list(peers.PEERS))
def test_every_peer_reads_every_label(frame, catalog, peer):
    for name, error in errors(frame, catalog, peer).items():
        assert np.sqrt((error**2).mean()) < 0.35 * catalog.labels[name].std(), name


def test_no_test_label_is_seen(frame, catalog):
    changed = Toy(Path(), catalog.path, Path()).catalog()
    test = ~split.is_train(7, 500, 0.7)
    changed.labels.loc[test, list(peers.STAR_LABELS)] = 0.0
    again, _ = peers.measure(changed, Config())
    np.testing.assert_allclose(again.set_index("star_id").to_numpy(float), frame.to_numpy(float))


def test_few_are_the_same_stars_every_time_and_no_more_than_asked():
    rows = np.arange(5, 4005)
    few = peers.few(rows, 1)
    assert len(few) == len(set(few)) == peers.FEW
    assert set(few) <= set(rows)
    assert set(peers.few(rows, 2)) != set(few)
    assert list(peers.few(rows[:50], 1)) == list(rows[:50])


def test_too_few_stars_or_no_labels_are_said(catalog, tmp_path):
    small = Toy.make(tmp_path, n_stars=60).catalog()
    found, reason = peers.measure(small, Config())
    assert reason == "no peers: 42 training stars with a spectrum, 100 are the least"
    assert found["network_feh"].isna().all()
    assert len(found) == 18
    small.labels = small.labels[["star_id"]]
    _, reason = peers.measure(small, Config())
    assert "/labels/teff is missing" in reason


def test_components_hold_what_varies():
    rng = np.random.default_rng(0)
    flux = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 80)) + 0.01 * rng.normal(size=(400, 80)) + 5.0
    found = network.components(flux.astype(np.float32), 1, count=3)
    rest = (flux - found.mean) - (flux - found.mean) @ found.basis @ found.basis.T
    assert rest.std() < 0.012
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(3), atol=1e-4)
    bad = rng.random(flux.shape) < 0.02
    spoilt = np.where(bad, 1e4, flux).astype(np.float32)
    again = network.components(spoilt, 1, bad, count=3)
    assert np.abs(again.scores(spoilt, bad)).max() < 10
