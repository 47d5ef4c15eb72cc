"""The limits of the noise: for each test star the Cramer-Rao bound, and the best estimate that it allows.

Derivatives of the flux are central differences of the emulator, on the catalog's own pixels. With J (5, p) of a star
and the standard deviation s of its pixels the Fisher matrix is F = J S^-2 J^T; the covariance of the labels that no
unbiased measurement can undercut is F^-1. n stars, p pixels.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from halochem import split
from halochem.config import Config
from halochem.errors import UserError
from halochem.evaluate import best
from halochem.evaluate.stars import Columns
from halochem.files import STAR_LABELS, Catalog
from halochem.synthesize.atmospheres.c3k import TEFF_COOL
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.features import matrix

log = logging.getLogger("halochem")

ABUNDANCES = ("feh", "c_fe", "alpha_fe")
ATMOSPHERE = ("teff", "logg")
# Large against the rounding of single precision, small against the scale on which any line changes.
STEP = {"teff": 20.0, "logg": 0.05, "feh": 0.02, "c_fe": 0.02, "alpha_fe": 0.02}  # K, dex
# Where the spectrum says nothing of a label (log g beyond the atmosphere grid) this keeps F invertible: a Gaussian of
# that many times the label's range, which weighs nothing beside any real information.
WIDTH = 10.0
BLOCK = 256  # stars whose derivatives are in memory at a time: 21 MB
PAIRS = (("feh", "c_fe"), ("feh", "alpha_fe"), ("c_fe", "alpha_fe"))

COLUMNS: Columns = {
    "star_id": ("", "identifier"),
    **{
        f"crb_{name}": ("K" if name == "teff" else "dex", f"Cramer-Rao bound of {name}, all five labels free")
        for name in STAR_LABELS
    },
    **{f"crb_{name}_prior": ("dex", "the same with Teff and log g known to observe.jitter") for name in ABUNDANCES},
    **{f"crb_{name}_known": ("dex", "the same with Teff and log g known exactly") for name in ABUNDANCES},
    **{
        f"rho_{one}_{other}": ("", f"correlation of the errors of {one} and {other} at the bound, all labels free")
        for one, other in PAIRS
    },
    **best.COLUMNS,
}


def measure(catalog: Catalog, config: Config) -> tuple[pd.DataFrame, str]:
    """COLUMNS of the catalog's test stars that have a spectrum, and why they are NaN, "" where they are not."""
    is_test = ~split.is_train(catalog.seed, len(catalog.status), config.train.train_fraction)
    rows = np.flatnonzero(is_test & catalog.usable)
    ids = (
        catalog.labels["star_id"]
        if "star_id" in catalog.labels
        else pd.Series([f"{i:06d}" for i in range(len(is_test))])
    )
    frame = pd.DataFrame({"star_id": ids.to_numpy(object)[rows]})
    frame = frame.reindex(columns=list(COLUMNS))
    frame[list(COLUMNS)[1:]] = np.nan
    try:
        emulator = fitting_emulator(catalog, config)
    except UserError as error:
        return frame, f"no bounds: {error}"
    labels = matrix(catalog.labels)[rows]
    inside = _inside(labels, emulator.limits)
    if not inside.any():
        return frame, "no bounds: no test star lies within the labels of the emulator"
    if not inside.all():
        log.warning("limits: %d of %d test stars lie outside the emulator and have none", (~inside).sum(), len(rows))
    covariance = _fill(frame, inside, emulator, catalog, rows[inside], config.observe.jitter)
    best.fill(frame, inside, catalog.seed, rows[inside], labels[inside][:, 2:], covariance, config.sample)
    return frame, ""


def fitting_emulator(catalog: Catalog, config: Config) -> model.Emulator:
    """The emulator of `synthesis.emulator_dir`. Raises UserError where it does not answer for this catalog."""
    folder = config.synthesis.emulator_dir
    lacking = [name for name in STAR_LABELS if name not in catalog.labels]
    if lacking:
        raise UserError(f"{catalog.path}: /labels/{lacking[0]} is missing; a bound needs the true labels")
    emulator = model.load(folder)
    if emulator.wavelength.shape != catalog.wavelength.shape or not np.allclose(
        emulator.wavelength, catalog.wavelength, rtol=1e-9, atol=0
    ):
        raise UserError(f"{catalog.path}: its pixels are not those of the emulator {folder}")
    expected = emulator.document["spectra"] | {"resolution": f"{emulator.document['spectrum']['resolution']:g}"}
    for name in ("engine", "atmospheres", "line_list_hash", "resolution"):
        found = str(catalog.attributes.get(name, "not recorded")).removeprefix("emulator of ")
        if found != expected.get(name, found):
            raise UserError(f"{catalog.path}: {name} {found}, but the emulator {folder} is of {expected[name]}")
    return emulator


