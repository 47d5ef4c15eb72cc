"""What the noise leaves to be known of a star, for one who knows the true density r of the abundances.

A measurement at the Cramer-Rao bound is drawn, x = truth + N(0, C). Its posterior r(t) N(x; t, C) is integrated over t
by quasi-Monte-Carlo points from N(x, C) with weights r. Its mean has the least squared error of all estimates; it gives
the probability of each class, and the cut in that, where a precision is met, the best classifier. n stars.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from halochem import seeds
from halochem.config import Sample
from halochem.encode.membership import BOUNDS
from halochem.evaluate.stars import Columns
from halochem.sample.density import AbundanceDensity, GridDensity
from halochem.sample.halo import halo_density

log = logging.getLogger("halochem")

ABUNDANCES = ("feh", "c_fe", "alpha_fe")
POINTS = 1024
BLOCK = 256  # stars whose points are in memory at a time
# Below this share of test stars where r is not 0, r is not what they were drawn from.
MIN_COVERED = 0.99

COLUMNS: Columns = {
    **{
        f"best_{name}": ("dex", f"mean of the posterior of {name} for a measurement at the bound, given the density r")
        for name in ABUNDANCES
    },
    **{f"best_p_{name}": ("", f"probability of class {name} for the same measurement") for name in BOUNDS},
}


def fill(
    frame: pd.DataFrame,
    inside: np.ndarray,
    seed: int,
    rows: np.ndarray,
    truth: np.ndarray,
    covariance: np.ndarray,
    sample: Sample,
) -> None:
    """Fill COLUMNS for the stars `inside` of the frame, which are `rows` of the catalog of this seed.

    `truth` (n, 3) abundances [dex], `covariance` (n, 3, 3). Left as they are where the stars do not come from r.
    """
    r = halo_density(sample)
    covered = float(np.mean(density_at(r, truth) > 0))
    if covered < MIN_COVERED:
        log.warning(
            "limits: the configured density (sample.*) holds %.0f %% of the test stars, which thus were not drawn from "
            "it: no best classifier",
            100 * covered,
        )
        return
    noise = np.array([seeds.normals(seed, "evaluate/bound", int(row), 3) for row in rows])
    means, probability = posterior(r, truth, covariance, noise)
    for k, name in enumerate(ABUNDANCES):
        frame.loc[inside, f"best_{name}"] = means[:, k]
    for k, name in enumerate(BOUNDS):
        frame.loc[inside, f"best_p_{name}"] = probability[:, k]


def posterior(
    r: AbundanceDensity, truth: np.ndarray, covariance: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means (n, 3) [dex] and class probabilities (n, len(BOUNDS)) of measured stars.

    `truth` (n, 3), `covariance` (n, 3, 3); `noise` (n, 3) standard normal, the error of the measurement.
    """
    # The origin comes first and would fall on -infinity.
    points = ndtri(qmc.Sobol(3, scramble=False).random(2 * POINTS)[1 : POINTS + 1])
    factor = np.linalg.cholesky(covariance)
    measured = truth + np.einsum("nij,nj->ni", factor, noise)
    means, probability = np.empty_like(truth), np.empty((len(truth), len(BOUNDS)))
    for first in range(0, len(truth), BLOCK):
        rows = slice(first, first + BLOCK)
        cloud = measured[rows, None, :] + points @ factor[rows].transpose(0, 2, 1)
        weight = density_at(r, cloud)
        # So far out that r vanishes on every point: no prior, then.
        weight[weight.sum(axis=1) == 0] = 1.0
        weight /= weight.sum(axis=1, keepdims=True)
        means[rows] = np.einsum("ns,nsj->nj", weight, cloud)
        for k, sides in enumerate(BOUNDS.values()):
            member = np.ones(weight.shape, bool)
            for label, (bound, side) in sides.items():
                member &= side * (cloud[..., ABUNDANCES.index(label)] - bound) > 0
            probability[rows, k] = (weight * member).sum(axis=1)
    return means, np.clip(probability, 0.0, 1.0)


def density_at(r: AbundanceDensity, abundances: np.ndarray) -> np.ndarray:
    """r, but for its constant factor, at abundances (..., 3) in the order of ABUNDANCES: (...)."""
    feh, c_fe, alpha_fe = np.moveaxis(abundances, -1, 0)
    return _at(r.p, feh, c_fe) * _at(r.q, feh, alpha_fe)


def _at(grid: GridDensity, feh: np.ndarray, y: np.ndarray) -> np.ndarray:
    i = np.searchsorted(grid.feh_edges, feh, side="right") - 1
    j = np.searchsorted(grid.y_edges, y, side="right") - 1
    shape = grid.mass.shape
    inside = (i >= 0) & (i < shape[0]) & (j >= 0) & (j < shape[1])
    return np.where(inside, grid.density[np.where(inside, i, 0), np.where(inside, j, 0)], 0.0)
