"""Matched filters: what one element does to a spectrum and noise and the other elements do not.

From the engine's derivatives (halochem.responses) alone. In a cell of Teff and log g, the covariance of the changes
that the elements of the halo make is S_e for each element e; the filters of e are the generalised eigenvectors of

    S_e v = m (sigma^2 I + suppression^2 sum of the other S) v

of largest m, its signal-to-noise ratio squared. They generalise pixel regions, which weigh a pixel 0 or 1 at all Teff.
n stars, k scores of `components`, r filters, c cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from halochem.responses import ELEMENTS, Responses

TEFF_CELLS, LOGG_CELLS = 12, 4
TEFF_OVERLAP = 0.28  # of a cell, on either side: Teff as observed is not exact


@dataclass(frozen=True)
class Filters:
    """The filters of every cell, and the cell of a star."""

    vectors: torch.Tensor  # (3, c, k, r), in the order of ELEMENTS, scaled: see `measure`
    weight: torch.Tensor  # (3, c): sum of the filters' weights
    direction: torch.Tensor  # (3, c, k): linear estimate of the abundance, in standard deviations
    teff_edges: np.ndarray
    logg_edges: np.ndarray

    def cells(self, u: np.ndarray) -> np.ndarray:
        """The cell of each star, int64 (n,), from Teff [K] and log g [dex], (n, 2); beyond the edges the outermost."""
        teff, logg = (
            np.clip(np.searchsorted(edges, values) - 1, 0, len(edges) - 2)
            for edges, values in zip((self.teff_edges, self.logg_edges), u.T, strict=True)
        )
        return (teff * (len(self.logg_edges) - 1) + logg).astype(np.int64)

    def to(self, device: torch.device) -> Filters:
        """The same on a device."""
        moved = (tensor.to(device) for tensor in (self.vectors, self.weight, self.direction))
        return Filters(*moved, self.teff_edges, self.logg_edges)

    def chi2(self, element: int, residual: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Mean square of the filtered residuals (n, k) of scores, in units of noise and of the other elements: (n,)."""
        filtered = torch.bmm(residual[:, None, :], self.vectors[element][cells])[:, 0]
        return (filtered**2).sum(dim=1) / self.weight[element][cells]


def measure(responses: Responses, basis: np.ndarray, sigma: float, count: int, suppression: float) -> Filters:
    """The filters in the span of `basis` (p, k), for noise `sigma` a pixel.

    Each is scaled so that noise and the other elements give it the weight m / (1 + m): those that tell nothing of
    their element do not count.
    """
    projected = responses.project(basis)
    teff_edges = np.linspace(responses.teff.min(), responses.teff.max(), TEFF_CELLS + 1)
    logg_edges = np.quantile(responses.logg, np.linspace(0, 1, LOGG_CELLS + 1))
    size = basis.shape[1]
    count = min(count, size)
    n_cells = TEFF_CELLS * LOGG_CELLS
    vectors = np.zeros((len(ELEMENTS), n_cells, size, count), np.float32)
    weight = np.zeros((len(ELEMENTS), n_cells), np.float32)
    direction = np.zeros((len(ELEMENTS), n_cells, size), np.float32)
    for cell in range(n_cells):
        here = _points(responses, teff_edges, logg_edges, cell)
        covariance = [d[here].T @ d[here] / max(here.sum(), 1) for d in projected]
        for e, signal in enumerate(covariance):
            others = sum(c for other, c in enumerate(covariance) if other != e)
            nuisance = sigma**2 * np.eye(size) + suppression**2 * others
            vectors[e, cell], weight[e, cell] = _eigenvectors(signal, nuisance, count)
            mean = projected[e][here].mean(axis=0) if here.any() else np.zeros(size)
            direction[e, cell] = np.linalg.solve(nuisance, mean)
    return Filters(
        *(torch.from_numpy(array) for array in (vectors, np.maximum(weight, 1e-6), direction)), teff_edges, logg_edges
    )


def _points(responses: Responses, teff_edges: np.ndarray, logg_edges: np.ndarray, cell: int) -> np.ndarray:
    row, column = divmod(cell, len(logg_edges) - 1)
    margin = TEFF_OVERLAP * (teff_edges[1] - teff_edges[0])
    in_teff = (responses.teff >= teff_edges[row] - margin) & (responses.teff <= teff_edges[row + 1] + margin)
    return in_teff & (responses.logg >= logg_edges[column]) & (responses.logg <= logg_edges[column + 1])


def _eigenvectors(signal: np.ndarray, nuisance: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """The `count` best filters (k, count), scaled by the root of their weights, and the sum of these."""
    from scipy.linalg import eigh

    values, vectors = eigh(signal, nuisance)
    values = np.maximum(values[::-1][:count], 0.0)
    share = values / (1 + values)
    return vectors[:, ::-1][:, :count] * np.sqrt(share), float(share.sum())
