"""How the networks of preset `fast` are moved: AdamW, and Muon for the hidden layers that learn a regression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from halochem.train import schedule

WEIGHT_DECAY = 1e-4


def optimisers(
    nets: Iterable[nn.Module], muon: bool = False, weight_decay: float = WEIGHT_DECAY
) -> list[torch.optim.Optimizer]:
    """AdamW for the parameters of all `nets`; with `muon` the matrices of hidden layers are Muon's (Jordan 2024).

    The last layer of a `Sequential` is none of Muon's: its rows are scores, not directions of one space.
    """
    nets = list(nets)
    hidden = [layer.weight for net in nets for layer in net[:-1] if isinstance(layer, nn.Linear)] if muon else []
    taken = set(map(id, hidden))
    others = [parameter for net in nets for parameter in net.parameters() if id(parameter) not in taken]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, weight_decay=weight_decay)]
    return [*found, torch.optim.Muon(hidden, weight_decay=0.0)] if hidden else found


def set_rates(moves: Sequence[torch.optim.Optimizer], step: int, total_steps: int, maxima: Sequence[float]) -> float:
    """1Cycle for each optimiser, up to its own of `maxima`; Adam's first beta too. Returns the first one's rate."""
    rates = []
    for optimiser, maximum in zip(moves, maxima[: len(moves)], strict=True):
        rate, momentum = schedule.one_cycle(step, total_steps, maximum)
        rates.append(rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
            if "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
    return rates[0]


def descend(moves: Sequence[torch.optim.Optimizer], loss: torch.Tensor) -> None:
    """One step of each."""
    for optimiser in moves:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in moves:
        optimiser.step()
