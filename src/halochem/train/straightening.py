"""Carbon's latent made blind to iron and the alpha elements, along what these do to a spectrum.

Quantiles make z_c independent of z_m and w as numbers over the stars; which stars share a z_c they do not say, and
stars of equal carbon differ in it by a tenth of a dex. The engine's derivatives (halochem.responses) say where iron
alone would move a star's spectrum, and the generator's, by which step of the five numbers that is answered: along it,
carbon must not change. The shift that brings this about is learnt, and kept small. No star's abundance enters: where
in the table of derivatives a star stands, its own w and z say.

n stars, m points of the table, k components. Abundances in standard deviations of `responses.MOMENTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from halochem import seeds
from halochem.responses import ELEMENTS, MOMENTS, Responses
from halochem.train import layers, optimise
from halochem.train.refinement import derivatives

STRAIGHTENED = ELEMENTS.index("c_fe")
# Carbon's own derivative is none to go by: across C/O = 1 it is another one on either side.
ALONG = tuple(k for k in range(len(ELEMENTS)) if k != STRAIGHTENED)
HIDDEN, EPOCHS, BATCH = (128, 128), 120, 128  # of the network that learns the table
RATE, HIDDEN_RATE = 3e-3, 0.02
FURTHEST = 3.5  # standard deviations of the table's labels, beyond which it is read at its edge
STEP = 0.25  # of an abundance, over which differences are taken
NOTICED = 5.0  # sigma of the whole spectrum: directions that show less count less
SOFT = 0.1  # change of z_c along a direction below which its square counts
PULL = 0.3  # weight of the changes against the mean square of the shift
BLOCK = 2048


@dataclass(frozen=True)
class Answers:
    """What each abundance does to the scores, at any labels."""

    net: nn.Sequential
    centre: torch.Tensor  # (5,) of the labels: Teff [K], log g [dex], three abundances [dex]
    width: torch.Tensor  # (5,)
    spread: torch.Tensor  # (3 k,)

    def to(self, device: torch.device) -> Answers:
        """The same on a device."""
        return Answers(self.net.to(device), *(tensor.to(device) for tensor in (self.centre, self.width, self.spread)))

    def __call__(self, labels: torch.Tensor) -> torch.Tensor:
        """Labels (n, 5) -> change of the scores per standard deviation of each abundance, (n, 3, k)."""
        inputs = ((labels - self.centre) / self.width).clamp(-FURTHEST, FURTHEST)
        return (self.net(inputs) * self.spread).unflatten(1, (len(ELEMENTS), -1))


@torch.enable_grad()
def learn_answers(responses: Responses, basis: np.ndarray, noise: float, seed: int) -> Answers:
    """A network through the table of derivatives, in the span of `basis` (p, k); `noise`: sigma of a score."""
    labels = np.column_stack([responses.teff, responses.logg, responses.abundances])
    targets = np.concatenate(list(responses.project(basis)), axis=1)
    spread = np.sqrt((targets**2).mean(axis=0)).clip(1e-12)
    centre, width, spread, labels, targets = (
        torch.as_tensor(a, dtype=torch.float32)
        for a in (labels.mean(axis=0), labels.std(axis=0).clip(1e-9), spread, labels, targets)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed(seed, "train/answers"))
        answers = Answers(layers.mlp(labels.shape[1], *HIDDEN, targets.shape[1]), centre, width, spread)
    moves = optimise.optimisers([answers.net], muon=True)
    generator = torch.Generator().manual_seed(seeds.torch_seed(seed, "train/answers/order"))
    n_batches = -(-len(labels) // BATCH)
    for epoch in range(EPOCHS):
        for k, rows in enumerate(torch.randperm(len(labels), generator=generator).tensor_split(n_batches)):
            optimise.set_rates(moves, epoch * n_batches + k, EPOCHS * n_batches, (RATE, HIDDEN_RATE))
            wrong = (answers(labels[rows]).flatten(1) - targets[rows]).unflatten(1, (len(ELEMENTS), -1)) / noise
            optimise.descend(moves, (1 + (wrong**2).mean(dim=2)).sqrt().mean())
    return Answers(answers.net.requires_grad_(False), centre, width, spread)


def labels_of(u: np.ndarray, z: torch.Tensor) -> torch.Tensor:
    """Labels (n, 5) of stars, from Teff [K] and log g [dex] as read, u (n, 2), and z (n, 3).

    z counts in the published halo's standard deviations, which are those of the built-in density; with another density
    (`sample.p_table`) the table of derivatives is read somewhat beside the star's place.
    """
    mean, sigma = (torch.tensor([MOMENTS[name][k] for name in ELEMENTS], device=z.device) for k in (0, 1))
    return torch.cat([torch.as_tensor(u, dtype=z.dtype, device=z.device), mean + sigma * z], dim=1)


def steps(
    generate: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, answers: torch.Tensor, noise: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """By which steps of x (n, 5) the generator gives `answers` (n, e, k): (n, e, 5), and how well they show, (n, e).

    Least squares, held by a standard deviation of each number; the weight is 1 where a change stands out of the noise.
    """
    found = []
    for some, change in zip(x.split(BLOCK), answers.split(BLOCK), strict=True):
        slope = derivatives(generate, some) / noise
        normal = torch.einsum("ink,jnk->nij", slope, slope) + torch.eye(x.shape[1], device=x.device)
        right = torch.einsum("ink,nek->nie", slope, change / noise)
        # Not solve, which ends in an exception where a generator has diverged.
        factor = torch.linalg.cholesky_ex(normal).L
        found.append(torch.cholesky_solve(right, factor).transpose(1, 2))
    shown = ((answers / noise) ** 2).sum(dim=2)
    return torch.cat(found), shown / (shown + NOTICED**2)


def loss(changes: torch.Tensor, weight: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """`changes` (n, e) of z_c along each direction, `weight` (n, e), and the shift (n, 1) that is kept small."""
    squares = weight * changes**2
    return PULL * ((SOFT**2 + squares).sqrt() - SOFT).sum(dim=1).mean() + (shift**2).mean()
