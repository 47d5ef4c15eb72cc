"""The encoder: from a spectrum to 32 features, and the heads that read the latents from them.

`conv` has the layout of Signor et al. 2025 (A&A 704, A279, Sect. 2.3), which is that of spender (Melchior et
al. 2023, AJ 166, 74): three convolutions, attention over the pixels, a small MLP. `mlp` is a light stand-in
for machines without a GPU. n stars, p pixels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

FILTERS, KERNELS = (128, 256, 512), (5, 11, 21)
HIDDEN = (128, 64, 32)
N_FEATURES = HIDDEN[-1]
N_LATENT, N_AUXILIARY = 3, 2  # latents of the published elements


class Posterior(NamedTuple):
    """What the encoder says of n stars: q(z | x) = N(mean, L L^T), and the auxiliary w. One latent an element."""

    mean: torch.Tensor  # (n, 3): z_m, z_c, z_alpha; as many as there are elements
    cholesky: torch.Tensor  # (n, 3, 3), lower triangular, positive diagonal
    w: torch.Tensor  # (n, 2)


def _prelu_mlp(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), nn.PReLU(size_out)]
    return nn.Sequential(*layers)


def _conv_block(filters_in: int, filters: int, kernel: int, instance_norm: bool) -> nn.Sequential:
    conv = nn.Conv1d(filters_in, filters, kernel, padding=kernel // 2)
    if instance_norm:
        return nn.Sequential(conv, nn.InstanceNorm1d(filters), nn.PReLU(filters))
    # Nothing restores the signal's scale from layer to layer then, so the initial weights must keep it.
    nn.init.kaiming_normal_(conv.weight, a=0.25)
    return nn.Sequential(conv, nn.PReLU(filters))


class ConvEncoder(nn.Module):
    """The published encoder: (n, p) flux -> (n, 32) features.

    InstanceNorm subtracts each channel's mean over the pixels and divides by its standard deviation, for each
    star alone. Scaling all lines of a spectrum by one factor is thereby undone: what the network still learns
    of line strength leaks through the zero padding at the ends, where the continuum steps from 1 to 0, a mark
    of known height. `instance_norm=False` leaves the step out.
    """

    def __init__(self, instance_norm: bool = True):
        super().__init__()
        channels = (1, *FILTERS)
        self.blocks = nn.ModuleList(
            _conv_block(channels[i], channels[i + 1], KERNELS[i], instance_norm) for i in range(3)
        )
        self.pools = nn.ModuleList(nn.MaxPool1d(size, padding=size // 2) for size in KERNELS[:2])
        self.mlp = _prelu_mlp((FILTERS[-1] // 2, *HIDDEN))

    def forward(self, flux: torch.Tensor) -> torch.Tensor:
        """Flux (n, p), continuum 1 -> features (n, 32)."""
        x = self.pools[0](self.blocks[0](flux[:, None, :]))
        x = self.pools[1](self.blocks[1](x))
        values, attention = self.blocks[2](x).chunk(2, dim=1)
        return self.mlp((values * attention.softmax(dim=-1)).sum(dim=-1))


class MlpEncoder(nn.Module):
    """A light encoder, standardised flux (n, p) -> features (n, 32), for two cores instead of a GPU."""

    def __init__(self, n_pixels: int):
        super().__init__()
        self.mlp = _prelu_mlp((n_pixels, *HIDDEN))

    def forward(self, flux: torch.Tensor) -> torch.Tensor:
        """Standardised flux (n, p) -> features (n, 32)."""
        return self.mlp(flux)


class Heads(nn.Module):
    """From the 32 features to the posterior of the latents and to w, each by one linear layer."""

    def __init__(self, n_latent: int = N_LATENT):
        super().__init__()
        self.n_latent = n_latent
        self.mean = nn.Linear(N_FEATURES, n_latent)
        self.cholesky = nn.Linear(N_FEATURES, n_latent * (n_latent + 1) // 2)
        self.auxiliary = nn.Linear(N_FEATURES, N_AUXILIARY)

    def forward(self, features: torch.Tensor) -> Posterior:
        """Features (n, 32) -> posterior; the factor's diagonal is made positive by a softplus."""
        size = self.n_latent
        rows, columns = torch.tril_indices(size, size, device=features.device)
        entries = self.cholesky(features)
        entries = torch.where(rows == columns, nn.functional.softplus(entries), entries)
        cholesky = features.new_zeros(len(features), size, size)
        cholesky[:, rows, columns] = entries
        return Posterior(self.mean(features), cholesky, self.auxiliary(features))
