"""Label tables and a stand-in synthesiser: for tests of chunks and catalogs, never of Turbospectrum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem import seeds
from halochem.synthesize.turbospectrum import Star, SynthesisFailed

WAVELENGTH = 5000.0 * 10 ** (1e-4 * np.arange(60))  # Å
SETTINGS = {"seed": "3", "config_hash": "0123456789abcdef", "engine": "toy", "resolution": "2200"}


def labels(n_stars: int, seed: int = 3) -> pd.DataFrame:
    """A label table of `n_stars` rows."""
    u = seeds.uniform_table(seed, "toy/labels", range(n_stars), 6)
    return pd.DataFrame(
        {
            "star_id": [f"halo-{seed}-{i:06d}" for i in range(n_stars)],
            "teff": 3000 + 4000 * u[:, 0],
            "logg": 2.5 + 3.5 * u[:, 1],
            "feh": -3 + 3 * u[:, 2],
            "c_fe": -0.5 + 3 * u[:, 3],
            "alpha_fe": -0.2 + 0.7 * u[:, 4],
            "snr": 30 + 40 * u[:, 5],
        }
    )


def flux_of(star: Star) -> np.ndarray:
    """A flux that tells the star: one line whose place, depth and wiggles depend on the labels."""
    x = np.arange(len(WAVELENGTH))
    centre = 10 + 40 * (star.teff - 3000) / 4000
    return 1 - 0.5 * np.exp(-0.5 * ((x - centre) / (2 + star.logg)) ** 2) - 0.05 * np.sin(x * star.feh + star.c_fe) ** 2


class Synthesiser:
    """Computes `flux_of`; fails, or is interrupted, where it is told to. `calls` are the stars it was asked for."""

    def __init__(self, fails=(), fails_twice=(), out_of_grid=(), interrupted_after: int | None = None) -> None:
        """`fails`, `fails_twice`, `out_of_grid`: Teff of the stars."""
        self.fails, self.fails_twice, self.out_of_grid = (set(values) for values in (fails, fails_twice, out_of_grid))
        self.interrupted_after = interrupted_after
        self.calls: list[tuple[Star, bool]] = []

    def __call__(self, star: Star, safe: bool) -> tuple[np.ndarray, bool, str]:
        """As chunk.Synthesiser."""
        if self.interrupted_after is not None and len(self.calls) >= self.interrupted_after:
            raise KeyboardInterrupt
        self.calls.append((star, safe))
        if star.teff in self.fails_twice:
            raise SynthesisFailed(f"bsyn: exit status {2 if safe else 1}: no convergence")
        if star.teff in self.fails and not safe:
            raise SynthesisFailed("flux is not finite")
        outside = star.teff in self.out_of_grid
        return flux_of(star), outside, "logg 5 for 5.7" if outside else ""
