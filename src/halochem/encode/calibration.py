"""Sign and scale of each latent, from a few labelled stars: a curve z -> abundance, and how far a star may be off it.

The curve is a straight line as in Appendix E of Signor et al. 2025 (A&A 704, A279), or monotone (monotone.py). n stars.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from halochem import seeds
from halochem.encode import monotone, scatter
from halochem.encode.monotone import Monotone
from halochem.encode.scatter import Scatter
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

    spent = 2.0  # parameters

    @property
    def sign(self) -> int:
        """+1 where z grows with the abundance, -1 where it falls."""
        return 1 if self.slope > 0 else -1

    def abundance(self, z: np.ndarray) -> np.ndarray:
        """z (n,) -> abundance [dex] (n,)."""
        return self.intercept + self.slope * z

    def slope_at(self, z: np.ndarray) -> np.ndarray:
        """Derivative [dex per unit of z]: (n,)."""
        return np.full(np.shape(z), self.slope)

    def variance(self, z: np.ndarray) -> np.ndarray:
        """Of the line itself [dex^2]: (n,)."""
        return self.scatter**2 * (1 / self.n + (z - self.centre) ** 2 / self.spread)

    def inverse(self, abundance: float) -> float:
        """The z of an abundance [dex]."""
        return (abundance - self.intercept) / self.slope


CURVES = {"linear": Line, "monotone": Monotone}


@dataclass(frozen=True)
class Relation:
    """A latent's curve, and the scatter about it; None where two stars fixed the curve."""

    curve: Line | Monotone
    scatter: Scatter | None

    @property
    def sign(self) -> int:
        """+1 where z grows with the abundance, -1 where it falls."""
        return self.curve.sign

    def abundance(self, z: np.ndarray) -> np.ndarray:
        """z (n,) -> abundance [dex] (n,)."""
        return self.curve.abundance(z)

    def sigma(self, z: np.ndarray, width: np.ndarray, teff: np.ndarray) -> np.ndarray:
        """Standard deviation of `abundance(z)` [dex]: (n,), NaN where two stars fixed the curve.

        Three independent parts: the star's own `width` in z, through the slope; what the labelled stars are off
        beyond theirs, at this Teff [K]; the uncertainty of the curve itself, which counts where they are few.
        """
        if self.scatter is None:
            return np.full(np.shape(z), np.nan)
        own = self.curve.slope_at(z) * width
        return np.sqrt(own**2 + self.scatter.variance(teff) + self.curve.variance(z))

    def as_json(self) -> dict[str, Any]:
        """Plain values; None for NaN, which JSON lacks."""
        kind = next(name for name, curve in CURVES.items() if isinstance(self.curve, curve))
        values = {name: None if value != value else value for name, value in asdict(self.curve).items()}
        return {"kind": kind, "curve": values, "scatter": None if self.scatter is None else asdict(self.scatter)}


def from_json(values: dict[str, Any]) -> Relation:
    """The inverse of `Relation.as_json`."""
    curve = {name: np.nan if value is None else value for name, value in values["curve"].items()}
    known = None if values["scatter"] is None else Scatter(**values["scatter"])
    return Relation(CURVES[values["kind"]](**curve), known)


def fit_line(z: np.ndarray, abundance: np.ndarray) -> Line:
    """Least squares for `abundance` [dex] over the posterior means `z`: (n,), 2 or more, z not all equal."""
    n, centre = len(z), float(z.mean())
    spread = float(np.sum((z - centre) ** 2))
    slope = float(np.sum((z - centre) * abundance) / spread)
    intercept = float(abundance.mean() - slope * centre)
    residual = abundance - intercept - slope * z
    off = float(np.sqrt(np.sum(residual**2) / (n - 2))) if n > 2 else np.nan
    return Line(slope, intercept, n, centre, spread, off)


def fit_one(
    z: np.ndarray, width: np.ndarray, teff: np.ndarray, abundance: np.ndarray, of_teff: tuple[float, float], kind: str
) -> Relation:
    """The relation through labelled stars: posterior means, widths in z, Teff [K], abundances [dex], (n,) each.

    `of_teff`: mean and standard deviation of Teff over the training stars [K]; `kind`: linear or monotone. Fewer than
    monotone.FEWEST stars give a line, and 2 no scatter.
    """
    is_line = kind == "linear" or len(z) < monotone.FEWEST
    curve = fit_line(z, abundance) if is_line else monotone.fit(z, abundance)
    if len(z) == 2:
        return Relation(curve, None)
    residual = abundance - curve.abundance(z)
    return Relation(curve, scatter.fit(residual, curve.slope_at(z) * width, teff, of_teff, curve.spent))


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


def fit(
    frame: pd.DataFrame, labels: pd.DataFrame, rows: np.ndarray, of_teff: tuple[float, float], kind: str, path: object
) -> dict[str, Relation]:
    """One relation for each latent from the labelled `rows` of `product.measure`'s frame. `path`: the catalog's."""
    if len(rows) < 2:
        raise UserError(
            f"{path}: {len(rows)} training stars with known feh, c_fe and alpha_fe; two or more fix the "
            "latents' sign and scale, or give --calibration TABLE, made by this model of labelled stars"
        )
    relations = {}
    teff = frame["teff"].to_numpy(float)[rows]
    for latent, label in PARTNER.items():
        z, width = (frame[name].to_numpy(float)[rows] for name in (latent, f"{latent}_width"))
        if not np.ptp(z) > 0:
            raise UserError(f"{path}: {latent} is the same in all labelled stars; the model has learnt nothing of it")
        relations[latent] = fit_one(z, width, teff, labels[label].to_numpy(float)[rows], of_teff, kind)
    return relations
