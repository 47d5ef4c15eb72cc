"""A monotone curve z -> abundance, from labelled stars: a smoothing spline that never turns back.

Cubic B-splines on even knots with a penalty on second differences of their coefficients (P-splines: Eilers & Marx 1996,
Stat. Sci. 11, 89), which ends in the least-squares line as the penalty grows; the coefficients are held in order, by
SciPy's bounded least squares, so that the curve is monotone. The penalty is the strongest whose leave-one-out error is
within one standard error of the best. Beyond the labelled stars the curve goes on straight. n stars, m splines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FEWEST = 8  # labelled stars; fewer give a straight line
INTERVALS, DEGREE = 10, 3
PENALTIES = 10.0 ** np.arange(-2, 7.1, 0.5)
FLATTEST = 0.05  # slope, in units of the mean one: a flat curve could not be turned into a cut of z


@dataclass(frozen=True)
class Monotone:
    """abundance = sum_j coefficients_j B_j(z), with what is needed for its uncertainty."""

    low: float  # z of the first and last labelled star
    high: float
    coefficients: tuple[float, ...]  # (m,) dex
    covariance: tuple[tuple[float, ...], ...]  # (m, m) dex^2, of the coefficients
    spent: float  # effective number of parameters
    n: int  # stars it was fitted to

    @property
    def sign(self) -> int:
        """+1 where z grows with the abundance, -1 where it falls."""
        return 1 if self.coefficients[-1] > self.coefficients[0] else -1

    def abundance(self, z: np.ndarray) -> np.ndarray:
        """z (n,) -> abundance [dex] (n,)."""
        return basis(z, self.low, self.high) @ np.array(self.coefficients)

    def slope_at(self, z: np.ndarray) -> np.ndarray:
        """Derivative [dex per unit of z]: (n,)."""
        step = 1e-3 * (self.high - self.low)
        return (self.abundance(z + step) - self.abundance(z - step)) / (2 * step)

    def variance(self, z: np.ndarray) -> np.ndarray:
        """Of the curve itself [dex^2]: (n,)."""
        rows = basis(z, self.low, self.high)
        return np.einsum("ni,ij,nj->n", rows, np.array(self.covariance), rows)

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        width = self.high - self.low
        z = np.linspace(self.low - 3 * width, self.high + 3 * width, 7001)
        return z, self.abundance(z)

    def inverse(self, abundance: float) -> float:
        """The z of an abundance [dex]."""
        z, values = self._table
        return float(np.interp(abundance, values[:: self.sign], z[:: self.sign]))


def basis(z: np.ndarray, low: float, high: float) -> np.ndarray:
    """B-splines (n, m) at z, straight beyond low and high; NaN for NaN."""
    from scipy.interpolate import BSpline

    step = (high - low) / INTERVALS
    knots = low + step * np.arange(-DEGREE, INTERVALS + DEGREE + 1)
    splines = BSpline(knots, np.eye(INTERVALS + DEGREE), DEGREE)
    inside = np.clip(z, low, high)
    # Above the last knot a spline is not defined, and rounding may lead there.
    rows = splines(np.nextafter(inside, (low + high) / 2))
    edges = splines.derivative()(np.array([low, np.nextafter(high, low)]))
    below, above = np.minimum(z - low, 0.0), np.maximum(z - high, 0.0)
    return rows + below[:, None] * edges[0] + above[:, None] * edges[1]


def fit(z: np.ndarray, abundance: np.ndarray) -> Monotone:
    """The curve through labelled stars, (n,) each, FEWEST or more, z not all equal."""
    from scipy.optimize import lsq_linear

    low, high = float(z.min()), float(z.max())
    rows = basis(z, low, high)
    m = rows.shape[1]
    bend = np.diff(np.eye(m), n=2, axis=0)
    strength = _penalty(rows, abundance, bend)
    slope = np.polyfit(z, abundance, 1)[0]
    sign = 1.0 if slope > 0 else -1.0
    # Coefficients as sums of steps: the first is free, the others go up.
    steps = np.tril(np.ones((m, m))) * np.r_[1.0, np.full(m - 1, sign)]
    lowest = np.r_[-np.inf, np.full(m - 1, FLATTEST * abs(slope) * (high - low) / INTERVALS)]
    design = np.concatenate([rows, np.sqrt(strength) * bend]) @ steps
    target = np.concatenate([abundance, np.zeros(len(bend))])
    coefficients = steps @ lsq_linear(design, target, bounds=(lowest, np.inf), method="bvls").x
    inverse = _inverse(rows, bend, strength)
    spent = float(np.trace(rows @ inverse @ rows.T))
    n = len(z)
    scatter2 = np.sum((abundance - rows @ coefficients) ** 2) / max(n - spent, n / 4)
    covariance = scatter2 * inverse @ (rows.T @ rows) @ inverse
    return Monotone(low, high, tuple(map(float, coefficients)), tuple(map(tuple, covariance.tolist())), spent, n)


def _inverse(rows: np.ndarray, bend: np.ndarray, strength: float) -> np.ndarray:
    return np.linalg.pinv(rows.T @ rows + strength * bend.T @ bend, hermitian=True)


def _penalty(rows: np.ndarray, abundance: np.ndarray, bend: np.ndarray) -> float:
    """The strongest penalty whose leave-one-out error is within one standard error of the best."""
    errors = []
    for strength in PENALTIES:
        hat = rows @ _inverse(rows, bend, strength) @ rows.T
        errors.append(((abundance - hat @ abundance) / np.maximum(1 - np.diag(hat), 1e-3)) ** 2)
    means = np.mean(errors, axis=1)
    best = int(np.argmin(means))
    # Of the difference to the best, star by star: most of the errors is common to both.
    worse = np.array([np.std(each - errors[best]) / np.sqrt(len(abundance)) for each in errors])
    return float(PENALTIES[np.flatnonzero(means - means[best] <= worse)[-1]])
