"""From standard normal latents to abundances on the scale of the halo.

The latents of preset `fast` are independent and standard normal, and triangular: e_1 is what iron alone does, e_2 what
carbon does beside it, e_3 what the alpha elements do. A triangular map carries them to the halo's density r([Fe/H],
[C/Fe], [alpha/Fe]) in one way only (Rosenblatt 1952, Ann. Math. Stat. 23, 470): [Fe/H] is the quantile of its
distribution at Phi(e_1), [C/Fe] that of p at this [Fe/H], [alpha/Fe] that of q. r is what the literature says of the
halo, as are the correlations of the published prior: no star's abundance enters. n stars.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import ndtr
from torch import nn

LIMIT, NODES = 4.0, 161  # nodes of the tables, in each latent
MIN_SLOPE = 1e-3  # of z in e: where the halo has a gap or an end, the posterior keeps a width


class Triangle(nn.Module):
    """z_0 = f(e_0), z_k = f_k(e_0, e_k): tables of standardised abundances on nodes of e, interpolated linearly.

    Until `fill` is called, a straight line with the correlations `cholesky` (3, 3).
    """

    def __init__(self, cholesky: np.ndarray):
        super().__init__()
        nodes = np.linspace(-LIMIT, LIMIT, NODES)
        first = np.broadcast_to(nodes[:, None], (NODES, NODES))
        table = [cholesky[k, 0] * first + np.sqrt(1 - cholesky[k, 0] ** 2) * nodes for k in range(1, len(cholesky))]
        self.register_buffer("first", torch.from_numpy(nodes).float())  # (NODES,)
        self.register_buffer("others", torch.from_numpy(np.array(table)).float())  # (2, NODES, NODES): e_0, e_k
        self.register_buffer("sign", torch.ones(len(cholesky)))  # of e, towards higher abundance

    def fill(self, abundances: np.ndarray) -> None:
        """Take the tables from abundances on the nodes, (NODES, NODES, 3), first index e_0; see `halo_nodes`."""
        weight = np.exp(-0.5 * np.linspace(-LIMIT, LIMIT, NODES) ** 2)
        mass = np.outer(weight, weight) / weight.sum() ** 2
        mean = np.einsum("ij,ijk->k", mass, abundances)
        standard = (abundances - mean) / np.sqrt(np.einsum("ij,ijk->k", mass, (abundances - mean) ** 2))
        self.first.copy_(torch.from_numpy(standard[:, 0, 0]))
        self.others.copy_(torch.from_numpy(np.moveaxis(standard[:, :, 1:], 2, 0)))

    def forward(self, e: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """e (n, 3) -> z (n, 3) and its derivatives by `sign` e, lower triangular, diagonal above 0: (n, 3, 3)."""
        cell, part = _locate(e * self.sign)
        step = 2 * LIMIT / (NODES - 1)
        z, slope = [_line(self.first, cell[:, 0], part[:, 0])], e.new_zeros(len(e), e.shape[1], e.shape[1])
        slope[:, 0, 0] = (self.first[cell[:, 0] + 1] - self.first[cell[:, 0]]) / step
        for k, table in enumerate(self.others, start=1):
            corners = [[table[cell[:, 0] + i, cell[:, k] + j] for j in (0, 1)] for i in (0, 1)]
            low, high = ((1 - part[:, k]) * row[0] + part[:, k] * row[1] for row in corners)
            z.append((1 - part[:, 0]) * low + part[:, 0] * high)
            slope[:, k, 0] = (high - low) / step
            rise = [row[1] - row[0] for row in corners]
            slope[:, k, k] = ((1 - part[:, 0]) * rise[0] + part[:, 0] * rise[1]) / step
        diagonal = torch.diagonal(slope, dim1=1, dim2=2)
        # Not in place: with gradients that would keep every batch in memory for good.
        return torch.stack(z, dim=1), slope + torch.diag_embed((MIN_SLOPE - diagonal).clamp(min=0))


def _locate(e: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The node below each e and the way to the next, which goes beyond 0 to 1 outside the nodes."""
    position = (e + LIMIT) * (NODES - 1) / (2 * LIMIT)
    cell = position.floor().clamp(0, NODES - 2)
    return cell.long(), (position - cell).clamp(-NODES, NODES)


def _line(table: torch.Tensor, cell: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    return (1 - part) * table[cell] + part * table[cell + 1]


def halo_nodes(density) -> np.ndarray:
    """Abundances [dex] on the nodes, (NODES, NODES, 3): [Fe/H], [C/Fe], [alpha/Fe] of a sample.AbundanceDensity."""
    share = ndtr(np.linspace(-LIMIT, LIMIT, NODES))
    first, second = np.meshgrid(share, share, indexing="ij")
    uniforms = np.stack([first, second, second], axis=-1).reshape(-1, 3)
    return density.draw(uniforms).reshape(NODES, NODES, 3)
