"""What preset `fast` sees of a catalog: scores instead of spectra, each computed once.

m selected stars, p pixels, k components, d pixels of the decoders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from halochem.files import Catalog
from halochem.train import adversary, data, moments
from halochem.train.data import Scaler
from halochem.train.fast import FastVae
from halochem.train.filters import Filters


@dataclass
class FastStars:
    """The tensors of m selected stars."""

    scores: torch.Tensor  # (m, k)
    noise: torch.Tensor  # (m, 1): sigma of a score
    u: torch.Tensor  # (m, 2) standardised
    classes: torch.Tensor  # (m,) int64, of the adversary
    polynomials: torch.Tensor  # (m, 21), of the atmosphere
    cells: torch.Tensor  # (m,) int64, of the filters
    flux: torch.Tensor  # (m, d)
    sigma: torch.Tensor  # (m, 1) or (m, d)
    good: torch.Tensor  # (m, d) or (m, 1) bool

    def __len__(self) -> int:
        return len(self.scores)

    def to(self, device: torch.device) -> FastStars:
        """The same on a device."""
        return FastStars(*(tensor.to(device) for tensor in vars(self).values()))

    def batch(self, rows: torch.Tensor) -> FastStars:
        """Some rows (m',)."""
        return FastStars(*(tensor[rows] for tensor in vars(self).values()))


def typical_noise(catalog: Catalog, rows: np.ndarray) -> float:
    """Median of sigma over the stars' good pixels."""
    sigma = catalog.sigma[rows]
    if catalog.mask is not None and sigma.shape[1] > 1:
        sigma = sigma[~catalog.mask[rows].astype(bool)]
    return float(np.median(sigma))


@torch.no_grad()
def tensors(
    catalog: Catalog,
    rows: np.ndarray,
    model: FastVae,
    scaler: Scaler,
    edges: tuple[np.ndarray, np.ndarray],
    filters: Filters,
) -> FastStars:
    """The selected rows, on the model's device. `edges`: of the adversary's classes."""
    device, pixels = model.fill.device, model.pixels.cpu().numpy()
    observed = data.observed_u(catalog, rows)
    u = scaler.standardise(observed).astype(np.float32)
    bad = None if catalog.mask is None else catalog.mask[rows].astype(bool)
    scores = []
    for block in torch.arange(len(rows)).split(2048):
        flux = torch.from_numpy(np.ascontiguousarray(catalog.flux[rows[block]], np.float32)).to(device)
        scores.append(model.scores(flux, None if bad is None else torch.from_numpy(bad[block]).to(device)))
    sigma = data.noise_of(catalog, rows, pixels)
    values = (
        torch.cat(scores) if scores else model.components.spread.new_zeros(0, len(model.components.spread)),
        np.sqrt(np.mean(sigma.astype(float) ** 2, axis=1, keepdims=True)).astype(np.float32),
        u,
        adversary.classes(u, edges),
        moments.atmosphere_polynomials(torch.from_numpy(u)),
        filters.cells(observed),
        np.ascontiguousarray(catalog.flux[np.ix_(rows, pixels)], np.float32),
        sigma,
        np.ones((len(rows), 1), bool) if bad is None else ~bad[:, pixels],
    )
    return FastStars(*(torch.as_tensor(value).to(device) for value in values))
