"""Flags: chemically peculiar stars by the published cuts in the latents, anomalies by their reconstruction.

Signor et al. 2025 (A&A 704, A279), Sect. 2.5, 4.3 and 4.4. n stars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from halochem.config import Encode


@dataclass(frozen=True)
class Reference:
    """What is normal: moments of each latent over the training stars, and the limit of chi2_reduced."""

    mean: tuple[float, ...]  # of z, (3,)
    std: tuple[float, ...]  # of z, (3,)
    chi2_limit: float


def reference(z: np.ndarray, chi2: np.ndarray, false_alarm: float) -> Reference:
    """The reference from the training stars' z (n, 3), and chi2_reduced (m,) of stars that the model was not fitted to.

    The limit is the quantile 1 - false_alarm: that share of the second stars lies above it.
    """
    mean, std = z.mean(axis=0), z.std(axis=0)
    return Reference(
        tuple(map(float, mean)),
        tuple(map(float, std)),
        float(np.quantile(chi2[np.isfinite(chi2)], 1 - false_alarm)),
    )


def standard_scores(z: np.ndarray, signs: Sequence[int], normal: Reference) -> np.ndarray:
    """z (n, 3) in standard deviations from the training stars' mean, positive towards higher abundance."""
    return np.array(signs) * (z - np.array(normal.mean)) / np.array(normal.std)


def alpha_poor_metal_poor(score: np.ndarray, encode: Encode) -> np.ndarray:
    """alpha-poor and metal-poor: bool (n,). Scores (n, 3) as from `standard_scores`; NaN gives False."""
    return (score[:, 2] < -encode.flag_alpha_sigma) & (score[:, 0] < -encode.flag_feh_sigma)


def carbon_enhanced_metal_poor(score: np.ndarray, encode: Encode) -> np.ndarray:
    """Carbon-enhanced and metal-poor: bool (n,)."""
    return (score[:, 1] > encode.flag_c_sigma) & (score[:, 0] < -encode.flag_feh_sigma)


def anomalous(chi2: np.ndarray, normal: Reference) -> np.ndarray:
    """Reconstructed worse than all but the share `encode.false_alarm` of normal stars: bool (n,)."""
    return chi2 > normal.chi2_limit
