"""What changes during training: the adversary's weight by epoch, learning rate and momentum by step.

Both are functions of the epoch or step alone, so that a resumed training needs no scheduler's state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from halochem.config import LambdaStep

WARM_UP, START_FACTOR, END_FACTOR = 0.3, 1 / 25, 1 / (25 * 1e4)
MOMENTUM_LOW, MOMENTUM_HIGH = 0.85, 0.95
RELEASED_EXCESS = 5000 / 4000  # epochs of the public release's schedulers over those of the paper


def adversary_weight(steps: Sequence[LambdaStep], epoch: int) -> float:
    """Lambda in epoch `epoch` (the first is 0): the value of the last step begun."""
    return [step.value for step in steps if step.from_epoch <= epoch][-1]


def cycle_steps(epochs: int, n_batches: int, unfinished: bool = False) -> int:
    """Steps that 1Cycle is laid out for: all there will be, or a quarter more, as in the public release."""
    return (math.ceil(RELEASED_EXCESS * epochs) if unfinished else epochs) * n_batches


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))


def one_cycle(step: int, total_steps: int, maximum: float) -> tuple[float, float]:
    """Learning rate and Adam's first beta for optimiser step `step` of `total_steps` (0 to total_steps - 1).

    Smith & Topin 2019: the rate rises from maximum / 25 over the first 30 % and falls to maximum / 250 000 at
    the last step, by cosines; the momentum does the reverse. The same numbers as torch's OneCycleLR.
    """
    peak, last = WARM_UP * total_steps - 1, total_steps - 1
    if step <= peak:
        progress = step / peak
        rate = _cosine(maximum * START_FACTOR, maximum, progress)
        return rate, _cosine(MOMENTUM_HIGH, MOMENTUM_LOW, progress)
    progress = (step - peak) / (last - peak)
    rate = _cosine(maximum, maximum * END_FACTOR, progress)
    return rate, _cosine(MOMENTUM_LOW, MOMENTUM_HIGH, progress)
