"""The adversary of preset `fast`, whose best answer is known in closed form.

It looks for any dependence between the latents and (Teff, log g), and any departure of the latents from N(0, I), among
the moments E[He_i(e_1) He_j(e_2) He_k(e_3) P_l(teff) P_m(logg)], He Hermite and P Legendre polynomials: all of them
vanish if and, up to the order, only if the latents are standard normal and tell nothing of the atmosphere. n stars.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import nn

ATMOSPHERE_DEGREE = 5
LIMIT = 3.5  # latents beyond count as there: few stars in the tails must not rule the moments
MEMORY = 0.9  # of the running means, a batch: their noise is that of some 20 batches


def hermite(x: torch.Tensor, degree: int) -> list[torch.Tensor]:
    """He_0 to He_degree (probabilists'), of unit variance for x ~ N(0, 1)."""
    values = [torch.ones_like(x), x]
    for n in range(1, degree):
        values.append(x * values[n] - n * values[n - 1])
    return [value / math.sqrt(math.factorial(n)) for n, value in enumerate(values[: degree + 1])]


def legendre(x: torch.Tensor, degree: int) -> list[torch.Tensor]:
    """P_0 to P_degree, of unit mean square for x ~ U(-1, 1)."""
    values = [torch.ones_like(x), x]
    for n in range(1, degree):
        values.append(((2 * n + 1) * x * values[n] - n * values[n - 1]) / (n + 1))
    return [value * math.sqrt(2 * n + 1) for n, value in enumerate(values[: degree + 1])]


def ranks(values: torch.Tensor) -> torch.Tensor:
    """Each column of values (n, m) as its rank, spread evenly over -1 to 1."""
    order = values.argsort(dim=0).argsort(dim=0).to(torch.float32)
    return 2 * (order + 0.5) / len(values) - 1


def atmosphere_polynomials(u: torch.Tensor) -> torch.Tensor:
    """Products of Legendre polynomials of the ranks of u (n, 2), total degree 0 to 5: (n, 21)."""
    teff, logg = (legendre(column, ATMOSPHERE_DEGREE) for column in ranks(u).T)
    pairs = itertools.product(range(ATMOSPHERE_DEGREE + 1), repeat=2)
    return torch.stack([teff[i] * logg[j] for i, j in pairs if i + j <= ATMOSPHERE_DEGREE], dim=1)


class Moments(nn.Module):
    """Running means of the moments, and what they add to the encoder's loss."""

    def __init__(self, n_latents: int, degree: int, n_atmosphere: int):
        super().__init__()
        powers = itertools.product(range(degree + 1), repeat=n_latents)
        self.powers = [power for power in powers if 0 < sum(power) <= degree]
        self.degree = degree
        self.register_buffer("running", torch.zeros(len(self.powers), n_atmosphere))
        # The many moments of high order, the noisiest, count less.
        weight = torch.tensor([1 / (n_latents * sum(power)) for power in self.powers])
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, latents: torch.Tensor, polynomials: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents (n, 3) and the atmosphere's polynomials (n, 21): the loss to add, and the dependence itself.

        The second is the weighted sum of the squared moments; the first has its gradient, with running means for one
        of the two factors. Squares of a batch's own means would be ruled by their noise, which shrinks the latents.
        """
        each = [hermite(column, self.degree) for column in latents.clamp(-LIMIT, LIMIT).T]
        products = [math.prod((each[k][n] for k, n in enumerate(power)), start=1.0) for power in self.powers]
        means = torch.stack(products, dim=1).T @ polynomials / len(latents)
        with torch.no_grad():
            self.running.mul_(MEMORY).add_((1 - MEMORY) * means)
        loss = (2 * (means * self.running).sum(dim=1) * self.weight).sum()
        return loss, ((self.running**2).sum(dim=1) * self.weight).sum()
