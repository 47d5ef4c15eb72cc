"""What goes wrong in a training without stopping it: a latent that says nothing, an adversary that has given up.

n stars. Loss that is not finite is the loop's own affair: it ends the training.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

log = logging.getLogger("halochem")
INACTIVE = 0.1  # of a latent's standard deviation over the stars: Var < 0.01, as of Burda et al. 2016 (ICLR)
TELLING = 0.2  # of R^2 of Teff, log g from z by a quadratic, from which on an adversary has something to find
SHARE = 0.2  # of the information in that R^2: an adversary that has learnt less has given up
GRACE = 0.2  # of the epochs: before, everything is still on its way
FEWEST, STARS = 50, 2000  # fewer stars say nothing of a spread, and so many are enough


def collapsed_latents(means: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """Latents whose posterior means (n, number of latents) hardly differ from star to star: name -> spread."""
    return {name: float(width) for name, width in zip(names, means.std(axis=0), strict=True) if width < INACTIVE}


def explained(means: np.ndarray, u: np.ndarray) -> float:
    """The larger R^2 of the two columns of u (n, 2) from a quadratic in the means, 0 where there are too few stars."""
    rows, columns = np.triu_indices(means.shape[1])
    design = np.column_stack([np.ones(len(means)), means, means[:, rows] * means[:, columns]])
    if len(means) < 10 * design.shape[1]:
        return 0.0
    residual = u - design @ np.linalg.lstsq(design, u, rcond=None)[0]
    return float(max(0.0, np.max(1 - residual.var(axis=0) / u.var(axis=0))))


def lost_information(r2: float, classes: np.ndarray, cross_entropy: float) -> tuple[float, float]:
    """What the adversary knows and what a Gaussian relation of this R^2 would tell it, in nats."""
    share = np.bincount(classes) / len(classes)
    entropy = -np.sum(share[share > 0] * np.log(share[share > 0]))
    return float(entropy - cross_entropy), float(-0.5 * np.log(1 - min(r2, 1 - 1e-9)))


@dataclass
class Health:
    """Warns once of each fault, and again when it has gone and come back."""

    out: Path
    names: tuple[str, ...]  # of the latents
    epochs: int
    standing: set[str] = field(default_factory=set)

    def look(self, epoch: int, means: np.ndarray, u: np.ndarray, classes: np.ndarray, cross_entropy: float) -> None:
        """Look at stars: means (n, number of latents), u (n, 2) standardised, classes (n,), the adversary's loss."""
        if epoch + 1 < GRACE * self.epochs or len(means) < FEWEST:
            return
        found = self._latents(epoch, means) | self._adversary(epoch, means, u, classes, cross_entropy)
        for fault in sorted(set(found) - self.standing):
            log.warning("train: %s: %s", self.out, found[fault])
        self.standing = set(found)

    def _latents(self, epoch: int, means: np.ndarray) -> dict[str, str]:
        return {
            name: f"{name} has collapsed: its mean differs by {width:.2g} from star to star in epoch {epoch}, not by "
            "about 1; lower train.beta, or let train.adversary_weight rise later"
            for name, width in collapsed_latents(means, self.names).items()
        }

    def _adversary(
        self, epoch: int, means: np.ndarray, u: np.ndarray, classes: np.ndarray, cross_entropy: float
    ) -> dict[str, str]:
        r2 = explained(means, u)
        knows, there = lost_information(r2, classes, cross_entropy)
        if r2 < TELLING or knows > SHARE * there:
            return {}
        return {
            "adversary": f"the adversary has collapsed: it learns {max(knows, 0.0):.2f} nats of Teff and log g in "
            f"epoch {epoch}, and z tells {there:.2f} (R² {r2:.2f}); lower train.adversary_weight or "
            "train.max_learning_rate, and --restart"
        }
