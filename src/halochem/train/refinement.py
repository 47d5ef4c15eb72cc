"""Least squares behind the encoder of preset `fast`: latents and w are moved until a generator's spectrum fits.

What a network reads from a spectrum scatters by several times what the noise allows. Its answer is where a fit of the
five numbers begins, and by which it is held: the generator, which has learnt what spectra there are at which latents
and w, says in which direction they are wrong; which axis is which element stays as the networks say. The inverse of
the normal equations' matrix is the covariance of the result. n stars, k components.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

STEPS = 4
LONGEST_STEP = 0.5  # of a latent or of w: beyond, a straight line says nothing of the spectrum
# By how much (e_1, e_2, e_3, w_1, w_2) of the networks may be wrong, one standard deviation. Where the spectrum says
# nothing, as of log g beyond the models' edge, their answer stays.
WIDTHS = (0.1, 0.15, 0.2, 0.05, 0.15)
BLOCK = 2048


def refine(
    predict: Callable[[torch.Tensor], torch.Tensor], scores: torch.Tensor, start: torch.Tensor, noise: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The five numbers (n, 5) that fit `scores` (n, k), from `start` (n, 5), and their Cholesky factor (n, 5, 5).

    `predict`: the generator, (n, 5) -> scores (n, k). `noise`: typical sigma of a score, the least that there can be.
    """
    parts = [
        _refine(predict, some, begin, noise)
        for some, begin in zip(scores.split(BLOCK), start.split(BLOCK), strict=True)
    ]
    return tuple(map(torch.cat, zip(*parts, strict=True)))


def _refine(predict, scores: torch.Tensor, start: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
    x, slope, variance, factor = _iterate(predict, scores.detach(), start.detach(), noise)
    with torch.no_grad():
        expected, cholesky = predict(x), _cholesky(torch.cholesky_inverse(factor))
    if not scores.requires_grad:
        return x, cholesky
    # One more step, that of a straight line, of which the derivatives by scores and start are those of the result.
    hold = 1 / torch.tensor(WIDTHS, device=start.device) ** 2
    gradient = torch.einsum("ink,nk->ni", slope, scores - expected) / variance - (x - start) * hold
    change = torch.cholesky_solve(gradient[:, :, None], factor)[:, :, 0]
    return x + change - change.detach(), cholesky


@torch.no_grad()
def _iterate(predict, scores: torch.Tensor, start: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
    hold = 1 / torch.tensor(WIDTHS, device=start.device) ** 2
    x = start
    for step in range(STEPS + 1):
        residual, slope = scores - predict(x), derivatives(predict, x)
        # The misfit counts as noise: a spectrum unlike any that the generator knows is left as the networks read it.
        freedom = max(scores.shape[1] - x.shape[1], 1)
        variance = ((residual**2).sum(dim=1, keepdim=True) / freedom).clamp(min=(0.1 * noise**2).item())
        normal = torch.einsum("ink,jnk->nij", slope, slope) / variance[:, :, None] + torch.diag(hold)
        factor = _cholesky(normal)
        if step == STEPS:
            break
        gradient = torch.einsum("ink,nk->ni", slope, residual) / variance - (x - start) * hold
        change = torch.cholesky_solve(gradient[:, :, None], factor)[:, :, 0]
        x = x + change.clamp(-LONGEST_STEP, LONGEST_STEP)
    return x, slope, variance, factor


def derivatives(predict: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Derivatives of what `predict` makes of x (n, m), which is (n, k), by each of the m numbers: (m, n, k)."""

    def along(direction: torch.Tensor) -> torch.Tensor:
        return torch.func.jvp(predict, (x,), (direction.expand_as(x),))[1]

    return torch.func.vmap(along)(torch.eye(x.shape[1], device=x.device, dtype=x.dtype))


def _cholesky(matrix: torch.Tensor) -> torch.Tensor:
    # Where a network has diverged, NaN is what the training's own check waits for, not an exception.
    return torch.linalg.cholesky_ex(matrix).L
