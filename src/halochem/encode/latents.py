"""From spectra to latents: the posterior of z, w, Teff and log g, and the reconstruction.

n stars, p pixels of the spectrum, d pixels of the decoders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from halochem import seeds
from halochem.train.model_files import Model

if TYPE_CHECKING:
    import torch

REPETITIONS = 12  # of the noise, where the encoder has no derivatives


@dataclass
class Latents:
    """What a model says of n stars, of three elements or as many as it has. z is the mean of the posterior.

    (A draw from it for a model of `train.reproduce.posterior_sample_in_evaluation`, as in the public release.)
    """

    z: np.ndarray  # (n, 3) float64: z_m, z_c, z_alpha
    covariance: np.ndarray  # (n, 3, 3) float64, of the posterior
    w: np.ndarray  # (n, 2) float64
    atmosphere: np.ndarray  # (n, 2) float64: Teff [K], log g [dex] read from w
    reconstruction: np.ndarray  # (n, d) float32, continuum = 1, on `Model.pixels`

    @property
    def sigma(self) -> np.ndarray:
        """Standard deviations of the posterior: (n, 3)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    def correlation(self, one: int, other: int) -> np.ndarray:
        """Correlation of two latents in the posterior: (n,)."""
        sigma = self.sigma
        return self.covariance[:, one, other] / (sigma[:, one] * sigma[:, other])


