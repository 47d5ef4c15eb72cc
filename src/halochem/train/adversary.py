"""The adversary: it guesses the class of (Teff, log g) from z, and the encoder learns to prevent it.

Signor et al. 2025 (A&A 704, A279), Sect. 2.2 and Eq. A.4.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from halochem.train.encoder import N_LATENT

N_BINS = 8  # of Teff and of log g each
N_CLASSES = N_BINS * N_BINS
HIDDEN = (64, 128)


class Adversary(nn.Module):
    """MLP 3-64-128-64 on the posterior mean (n, 3), giving the logits (n, 64) of the classes."""

    def __init__(self, n_latent: int = N_LATENT):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(n_latent, HIDDEN[0]),
            nn.ReLU(),
            nn.Linear(HIDDEN[0], HIDDEN[1]),
            nn.ReLU(),
            nn.Linear(HIDDEN[1], N_CLASSES),
        )

    def forward(self, mean: torch.Tensor) -> torch.Tensor:
        """Posterior mean (n, 3) -> logits (n, 64)."""
        return self.mlp(mean)


def bin_edges(values: np.ndarray, kind: str, n_bins: int = N_BINS) -> np.ndarray:
    """The nine edges of eight bins over `values` (n,): "uniform" in width or "quantile", equal in content."""
    if kind == "quantile":
        return np.quantile(values, np.linspace(0, 1, n_bins + 1))
    return np.linspace(values.min(), values.max(), n_bins + 1)


def classes(u: np.ndarray, edges: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The class 0..63 of each star: int64, shape (n,). `u` (n, 2) in the units of its two sets of edges.

    Values beyond the outer edges (validation stars) belong to the outer bins.
    """
    teff_bin, logg_bin = (np.searchsorted(e[1:-1], u[:, k], side="right") for k, e in enumerate(edges))
    return (teff_bin * N_BINS + logg_bin).astype(np.int64)


def cross_entropy(logits: torch.Tensor, target: torch.Tensor, double_softmax: bool = False) -> torch.Tensor:
    """Mean cross-entropy over the stars, a scalar in nats.

    Eq. A.4 divided by n, as in the public release, so that lambda means the same at any batch size.
    `double_softmax` reproduces that release, which hands probabilities to a function that expects logits: the
    loss is then confined to log(1 + 63 / e) to log(e + 63), 3.18 to 4.19 nats.
    """
    if double_softmax:
        logits = logits.softmax(dim=-1)
    return nn.functional.cross_entropy(logits, target)
