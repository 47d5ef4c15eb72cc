"""Derivatives of refined latents by the spectrum, which an abundance's stated error rests on."""

from __future__ import annotations

import numpy as np
import torch

from halochem.train.refinement import refine

GENERATOR = torch.Generator().manual_seed(1)
MIXING = torch.randn(5, 12, generator=GENERATOR)
READING = 0.9 * torch.linalg.pinv(MIXING)


def predict(x: torch.Tensor) -> torch.Tensor:
    """A bent spectrum of 12 scores."""
    return x @ MIXING + 0.05 * (x**2) @ MIXING.flip(1)


def refined(scores: torch.Tensor) -> torch.Tensor:
    """From the start that a linear network would read."""
    return refine(predict, scores, scores @ READING, torch.tensor(0.05))[0]


def test_derivatives_are_those_of_repeated_noise():
    truth = torch.randn(6, 5, generator=GENERATOR)
    scores = predict(truth) + 0.05 * torch.randn(6, 12, generator=GENERATOR)
    seen = scores.clone().requires_grad_()
    slopes = [torch.autograd.grad(x.sum(), seen, retain_graph=True)[0] for x in refined(seen).unbind(dim=1)]
    stated = torch.stack([0.05 * slope.norm(dim=1) for slope in slopes], dim=1)
    noise = 0.05 * torch.randn(400, 6, 12, generator=GENERATOR)
    found = refined((scores + noise).reshape(-1, 12)).reshape(400, 6, 5).std(dim=0)
    np.testing.assert_allclose(stated, found, rtol=0.25)


def test_the_result_is_the_same_with_derivatives_and_without():
    scores = predict(torch.randn(6, 5, generator=GENERATOR))
    torch.testing.assert_close(refined(scores.clone().requires_grad_()).detach(), refined(scores))
