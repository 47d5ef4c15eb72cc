"""The losses of Appendix A of Signor et al. 2025 (A&A 704, A279), per star. n stars, d decoder pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch

from halochem.config import PUBLISHED_ELEMENTS, Element
from halochem.errors import UserError


def negative_log_likelihood(
    reconstruction: torch.Tensor, flux: torch.Tensor, sigma: torch.Tensor, good: torch.Tensor | None = None
) -> torch.Tensor:
    """Minus Eq. A.1 for each star, shape (n,): the mean over pixels of -log N(flux; reconstruction, sigma).

    The paper prints the log-likelihood, to be maximised; this is minimised. `sigma` is (n, 1) or (n, d).
    `good` (n, d) leaves out bad pixels; the mean is then over the good ones.
    """
    terms = 2 * torch.log(sigma) + ((reconstruction - flux) / sigma) ** 2
    good = torch.ones_like(terms) if good is None else good
    mean = (terms * good).sum(dim=1) / good.sum(dim=1).clamp(min=1)
    return 0.5 * (math.log(2 * math.pi) + mean)


def kl_divergence(mean: torch.Tensor, cholesky: torch.Tensor, prior_cholesky: torch.Tensor) -> torch.Tensor:
    """Eq. A.2 for each star, shape (n,): KL(N(mean, L L^T) || N(0, P P^T)), with L (n, 3, 3) and P (3, 3)."""
    size = mean.shape[1]
    inverse = torch.linalg.solve_triangular(
        prior_cholesky, torch.eye(size, dtype=mean.dtype, device=mean.device), upper=False
    )
    log_det_prior = 2 * torch.log(torch.diagonal(prior_cholesky)).sum()
    log_det = 2 * torch.log(torch.diagonal(cholesky, dim1=1, dim2=2)).sum(dim=1)
    # tr(S^-1 L L^T) and mean^T S^-1 mean are sums of squares once S^-1 = P^-T P^-1 is split.
    trace = ((inverse @ cholesky) ** 2).sum(dim=(1, 2))
    distance = ((mean @ inverse.T) ** 2).sum(dim=1)
    return 0.5 * (log_det_prior - log_det - size + trace + distance)


def prior_cholesky(correlation: dict[str, float], elements: Sequence[Element] = PUBLISHED_ELEMENTS) -> np.ndarray:
    """The Cholesky factor (3, 3) of the prior's correlation matrix, in the order of the elements' latents."""
    matrix = np.eye(len(elements))
    for (row, one), (column, other) in combinations(enumerate(elements), 2):
        matrix[row, column] = matrix[column, row] = correlation[f"{one.short}_{other.short}"]
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        given = ", ".join(f"{name} {value:g}" for name, value in correlation.items())
        raise UserError(
            f"train.prior_correlation: {given} exclude each other (no such correlation matrix exists); "
            "lower one of them"
        ) from None
