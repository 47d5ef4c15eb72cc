"""The labels of a catalog's stars: each a function of (seed, star) alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from halochem import seeds
from halochem.config import Sample, Snr
from halochem.errors import UserError
from halochem.sample.density import ABUNDANCES, AbundanceDensity

STREAM = "labels"
# Position of each label's draw in its star's stream. A new label goes at the end, so that these stay.
DRAWS = ("teff", "logg", *ABUNDANCES, "snr")
# Rounding, far below any effect on a spectrum, hides the last bits in which the exponential functions of
# different machines may differ: so the labels are the same everywhere.
DECIMALS = {"teff": 3, "snr": 4}
DECIMALS_DEX = 6


def draw_labels(
    sample: Sample, density: AbundanceDensity, seed: int, stars: Sequence[int], stream: str = STREAM
) -> pd.DataFrame:
    """Labels of the given stars of catalog `seed`, one row each: the columns of halochem.files.LABELS.

    teff [K] and logg [dex] uniform, abundances [dex] from `density`, snr normal, truncated below. Another `stream`
    gives stars that no catalog has.
    """
    u = dict(zip(DRAWS, seeds.uniform_table(seed, stream, stars, len(DRAWS)).T, strict=True))
    labels = {
        "teff": _uniform(u["teff"], sample.teff),
        "logg": _uniform(u["logg"], sample.logg),
        **dict(zip(ABUNDANCES, density.draw(np.column_stack([u[name] for name in ABUNDANCES])).T, strict=True)),
        "snr": _snr(u["snr"], sample.snr),
    }
    frame = pd.DataFrame({name: np.round(x, DECIMALS.get(name, DECIMALS_DEX)) for name, x in labels.items()})
    frame.insert(0, "star_id", [f"halo-{seed}-{star:06d}" for star in stars])
    return frame


def _uniform(u: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return bounds[0] + u * (bounds[1] - bounds[0])


def _snr(u: np.ndarray, snr: Snr) -> np.ndarray:
    """Normal draws, truncated below snr.minimum, by inversion."""
    if snr.sigma == 0 and snr.mean >= snr.minimum:
        return np.full_like(u, snr.mean)
    kept = ndtr((snr.mean - snr.minimum) / snr.sigma) if snr.sigma > 0 else 0.0
    if kept < 1e-6:
        raise UserError(
            f"sample.snr: a mean of {snr.mean:g} and a sigma of {snr.sigma:g} leave no star above "
            f"the minimum of {snr.minimum:g}; lower the minimum"
        )
    # From above, where the distribution is not cut, so that a minimum in the upper tail keeps its precision.
    return np.maximum(snr.mean - snr.sigma * ndtri((1.0 - u) * kept), snr.minimum)
