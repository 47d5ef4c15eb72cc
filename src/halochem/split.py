"""The split into training and test stars: one function, so that every stage sees the same one."""

from __future__ import annotations

import numpy as np

from halochem import seeds


def is_train(seed: int, n_stars: int, fraction: float) -> np.ndarray:
    """Which stars of catalog `seed` belong to the training set: bool, shape (n_stars,).

    Exactly round(fraction * n_stars) stars, those of smallest draw in the stream "split".
    """
    draws = seeds.uniform_table(seed, "split", range(n_stars), 1)[:, 0]
    train = np.zeros(n_stars, bool)
    train[np.argsort(draws, kind="stable")[: round(fraction * n_stars)]] = True
    return train
