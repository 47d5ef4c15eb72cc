"""The Cannon: each pixel's flux a quadratic in the labels, fitted to labelled stars, inverted for the others.

Ness et al. 2015, ApJ 808, 16, as the peer that Appendix E of Signor et al. 2025 (A&A 704, A279) has. n stars, p pixels,
L labels, T = (L + 1)(L + 2) / 2 terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS = 40  # of the fit of the labels; it has settled long before
BLOCK = 1024  # stars whose weights are in memory at a time
DAMPING_START, DAMPING_RANGE = 1e-2, (1e-9, 1e9)


@dataclass(frozen=True)
class Cannon:
    """A fitted model; labels are scaled to mean 0 and standard deviation 1 within."""

    mean: np.ndarray  # (L,)
    scale: np.ndarray  # (L,)
    limits: np.ndarray  # (2, L) lowest and highest training label, scaled; no answer lies outside
    theta: np.ndarray  # (T, p)
    variance: np.ndarray  # (p,) of the flux about the quadratic, beyond the noise

    def labels(self, flux: np.ndarray, sigma: np.ndarray, bad: np.ndarray | None = None) -> np.ndarray:
        """Most likely labels (n, L) of stars of flux (n, p); `sigma` (n, 1) or (n, p), `bad` (n, p)."""
        parts = []
        for first in range(0, len(flux), BLOCK):
            rows = slice(first, first + BLOCK)
            weight = 1.0 / (sigma[rows].astype(np.float64) ** 2 + self.variance)
            if bad is not None:
                weight[bad[rows]] = 0.0
            parts.append(self._solve(*_sums(self.theta, flux[rows], weight)))
        return self.mean + self.scale * np.concatenate(parts)

    def _solve(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Labels that minimise chi2 = terms A terms - 2 terms b: (n, L), the best of several starts."""
        n, size = len(b), len(self.mean)
        best, found = np.full(n, np.inf), np.zeros((n, size))
        # The middle, and both ends of the first label, which the others follow most.
        starts = np.zeros((3, size))
        starts[1:, 0] = -1.2, 1.2
        for start in starts:
            x, chi2 = self._descend(a, b, np.tile(start, (n, 1)))
            better = chi2 < best
            best[better], found[better] = chi2[better], x[better]
        return found

    def _descend(self, a: np.ndarray, b: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levenberg-Marquardt for all stars at once, within the limits."""
        damping = np.full(len(x), DAMPING_START)
        chi2 = _chi2(a, b, terms(x))
        for _ in range(STEPS):
            slope = term_slopes(x)
            gradient = np.einsum("nlt,nt->nl", slope, b - np.einsum("nts,ns->nt", a, terms(x)))
            curvature = slope @ a @ slope.transpose(0, 2, 1)
            diagonal = np.einsum("nll->nl", curvature)
            diagonal *= 1.0 + damping[:, None]
            diagonal += 1e-9
            step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
            trial = np.clip(x + step, *self.limits)
            new = _chi2(a, b, terms(trial))
            better = new < chi2
            x[better], chi2[better] = trial[better], new[better]
            damping = np.clip(damping * np.where(better, 0.2, 5.0), *DAMPING_RANGE)
        return x, chi2


def fit(flux: np.ndarray, sigma: np.ndarray, labels: np.ndarray, bad: np.ndarray | None = None) -> Cannon:
    """The model of training stars: flux (n, p), sigma (n, 1) or (n, p), labels (n, L), n well above T.

    Stars are weighted by their mean noise, alike in all pixels, so that one system serves them all; a bad pixel counts
    as the star's own in the mean of the others.
    """
    mean, scale = labels.mean(axis=0), labels.std(axis=0)
    scaled = (labels - mean) / scale
    design = terms(scaled)
    noise = np.broadcast_to(sigma, flux.shape) if sigma.shape[1] > 1 else sigma
    weight = 1.0 / np.mean(noise.astype(np.float64) ** 2, axis=1)
    flux = _filled(flux, bad)
    normal = (design * weight[:, None]).T
    theta = np.linalg.solve(normal @ design, _product(normal, flux))
    squares, expected = np.zeros(flux.shape[1]), np.zeros(flux.shape[1])
    for first in range(0, len(flux), BLOCK):
        rows = slice(first, first + BLOCK)
        squares += ((flux[rows] - design[rows] @ theta) ** 2).sum(axis=0)
        expected += np.broadcast_to(sigma[rows].astype(np.float64) ** 2, flux[rows].shape).sum(axis=0)
    variance = np.maximum(squares / (len(flux) - design.shape[1]) - expected / len(flux), 0.0)
    return Cannon(mean, scale, np.array([scaled.min(axis=0), scaled.max(axis=0)]), theta, variance)


def terms(x: np.ndarray) -> np.ndarray:
    """1, the labels, and their products: (n, L) -> (n, T)."""
    i, j = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)


def term_slopes(x: np.ndarray) -> np.ndarray:
    """Derivatives of `terms` by each label: (n, L, T)."""
    n, size = x.shape
    i, j = np.triu_indices(size)
    slope = np.zeros((n, size, 1 + size + len(i)))
    each, product = np.arange(size), 1 + size + np.arange(len(i))
    slope[:, each, 1 + each] = 1.0
    slope[:, i, product] += x[:, j]
    slope[:, j, product] += x[:, i]
    return slope


def _sums(theta: np.ndarray, flux: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """theta W theta^T (n, T, T) and theta W flux (n, T): all that the fit of a star's labels needs of its pixels."""
    count = len(theta)
    i, j = np.triu_indices(count)
    pairs = weight @ (theta[i] * theta[j]).T
    a = np.empty((len(flux), count, count))
    a[:, i, j] = a[:, j, i] = pairs
    return a, (weight * flux) @ theta.T


def _chi2(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.einsum("nt,nts,ns->n", t, a, t) - 2.0 * np.einsum("nt,nt->n", t, b)


def _filled(flux: np.ndarray, bad: np.ndarray | None) -> np.ndarray:
    if bad is None or not bad.any():
        return flux
    return np.where(bad, np.nanmean(np.where(bad, np.nan, flux), axis=0), flux)


def _product(normal: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """normal (T, n) @ flux (n, p) in double precision, without a double-precision copy of the flux."""
    total = np.zeros((len(normal), flux.shape[1]))
    for first in range(0, len(flux), BLOCK):
        total += normal[:, first : first + BLOCK] @ flux[first : first + BLOCK].astype(np.float64)
    return total
