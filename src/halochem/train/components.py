"""Principal components of the observed training spectra: what the encoder of preset `fast` sees.

n stars, p pixels, k components.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from halochem import seeds

OVERSAMPLE = 16
PASSES = 12  # of subspace iteration: behind the first 60, components of a survey are little above the noise
BLOCK = 2048
NOISE_UNITS = 5.0  # scores below so many sigma of the noise enter the second half of the features linearly


class Components(nn.Module):
    """Flux (n, p) -> scores (n, k), and scores -> what the networks read. Fixed once `fit` has filled the buffers."""

    def __init__(self, n_pixels: int, count: int):
        super().__init__()
        self.register_buffer("mean", torch.ones(n_pixels))
        self.register_buffer("basis", torch.zeros(n_pixels, count))  # orthonormal columns
        self.register_buffer("spread", torch.ones(count))  # of the scores
        self.register_buffer("noise", torch.ones(()))  # median sigma of the training pixels

    def scores(self, flux: torch.Tensor) -> torch.Tensor:
        """(n, p) -> (n, k). Noise of sigma in each pixel is noise of sigma in each score."""
        return (flux - self.mean) @ self.basis

    def features(self, scores: torch.Tensor) -> torch.Tensor:
        """(n, k) -> (n, 2 k): whitened, and on a scale linear within the noise and logarithmic beyond.

        A few cool stars set the spread of most components; the second half is where hot ones differ.
        """
        return torch.cat([scores / self.spread, torch.asinh(scores / (NOISE_UNITS * self.noise))], dim=1)


def fit(target: Components, flux: np.ndarray, bad: np.ndarray | None, sigma: float, seed: int) -> None:
    """Fill the buffers from flux (n, p); `bad` (n, p) pixels count as the mean there. `sigma`: typical noise."""
    n, p = flux.shape
    count = target.basis.shape[1]
    good = np.ones(p) * n if bad is None else (~bad).sum(axis=0)
    total = flux.sum(axis=0, dtype=np.float64) if bad is None else np.where(bad, 0, flux).sum(axis=0, dtype=np.float64)
    mean = np.where(good > 0, total / np.maximum(good, 1), 1.0).astype(np.float32)
    generator = torch.Generator().manual_seed(seeds.torch_seed(seed, "train/components"))
    basis = torch.linalg.qr(torch.randn(p, min(count + OVERSAMPLE, p), generator=generator)).Q
    for _ in range(PASSES):
        basis = torch.linalg.qr(_covariance_times(flux, mean, bad, basis)).Q
    # Within the subspace, the components in order.
    small = basis.T @ _covariance_times(flux, mean, bad, basis)
    values, vectors = torch.linalg.eigh((small + small.T) / 2)
    order = torch.argsort(values, descending=True)[:count]
    target.mean.copy_(torch.from_numpy(mean))
    target.basis.copy_(basis @ vectors[:, order])
    target.spread.copy_(values[order].clamp(min=1e-12).sqrt())
    target.noise.fill_(sigma)


def _covariance_times(flux: np.ndarray, mean: np.ndarray, bad: np.ndarray | None, basis: torch.Tensor) -> torch.Tensor:
    total = torch.zeros_like(basis)
    for first in range(0, len(flux), BLOCK):
        rows = slice(first, first + BLOCK)
        offset = flux[rows] - mean
        if bad is not None:
            offset[bad[rows]] = 0.0
        block = torch.from_numpy(offset)
        total += block.T @ (block @ basis)
    return total / len(flux)
