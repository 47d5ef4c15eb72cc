"""Sign and scale of each latent, from a few labelled stars: a straight line z -> abundance.

As Appendix E of Signor et al. 2025 (A&A 704, A279): one univariate least-squares line for each abundance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from halochem import seeds
from halochem.errors import UserError

# latent -> the abundance it stands for, in the order of the columns of z
PARTNER = {"z_m": "feh", "z_c": "c_fe", "z_alpha": "alpha_fe"}


@dataclass(frozen=True)
class Line:
    """abundance = intercept + slope z, and what is needed for its uncertainty."""

    slope: float  # dex per unit of z
    intercept: float  # dex
    n: int  # stars it was fitted to
    centre: float  # mean of their z
    spread: float  # sum of (z - centre)^2 over them
    scatter: float  # dex, rms about the line with n - 2 degrees of freedom; NaN for 2 stars
    excess: float  # dex, the part of it that the posteriors' widths do not explain; NaN for 2 stars

    @property
    def sign(self) -> int:
        """+1 where z grows with the abundance, -1 where it falls."""
        return 1 if self.slope > 0 else -1

    def abundance(self, z: np.ndarray) -> np.ndarray:
        """z (n,) -> abundance [dex] (n,)."""
        return self.intercept + self.slope * z

    def sigma(self, z: np.ndarray, z_sigma: np.ndarray) -> np.ndarray:
        """Standard deviation of `abundance(z)` [dex]: (n,).

        Three independent parts: the posterior's own width, through the slope; what the labelled stars scatter
        beyond such widths; the uncertainty of the line itself, which counts where they are few. Adding the
        whole scatter to the first part would count the posteriors' widths twice.
        """
        line = self.scatter**2 * (1 / self.n + (z - self.centre) ** 2 / self.spread)
        return np.sqrt((self.slope * z_sigma) ** 2 + self.excess**2 + line)

    def as_json(self) -> dict[str, float | int | None]:
        """Plain values; None for NaN, which JSON lacks."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def from_json(values: dict[str, float | int | None]) -> Line:
    """The inverse of `Line.as_json`."""
    return Line(**{name: np.nan if value is None else value for name, value in values.items()})


def fit_line(z: np.ndarray, z_sigma: np.ndarray, abundance: np.ndarray) -> Line:
    """Least squares for `abundance` [dex] over the posterior means `z`: (n,), 2 or more, z not all equal."""
    n, centre = len(z), float(z.mean())
    spread = float(np.sum((z - centre) ** 2))
    slope = float(np.sum((z - centre) * abundance) / spread)
    intercept = float(abundance.mean() - slope * centre)
    scatter = excess = np.nan
    if n > 2:
        residual = abundance - intercept - slope * z
        scatter = float(np.sqrt(np.sum(residual**2) / (n - 2)))
        excess = float(np.sqrt(max(scatter**2 - np.mean((slope * z_sigma) ** 2), 0.0)))
    return Line(slope, intercept, n, centre, spread, scatter, excess)


def labelled_rows(seed: int, candidates: np.ndarray, labels: pd.DataFrame, count: int) -> np.ndarray:
    """Which of the rows `candidates` serve as labelled stars: at most `count`, all three abundances known.

    Those of smallest draw in the stream "labelled", so that a longer list holds the shorter.
    """
    missing = [name for name in PARTNER.values() if name not in labels]
    if missing:
        return np.empty(0, np.int64)
    known = np.isfinite(labels[list(PARTNER.values())].to_numpy(float)).all(axis=1)
    rows = candidates[known[candidates]]
    draws = seeds.uniform_table(seed, "labelled", rows, 1)[:, 0]
    return np.sort(rows[np.argsort(draws, kind="stable")[:count]])


def fit(z: np.ndarray, z_sigma: np.ndarray, labels: pd.DataFrame, rows: np.ndarray, path: object) -> dict[str, Line]:
    """One line for each latent from the labelled `rows`; z and z_sigma are (n, 3). `path`: the catalog's."""
    if len(rows) < 2:
        raise UserError(
            f"{path}: {len(rows)} training stars with known feh, c_fe and alpha_fe; two or more fix the "
            "latents' sign and scale, or give --calibration TABLE, made by this model of labelled stars"
        )
    lines = {}
    for k, (latent, label) in enumerate(PARTNER.items()):
        if not np.ptp(z[rows, k]) > 0:
            raise UserError(f"{path}: {latent} is the same in all labelled stars; the model has learnt nothing of it")
        lines[latent] = fit_line(z[rows, k], z_sigma[rows, k], labels[label].to_numpy(float)[rows])
    return lines
