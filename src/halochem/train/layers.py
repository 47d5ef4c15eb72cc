"""What the networks of preset `fast` are built of, and straight lines by least squares on what they have learnt."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

FURTHEST = (
    4.0  # latents and w beyond count as there, where a network reads them: none must run away with an odd spectrum
)


def mlp(*sizes: int, activation: type[nn.Module] = nn.SiLU) -> nn.Sequential:
    """Linear layers with `activation` between them."""
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), activation()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def fit_line(
    line: nn.Linear, inputs: torch.Tensor, targets: torch.Tensor, ridge: float, weight: torch.Tensor | None = None
) -> None:
    """Fill `line` by least squares of `targets` (n, q) on `inputs` (n, h), stars weighted by `weight` (n, 1).

    `ridge`: what is added to the inputs' variances, in units of their mean, so that a column without information
    cannot run away. In double precision: the columns of a network's hidden layer are nearly dependent.
    """
    weight = torch.ones_like(inputs[:, :1]) if weight is None else weight
    share = (weight / weight.sum()).double()
    centre, level = (share * inputs).sum(dim=0), (share * targets).sum(dim=0)
    offset = inputs.double() - centre
    covariance = offset.T @ (share * offset)
    normal = covariance + ridge * torch.diagonal(covariance).mean() * torch.eye(len(covariance), device=inputs.device)
    # Not lstsq, whose last digits depend on where in memory its input lies.
    factor = torch.linalg.cholesky_ex(normal).L
    slope = torch.cholesky_solve(offset.T @ (share * (targets.double() - level)), factor)
    line.weight.copy_(slope.T)
    line.bias.copy_(level - centre @ slope)