def batches(n_stars: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` of n stars."""
    return (slice(start, min(start + size, n_stars)) for start in range(0, n_stars, size))


def infer(model: Model, flux: np.ndarray, bad: np.ndarray | None = None, batch_size: int | None = None) -> Latents:
    """Encode and reconstruct `flux` (n, p), finite, continuum = 1. `bad` (n, p): pixels not to be used."""
    import torch

    from halochem.train import acceleration

    device, size = model.vae.fill.device, len(model.train.elements)
    draws = model.train.reproduce.posterior_sample_in_evaluation
    parts: list[tuple[np.ndarray, ...]] = []
    with torch.no_grad(), acceleration.threads_for(model.vae):
        for rows in batches(len(flux), batch_size or model.vae.batch):
            x = torch.from_numpy(np.array(flux[rows], np.float32)).to(device)
            hidden = None if bad is None else torch.from_numpy(np.array(bad[rows], bool)).to(device)
            draw = torch.from_numpy(posterior_draws(model, flux[rows])).to(device) if draws else None
            output = model.vae(x, hidden) if draw is None else model.vae(x, hidden, draw)
            posterior = output.posterior
            z = posterior.mean if draw is None else posterior.mean + (posterior.cholesky @ draw[:, :, None])[:, :, 0]
            numbers = (z, posterior.cholesky, posterior.w, output.u, output.reconstruction)
            parts.append(tuple(value.cpu().numpy() for value in numbers))
    d = len(model.pixels)
    empty = tuple(np.empty(shape, np.float32) for shape in ((0, size), (0, size, size), (0, 2), (0, 2), (0, d)))
    mean, cholesky, w, u, reconstruction = (np.concatenate(values) for values in zip(empty, *parts, strict=True))
    factor = cholesky.astype(np.float64)
    return Latents(
        z=mean.astype(np.float64),
        covariance=factor @ factor.transpose(0, 2, 1),
        w=w.astype(np.float64),
        atmosphere=model.scaler.restore(u.astype(np.float64)),
        reconstruction=reconstruction,
    )


def noise_widths(
    model: Model, flux: np.ndarray, sigma: np.ndarray, bad: np.ndarray | None = None, batch_size: int | None = None
) -> np.ndarray:
    """Standard deviation that the pixels' noise alone gives each posterior mean, to first order: (n, 3).

    sqrt(sum_i (dz/dflux_i sigma_i)^2), from the encoder's derivatives at each star's own spectrum: no label is needed.
    `sigma` (n, 1) or (n, p); a pixel that is `bad` or whose sigma is no positive number adds nothing.
    """
    from halochem.train import acceleration

    with acceleration.threads_for(model.vae):
        parts = [
            _widths(model, flux[rows], sigma[rows], None if bad is None else bad[rows])
            for rows in batches(len(flux), batch_size or model.vae.batch)
        ]
    return np.concatenate([np.empty((0, len(model.train.elements))), *parts]).astype(np.float64)


def _widths(model: Model, flux: np.ndarray, sigma: np.ndarray, bad: np.ndarray | None) -> np.ndarray:
    """`noise_widths` of the stars of one batch."""
    import torch

    device = model.vae.fill.device
    x = torch.from_numpy(np.array(flux, np.float32)).to(device).requires_grad_()
    hidden = None if bad is None else torch.from_numpy(np.array(bad, bool)).to(device)
    mean = model.vae.encode(x, hidden).mean
    noise = torch.from_numpy(np.nan_to_num(sigma, nan=0, posinf=0, neginf=0).clip(0)).float().to(device)
    if not mean.requires_grad:
        return _widths_by_repetition(model, x.detach(), noise, hidden)
    # Each star's latent depends on its own flux alone, so that the gradient of the sum holds every star's.
    slopes = [torch.autograd.grad(z.sum(), x, retain_graph=True)[0] for z in mean.unbind(dim=1)]
    return torch.stack([(slope * noise).norm(dim=1) for slope in slopes], dim=1).cpu().numpy()


def _widths_by_repetition(
    model: Model, x: torch.Tensor, noise: torch.Tensor, hidden: torch.Tensor | None
) -> np.ndarray:
    """The same for an encoder without derivatives: half the differences of spectra with noise added and subtracted.

    Good to a fifth. The draws are the same for each star, so that no star's width depends on its neighbours.
    """
    import torch

    generator = torch.Generator().manual_seed(seeds.torch_seed(int(model.document["seed"]), "encode/noise"))
    squares = 0.0
    with torch.no_grad():
        for draw in torch.randn(REPETITIONS, x.shape[1], generator=generator).to(x.device):
            added = noise * draw
            up, down = (model.vae.encode(x + side * added, hidden).mean for side in (1, -1))
            squares = squares + ((up - down) / 2) ** 2 / REPETITIONS
    return squares.sqrt().cpu().numpy()


def posterior_draws(model: Model, flux: np.ndarray) -> np.ndarray:
    """Standard normal numbers for each of the spectra (n, p): float32, (n, number of latents).

    As the public release draws z; a function of the model's seed and the spectrum, whatever the order of the stars.
    """
    seed, size = int(model.document["seed"]), len(model.train.elements)
    marks = [hashlib.sha256(np.ascontiguousarray(row, np.float32)).digest()[:8] for row in flux]
    draws = [seeds.normals(seed, "encode/posterior", int.from_bytes(mark, "little"), size) for mark in marks]
    return np.array(draws, np.float32).reshape(len(flux), size)


def relative_l2(reconstruction: np.ndarray, flux: np.ndarray, good: np.ndarray | None = None) -> np.ndarray:
    """Eq. A.5 of Signor et al. 2025 for each star: sum (x~ - x)^2 / sum x^2, without a root, shape (n,).

    Both arrays (n, d), on the decoders' pixels; `good` (n, d) leaves pixels out. NaN where none is good.
    """
    weight = np.ones(flux.shape) if good is None else good
    squares = np.sum(weight * (reconstruction.astype(np.float64) - flux) ** 2, axis=1)
    norm = np.sum(weight * flux.astype(np.float64) ** 2, axis=1)
    return np.divide(squares, norm, out=np.full(len(flux), np.nan), where=norm > 0)


def reduced_chi2(
    reconstruction: np.ndarray, flux: np.ndarray, sigma: np.ndarray, good: np.ndarray | None = None
) -> np.ndarray:
    """Mean of ((x~ - x) / sigma)^2 over the good decoder pixels of each star: (n,), NaN where none is good.

    `sigma` is (n, 1) or (n, d). The few numbers that the encoder read from some thousand pixels are not
    subtracted from the count.
    """
    squares = ((reconstruction.astype(np.float64) - flux) / sigma) ** 2
    good = np.ones(squares.shape, bool) if good is None else good
    count = good.sum(axis=1)
    total = np.where(good, squares, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(flux), np.nan), where=count > 0)
