"""The exponential average of a network's weights over the steps of its training.

Noise of the last batches averages out of it (Polyak & Juditsky 1992, SIAM J. Control Optim. 30, 838).
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average(nn.Module):
    """A copy of `network` that follows it; its state is part of a checkpoint."""

    def __init__(self, network: nn.Module, decay: float):
        super().__init__()
        self.network, self.decay = copy.deepcopy(network).requires_grad_(False), decay

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """After step `step` (from 0): own weights = decay * own + (1 - decay) * the network's.

        The first steps count more: the average must not remember the initial weights for 1 / (1 - decay) steps.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs.detach(), 1 - decay)
