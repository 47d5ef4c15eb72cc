"""A supervised network with all labels: principal components of the flux in, the five labels out.

The peer that says what a network reads from these spectra when it is told every label of every training star. n stars,
p pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from halochem import seeds

COMPONENTS = 128
OVERSAMPLE = 16
PASSES = 2  # of subspace iteration; the spectrum of these data falls steeply
HIDDEN = (256, 256)
EPOCHS = 60
BATCH = 256
MAX_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4
BLOCK = 2048


@dataclass(frozen=True)
class Components:
    """Principal components of the training flux; scores are scaled by the first's spread."""

    mean: np.ndarray  # (p,)
    basis: np.ndarray  # (p, k)
    scale: np.ndarray  # (k,)

    def scores(self, flux: np.ndarray, bad: np.ndarray | None = None) -> np.ndarray:
        """(n, p) -> float32 (n, k); a bad pixel counts as the mean there."""
        parts = [np.empty((0, self.basis.shape[1]), np.float32)]
        for first in range(0, len(flux), BLOCK):
            rows = slice(first, first + BLOCK)
            offset = flux[rows] - self.mean
            if bad is not None:
                offset[bad[rows]] = 0.0
            parts.append(((offset @ self.basis) / self.scale).astype(np.float32))
        return np.concatenate(parts)


def components(flux: np.ndarray, seed: int, bad: np.ndarray | None = None, count: int = COMPONENTS) -> Components:
    """By randomised subspace iteration (Halko et al. 2011, SIAM Rev. 53, 217) on flux (n, p), in blocks of stars."""
    n, p = flux.shape
    count = min(count, n - 1, p)
    good = flux if bad is None else np.where(bad, np.nan, flux)
    mean = np.nan_to_num(np.nanmean(good, axis=0), nan=1.0).astype(np.float32)
    width = min(count + OVERSAMPLE, n, p)
    start = np.array([seeds.normals(seed, "evaluate/components", k, p) for k in range(width)], np.float32)
    basis = np.linalg.qr(start.T)[0]
    for _ in range(PASSES + 1):
        image = _gram_times(flux, mean, bad, basis)
        basis, _ = np.linalg.qr(image)
    # Within the subspace, the components in order.
    small = basis.T @ _gram_times(flux, mean, bad, basis)
    values, vectors = np.linalg.eigh((small + small.T) / 2)
    order = np.argsort(values)[::-1][:count]
    spread = np.sqrt(np.maximum(values[order], 0.0) / n)
    # Not each by its own spread: the last ones are noise, and are best left small.
    scale = np.sqrt(spread**2 + (0.05 * spread[0]) ** 2)
    return Components(mean, (basis @ vectors[:, order]).astype(np.float32), scale.astype(np.float32))


def _gram_times(flux: np.ndarray, mean: np.ndarray, bad: np.ndarray | None, basis: np.ndarray) -> np.ndarray:
    """X^T X basis for X = flux - mean: (p, k)."""
    total = np.zeros(basis.shape, np.float32)
    for first in range(0, len(flux), BLOCK):
        offset = flux[first : first + BLOCK] - mean
        if bad is not None:
            offset[bad[first : first + BLOCK]] = 0.0
        total += offset.T @ (offset @ basis)
    return total


def train_and_predict(x_train: np.ndarray, labels: np.ndarray, x_test: np.ndarray, seed: int) -> np.ndarray:
    """Labels (m, L) of stars of scores x_test (m, k), by a network trained on x_train (n, k) and labels (n, L)."""
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seeds.torch_seed(seed, "evaluate/network"))
    mean, scale = labels.mean(axis=0), labels.std(axis=0)
    x = torch.from_numpy(x_train)
    y = torch.from_numpy(((labels - mean) / scale).astype(np.float32))
    sizes = (x.shape[1], *HIDDEN, y.shape[1])
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(sizes):
        layer = nn.Linear(width_in, width_out)
        bound = width_in**-0.5
        with torch.no_grad():
            for values in (layer.weight, layer.bias):
                values.uniform_(-bound, bound, generator=generator)
        layers += [layer, nn.SiLU()]
    network = nn.Sequential(*layers[:-1])
    batches = -(-len(x) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, MAX_LEARNING_RATE, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            # Mean absolute error: stars of which the spectrum tells little do not dominate.
            loss = (network(x[rows]) - y[rows]).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        predicted = network(torch.from_numpy(x_test)).numpy().astype(np.float64)
    return mean + scale * predicted
