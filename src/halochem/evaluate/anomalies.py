"""Spectra spoilt on purpose, and what the model says of them: Sect. 4.4 of the paper.

From test stars of a catalog: Gaussian noise of 30 % of the continuum, spikes, a block of zeros, a block of ones. The
catalog's own noise level is kept: an anomaly is what the error of a spectrum does not tell of. p pixels.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from halochem import seeds, split
from halochem.encode import latents
from halochem.errors import UserError
from halochem.evaluate.anomaly_kinds import BLOCK, KINDS, NOISE, SPIKE_HEIGHT, SPIKES
from halochem.files import Catalog
from halochem.train.data import noise_of
from halochem.train.model_files import Model

log = logging.getLogger("halochem")

STARS = 1000  # of each kind: a share of 0.5 is then known to 0.016


def spoil(kind: str, flux: np.ndarray, seed: int, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Flux (p,) of star `row` of catalog `seed`, spoilt, and which pixels are: float32 (p,), bool (p,)."""
    stream, spoilt, touched = f"evaluate/anomaly/{kind}", flux.copy(), np.zeros(len(flux), bool)
    if kind == "noise":
        spoilt += (NOISE * seeds.normals(seed, stream, row, len(flux))).astype(flux.dtype)
        touched[:] = True
    elif kind == "spikes":
        where, height = seeds.uniforms(seed, stream, row, 2 * SPIKES).reshape(2, SPIKES)
        pixels = (where * len(flux)).astype(int)
        spoilt[pixels] += SPIKE_HEIGHT[0] + (SPIKE_HEIGHT[1] - SPIKE_HEIGHT[0]) * height
        touched[pixels] = True
    else:
        width = min(BLOCK, len(flux))
        first = int(seeds.uniforms(seed, stream, row, 1)[0] * (len(flux) - width + 1))
        spoilt[first : first + width] = {"zeros": 0.0, "ones": 1.0}[kind]
        touched[first : first + width] = True
    return spoilt, touched


def choose(catalog: Catalog, train_fraction: float) -> np.ndarray:
    """Rows of at most STARS test stars with a spectrum, those of smallest draw in a stream of their own, ascending."""
    is_train = split.is_train(catalog.seed, len(catalog.status), train_fraction)
    rows = np.flatnonzero(~is_train & catalog.usable)
    draws = seeds.uniform_table(catalog.seed, "evaluate/anomaly/stars", rows, 1)[:, 0]
    return np.sort(rows[np.argsort(draws, kind="stable")[:STARS]])


def measure(catalog: Catalog, model: Model) -> pd.DataFrame:
    """COLUMNS of each chosen star and kind."""
    model.check_grid(catalog)
    rows = choose(catalog, model.document["training"]["train_fraction"])
    if not len(rows):
        raise UserError(f"{catalog.path}: no test star with a spectrum to spoil")
    ids = catalog.labels["star_id"] if "star_id" in catalog.labels else [f"{i:06d}" for i in range(len(catalog.status))]
    bad = None if catalog.mask is None else catalog.mask[rows].astype(bool)
    good = None if bad is None else ~bad[:, model.pixels]
    sigma = noise_of(catalog, rows, model.pixels)
    parts = []
    for kind in KINDS:
        spoilt, touched = (
            np.array(each)
            for each in zip(*(spoil(kind, catalog.flux[row], catalog.seed, row) for row in rows), strict=True)
        )
        found = latents.infer(model, spoilt, bad)
        flux = spoilt[:, model.pixels]
        columns = {
            "star_id": np.asarray(ids, object)[rows],
            "kind": np.full(len(rows), kind, object),
            "error": np.sqrt(latents.relative_l2(found.reconstruction, flux, good)),
            "chi2": latents.reduced_chi2(found.reconstruction, flux, sigma, good),
            "norm": np.linalg.norm(found.z, axis=1),
            "seen": touched[:, model.pixels].sum(axis=1).astype(float),
        }
        parts.append(pd.DataFrame(columns))
        log.info("anomalies: %d stars, %s", len(rows), KINDS[kind])
    return pd.concat(parts, ignore_index=True)
