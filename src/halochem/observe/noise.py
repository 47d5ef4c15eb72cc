"""What an observer adds: noise on the flux, errors on Teff and log g. Each a function of seed and row alone."""

from __future__ import annotations

import numpy as np

from halochem import seeds


def noise(seed: int, rows: range, n_pixels: int) -> np.ndarray:
    """Unit Gaussian noise of the stars in `rows` of catalog `seed`: float32, shape (len(rows), n_pixels)."""
    table = np.empty((len(rows), n_pixels), np.float32)
    for i, row in enumerate(rows):
        table[i] = seeds.normals(seed, "noise", row, n_pixels)
    return table


def jitter(seed: int, rows: range, values: np.ndarray, relative: float) -> np.ndarray:
    """Teff and log g as training sees them: `values` (shape (len(rows), 2)) with a relative Gaussian error."""
    errors = np.array([seeds.normals(seed, "jitter", row, 2) for row in rows]).reshape(len(rows), 2)
    return values * (1.0 + relative * errors)
