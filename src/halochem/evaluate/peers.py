"""Other methods on the same stars: The Cannon and a supervised network, both with the true labels of training stars.

n stars. The latents know of no label but Teff and log g; what peers know besides is what a table of labels is worth.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from halochem import seeds, split
from halochem.config import Config
from halochem.evaluate import cannon, network
from halochem.evaluate.stars import Columns
from halochem.files import STAR_LABELS, Catalog
from halochem.synthesize.emulator.features import matrix

log = logging.getLogger("halochem")

FEW = 1000  # training stars of The Cannon in Appendix E of the paper
MIN_TRAIN = 100  # five times the terms of The Cannon's quadratic
PEERS = {
    "cannon": f"The Cannon on {FEW} training stars",
    "cannon_all": "The Cannon on all training stars",
    "network": "a supervised network on all training stars",
}
COLUMNS: Columns = {
    "star_id": ("", "identifier"),
    **{
        f"{peer}_{label}": ("K" if label == "teff" else "dex", f"{label} by {title}")
        for peer, title in PEERS.items()
        for label in STAR_LABELS
    },
}


def measure(catalog: Catalog, config: Config) -> tuple[pd.DataFrame, str]:
    """COLUMNS of the catalog's test stars that have a spectrum, and why they are NaN, "" where they are not."""
    is_train = split.is_train(catalog.seed, len(catalog.status), config.train.train_fraction)
    test = np.flatnonzero(~is_train & catalog.usable)
    ids = catalog.labels["star_id"] if "star_id" in catalog.labels else [f"{i:06d}" for i in range(len(is_train))]
    frame = pd.DataFrame({"star_id": np.asarray(ids, object)[test]}).reindex(columns=list(COLUMNS))
    frame[list(COLUMNS)[1:]] = np.nan
    lacking = [name for name in STAR_LABELS if name not in catalog.labels]
    if lacking:
        return frame, f"no peers: {catalog.path}: /labels/{lacking[0]} is missing; peers are trained on true labels"
    labels = matrix(catalog.labels)
    train = np.flatnonzero(is_train & catalog.usable & np.isfinite(labels).all(axis=1))
    if len(train) < MIN_TRAIN:
        return frame, f"no peers: {len(train)} training stars with a spectrum, {MIN_TRAIN} are the least"
    for peer, found in (("cannon", few(train, catalog.seed)), ("cannon_all", train)):
        _fill(frame, peer, _cannon(catalog, labels, found, test))
        log.info("peers: The Cannon on %d stars", len(found))
    _fill(frame, "network", _network(catalog, labels, train, test))
    log.info("peers: the network on %d stars", len(train))
    return frame, ""


def few(train: np.ndarray, seed: int) -> np.ndarray:
    """At most FEW of the rows `train`, those of smallest draw in a stream of their own."""
    draws = seeds.uniform_table(seed, "evaluate/few", train, 1)[:, 0]
    return np.sort(train[np.argsort(draws, kind="stable")[:FEW]])


def _fill(frame: pd.DataFrame, peer: str, labels: np.ndarray) -> None:
    for k, name in enumerate(STAR_LABELS):
        frame[f"{peer}_{name}"] = labels[:, k]


def _cannon(catalog: Catalog, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    model = cannon.fit(catalog.flux[train], catalog.sigma[train], labels[train], _bad(catalog, train))
    return model.labels(catalog.flux[test], catalog.sigma[test], _bad(catalog, test))


def _network(catalog: Catalog, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    flux, bad = catalog.flux[train], _bad(catalog, train)
    found = network.components(flux, catalog.seed, bad)
    x_test = found.scores(catalog.flux[test], _bad(catalog, test))
    return network.train_and_predict(found.scores(flux, bad), labels[train], x_test, catalog.seed)


def _bad(catalog: Catalog, rows: np.ndarray) -> np.ndarray | None:
    return None if catalog.mask is None else catalog.mask[rows].astype(bool)
