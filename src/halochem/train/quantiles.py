"""Latents as quantiles among stars of the same atmosphere: normal, and independent of it, by construction.

The published adversary makes the latents independent of Teff and log g by playing against them, and can do no more than
it sees. Given w and the latents before it, a latent's distribution over the stars is learnt here as a mixture of normal
ones; the normal number of the same quantile takes its place (Rosenblatt 1952, Ann. Math. Stat. 23, 470). The map is
monotone in each latent at given others: which of two stars that are alike otherwise has more of an element stays as it
was. What a latent owes to Teff, log g or another element is gone, since the abundances of halo stars, as the prior has
them, owe these nothing. No abundance enters. n stars.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from halochem.train.encoder import N_AUXILIARY, N_LATENT
from halochem.train.layers import FURTHEST, mlp

HIDDEN = (64, 64)
PEAKS = 8  # of a mixture
START_WIDTH = 0.7  # of each, their centres spread over -2 to 2
LOG_SMALLEST = math.log(1e-12)  # of a tail beyond which quantiles are not told apart: 7 standard deviations


class Quantiles(nn.Module):
    """Latents e and w, x (n, 5) -> standard normal latents (n, 3); each depends on its own, those before it, and w."""

    def __init__(self):
        super().__init__()
        self.each = nn.ModuleList(mlp(k + N_AUXILIARY, *HIDDEN, 3 * PEAKS) for k in range(N_LATENT))
        centres, widths = torch.linspace(-2, 2, PEAKS), torch.full((PEAKS,), math.log(START_WIDTH))
        with torch.no_grad():
            for net in self.each:
                net[-1].weight.zero_()
                net[-1].bias.copy_(torch.cat([torch.zeros(PEAKS), centres, widths]))

    def _peaks(self, x: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logarithms of the shares (n, PEAKS), where latent k lies in each, in its widths, and their logarithms."""
        given = torch.cat([x[:, :k], x[:, N_LATENT:]], dim=1).clamp(-FURTHEST, FURTHEST)
        share, centre, log_width = self.each[k](given).chunk(3, dim=1)
        return torch.log_softmax(share, dim=1), (x[:, k : k + 1] - centre) * torch.exp(-log_width), log_width

    def log_density(self, x: torch.Tensor) -> torch.Tensor:
        """Of the latents, given w: (n,)."""
        total = x.new_zeros(len(x))
        for k in range(N_LATENT):
            share, place, log_width = self._peaks(x, k)
            total = total + torch.logsumexp(share - place**2 / 2 - log_width, dim=1) - math.log(2 * math.pi) / 2
        return total

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 5) -> (n, 3)."""
        return torch.stack([self._normal(x, k) for k in range(N_LATENT)], dim=1)

    def _normal(self, x: torch.Tensor, k: int) -> torch.Tensor:
        share, place, _ = self._peaks(x, k)
        # The smaller tail, in logarithms: a share close to 1 has no digits left to say how close.
        below, above = (
            torch.logsumexp(share + torch.special.log_ndtr(side * place), dim=1).clamp(min=LOG_SMALLEST)
            for side in (1, -1)
        )
        tail = torch.exp(torch.minimum(below, above).double()).clamp(max=0.5)
        return (torch.where(below < above, 1.0, -1.0) * torch.special.ndtri(tail)).to(x.dtype)
