"""Probability that a star belongs to a class, and the cut in it that gives a precision asked for.

The class's bounds in abundance are carried over to the latents by the curves through the labelled stars: [Fe/H] = -1
lies where it lies, at about +0.4 standard deviations of z_m in the published halo, not at -0.4. Of each star
`calibration.Relation` gives the abundance and its standard deviation; if these errors were Gaussian and independent,
the probability would be a product of two normal integrals. A logistic curve through the labelled stars, two numbers
with a prior that says "as it is", corrects that product where the errors are otherwise. Labels of other stars are not
used: the precision of a cut is the mean probability of the training stars beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr

# class -> abundance -> (bound [dex], +1 above or -1 below it): Signor et al. 2025, A&A 704, A279, Sect. 2.5
BOUNDS: dict[str, dict[str, tuple[float, int]]] = {
    "cemp": {"feh": (-1.0, -1), "c_fe": (0.7, 1)},
    "alpha_pmp": {"feh": (-1.0, -1), "alpha_fe": (0.0, -1)},
}
# Fewer flagged stars than these have no precision to speak of.
MIN_FLAGGED = 10
# Prior of the logistic curve: standard deviations of its offset, and of the logarithm of its slope about 0.
OFFSET_WIDTH, SLOPE_WIDTH = 1.0, 0.5
# Beyond these odds (1 : 160 000) a handful of labelled stars tells nothing.
MAX_LOGIT = 12.0


@dataclass(frozen=True)
class Curve:
    """logit of the probability = offset + slope x logit of the Gaussian one; slope > 0, so that order is kept."""

    offset: float
    slope: float
    n: int  # labelled stars it was fitted to
    members: int  # of which the class has

    def probability(self, logit: np.ndarray) -> np.ndarray:
        """(n,) -> (n,), NaN for NaN."""
        return expit(self.offset + self.slope * logit)


@dataclass(frozen=True)
class Cut:
    """A threshold on the probability, with what the training stars' probabilities make of it."""

    threshold: float  # NaN where no star has a probability
    precision: float  # expected
    recall: float  # expected
    flagged: int  # training stars
    reached: bool  # whether the precision asked for is

    def flags(self, probability: np.ndarray) -> np.ndarray:
        """Bool (n,); False for NaN."""
        return probability >= self.threshold


def gaussian_logit(name: str, abundance: Mapping[str, np.ndarray], sigma: Mapping[str, np.ndarray]) -> np.ndarray:
    """Logit of the probability of class `name` for Gaussian errors: (n,), within +-MAX_LOGIT, NaN for NaN.

    `abundance` and `sigma` [dex], (n,) each, by label.
    """
    log_p = 0.0
    for label, (bound, side) in BOUNDS[name].items():
        log_p = log_p + log_ndtr(side * (abundance[label] - bound) / sigma[label])
    with np.errstate(divide="ignore"):
        return np.clip(log_p - np.log(-np.expm1(log_p)), -MAX_LOGIT, MAX_LOGIT)


def is_member(name: str, abundance: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether stars of these abundances [dex] are of the class: bool (n,)."""
    return np.all([side * (abundance[label] - bound) > 0 for label, (bound, side) in BOUNDS[name].items()], axis=0)


def fit_curve(logit: np.ndarray, member: np.ndarray) -> Curve:
    """The most probable curve given the labelled stars: logit (n,) finite, member bool (n,)."""
    sign = np.where(member, 1.0, -1.0)

    def minus_log_posterior(x: np.ndarray) -> float:
        misfit = np.logaddexp(0.0, -sign * (x[0] + np.exp(x[1]) * logit)).sum()
        return misfit + 0.5 * (x[0] / OFFSET_WIDTH) ** 2 + 0.5 * (x[1] / SLOPE_WIDTH) ** 2

    offset, log_slope = minimize(minus_log_posterior, np.zeros(2), method="BFGS").x
    return Curve(float(offset), float(np.exp(log_slope)), len(logit), int(member.sum()))


def choose_cut(probability: np.ndarray, precision: float) -> Cut:
    """The lowest threshold at which the stars beyond it belong to the class with a mean probability of `precision`.

    `probability` (n,) of the training stars, NaN left out. Where not even the MIN_FLAGGED most probable stars reach
    it, these are what is flagged: the best precision there is.
    """
    p = np.sort(probability[np.isfinite(probability)])[::-1]
    if len(p) == 0:
        return Cut(np.nan, np.nan, np.nan, 0, False)
    mean = np.cumsum(p) / np.arange(1, len(p) + 1)  # never rises
    # A cut lies between two different probabilities.
    holds = np.flatnonzero((mean >= precision) & np.append(p[1:] < p[:-1], True))
    count = int(holds[-1]) + 1 if len(holds) else 0
    fewest = min(MIN_FLAGGED, len(p))
    reached = count >= fewest
    threshold = p[max(count, fewest) - 1]
    beyond = p[p >= threshold]
    return Cut(float(threshold), float(beyond.mean()), float(beyond.sum() / p.sum()), len(beyond), reached)


def as_json(part: Curve | Cut) -> dict[str, float | int | bool | None]:
    """Plain values; None for NaN, which JSON lacks."""
    return {name: None if value != value else value for name, value in asdict(part).items()}


def from_json(kind: type[Curve] | type[Cut], values: dict[str, float | int | bool | None]) -> Curve | Cut:
    """The inverse of `as_json`."""
    return kind(**{name: np.nan if value is None else value for name, value in values.items()})
