"""How far an abundance may be off beyond the noise: a smooth function of Teff, from the labelled stars' residuals.

What a latent is off by is mostly not noise: at some temperatures it follows its element worse than at others. With n
labelled stars of residuals d_i about the curve and known widths v_i [dex], the noise carried through encoder and curve,

    d_i ~ N(0, v_i^2 + g_i^2),    log g_i = c_0 + c_1 P_1(t_i) + c_2 P_2(t_i),

t the Teff read from w, standardised over the training stars, P Legendre polynomials. c_1 and c_2 have a prior about 0,
so that a handful of stars gives one number for all and a hundred give a curve. The uncertainty of c adds to g (mean of
g^2 over the posterior of c, Laplace's approximation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

LIMIT = 2.0  # standardised Teff beyond counts as there: a uniform distribution ends at 1.73
LEVEL_WIDTH, SHAPE_WIDTH = 2.0, 0.5  # of the priors of c_0, about the residuals' rms, and of c_1, c_2
MOST_DOUBT = 1.0  # of the logarithm of g^2, from the uncertainty of c


@dataclass(frozen=True)
class Scatter:
    """The function, with the covariance of its coefficients."""

    coefficients: tuple[float, ...]  # c (3,), of log g [dex]
    covariance: tuple[tuple[float, ...], ...]  # (3, 3)
    teff_mean: float  # K
    teff_std: float  # K

    def variance(self, teff: np.ndarray) -> np.ndarray:
        """Mean of g^2 [dex^2] at Teff [K]: (n,), NaN for NaN."""
        design = _design((teff - self.teff_mean) / self.teff_std)
        doubt = np.einsum("ni,ij,nj->n", design, np.array(self.covariance), design)
        return np.exp(2 * design @ np.array(self.coefficients) + np.minimum(2 * doubt, MOST_DOUBT))


def _design(t: np.ndarray) -> np.ndarray:
    """Polynomials of standardised Teff t (n,), of unit variance for a uniform distribution: (n, 3)."""
    t = np.clip(t, -LIMIT, LIMIT)
    return np.stack([np.ones_like(t), t, np.sqrt(5) / 2 * (t**2 - 1)], axis=1)


def fit(
    residual: np.ndarray, width: np.ndarray, teff: np.ndarray, of_teff: tuple[float, float], spent: float
) -> Scatter:
    """The most probable c, from residuals [dex], widths [dex] and Teff [K] of labelled stars, (n,) each.

    `of_teff`: mean and standard deviation of Teff over the training stars [K]; `spent`: parameters of the curve,
    which has come too close to the very stars that it was fitted to.
    """
    n = len(residual)
    # Identical for a straight line to the n - 2 of its scatter; never less than a quarter of the stars are free.
    squares = residual**2 * n / max(n - spent, n / 4)
    design = _design((teff - of_teff[0]) / of_teff[1])
    start = np.array([0.5 * np.log(max(squares.mean(), 1e-12)), 0.0, 0.0])
    precision = np.array([LEVEL_WIDTH, SHAPE_WIDTH, SHAPE_WIDTH]) ** -2.0

    def minus_log_posterior(c: np.ndarray) -> tuple[float, np.ndarray]:
        g2 = np.exp(np.clip(2 * design @ c, -60, 60))
        total = width**2 + g2
        value = 0.5 * np.sum(np.log(total) + squares / total) + 0.5 * np.sum(precision * (c - start) ** 2)
        slope = design.T @ (g2 / total * (1 - squares / total)) + precision * (c - start)
        return float(value), slope

    c = minimize(minus_log_posterior, start, jac=True, method="BFGS").x
    g2 = np.exp(np.clip(2 * design @ c, -60, 60))
    # Fisher's information of log g: a star dominated by its noise tells little of g.
    information = (design * (2 * (g2 / (width**2 + g2)) ** 2)[:, None]).T @ design + np.diag(precision)
    covariance = np.linalg.inv(information)
    return Scatter(tuple(map(float, c)), tuple(tuple(map(float, row)) for row in covariance), *map(float, of_teff))