def _inside(labels: np.ndarray, limits: dict[str, tuple[float, float]]) -> np.ndarray:
    low, high = (np.array([limits[name][end] for name in STAR_LABELS]) for end in (0, 1))
    return ((labels >= low) & (labels <= high)).all(axis=1)


def _fill(
    frame: pd.DataFrame, inside: np.ndarray, emulator: model.Emulator, catalog: Catalog, rows: np.ndarray, jitter: float
) -> np.ndarray:
    """Fill the bounds of the stars `inside`; returns the covariance of their abundances, (n, 3, 3)."""
    labels = matrix(catalog.labels)[rows]
    fisher = fisher_matrices(
        emulator, labels, catalog.sigma[rows], None if catalog.mask is None else catalog.mask[rows]
    )
    ranges = np.array([np.ptp(emulator.limits[name]) for name in STAR_LABELS])
    free = covariances(fisher, ranges)
    for k, name in enumerate(STAR_LABELS):
        frame.loc[inside, f"crb_{name}"] = np.sqrt(free[:, k, k])
    known = covariances(fisher[:, 2:, 2:], ranges[2:])
    prior = known
    if jitter > 0:
        told = fisher.copy()
        for k in range(2):
            told[:, k, k] += (jitter * labels[:, k]) ** -2.0
        prior = covariances(told, ranges)[:, 2:, 2:]
    for k, name in enumerate(ABUNDANCES):
        frame.loc[inside, f"crb_{name}_prior"] = np.sqrt(prior[:, k, k])
        frame.loc[inside, f"crb_{name}_known"] = np.sqrt(known[:, k, k])
    for one, other in PAIRS:
        i, j = STAR_LABELS.index(one), STAR_LABELS.index(other)
        frame.loc[inside, f"rho_{one}_{other}"] = free[:, i, j] / np.sqrt(free[:, i, i] * free[:, j, j])
    return free[:, 2:, 2:]


def fisher_matrices(
    emulator: model.Emulator, labels: np.ndarray, sigma: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """F of each star, (n, 5, 5), for labels (n, 5) in the order of STAR_LABELS.

    `sigma` (n, 1) or (n, p), standard deviation of the flux; `mask` (n, p), True where a pixel is bad.
    """
    slopes = coefficient_derivatives(emulator, labels)
    result = np.empty((len(labels), 5, 5))
    for first in range(0, len(labels), BLOCK):
        rows = slice(first, first + BLOCK)
        jacobian = slopes[rows] @ emulator.arrays["basis"]
        jacobian /= sigma[rows][:, None, :]
        if mask is not None:
            jacobian *= ~mask[rows].astype(bool)[:, None, :]
        result[rows] = jacobian @ jacobian.transpose(0, 2, 1)
    return result


def coefficient_derivatives(emulator: model.Emulator, labels: np.ndarray) -> np.ndarray:
    """Derivatives of the basis coefficients by each label, float32 (n, 5, k), by central differences.

    Both points stay within the emulator's labels and on the star's own side of the temperature at which the atmosphere
    grid's highest log g changes: the spectrum has a step there, of which the derivative is no information.
    """
    parts = []
    for k, name in enumerate(STAR_LABELS):
        low, high = labels.copy(), labels.copy()
        limits = emulator.limits[name]
        low[:, k] = np.maximum(labels[:, k] - STEP[name], limits[0])
        high[:, k] = np.minimum(labels[:, k] + STEP[name], limits[1])
        if name == "teff":
            cool = labels[:, k] <= TEFF_COOL
            high[cool, k] = np.minimum(high[cool, k], TEFF_COOL)
            low[~cool, k] = np.maximum(low[~cool, k], np.nextafter(TEFF_COOL, np.inf))
        width = (high[:, k] - low[:, k]).astype(np.float32)
        difference = emulator.coefficients(high) - emulator.coefficients(low)
        parts.append(difference / width[:, None])
    return np.stack(parts, axis=1)


def covariances(fisher: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Inverses of (n, m, m) Fisher matrices; `ranges` (m,) of the labels, which also bring them to one scale."""
    scaled = fisher * np.outer(ranges, ranges) + np.eye(len(ranges)) * WIDTH**-2.0
    return np.linalg.inv(scaled) * np.outer(ranges, ranges)
