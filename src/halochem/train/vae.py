"""The disentangled variational autoencoder: encoder, heads, a decoder an element, linear map w -> (Teff, log g).

Signor et al. 2025 (A&A 704, A279), Sect. 2. n stars, p pixels of the spectrum, d pixels of the decoders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from halochem import seeds
from halochem.config import Train
from halochem.train.decoders import Decoders
from halochem.train.encoder import N_AUXILIARY, ConvEncoder, Heads, MlpEncoder, Posterior
from halochem.train.losses import prior_cholesky


class Output(NamedTuple):
    """A forward pass over n stars."""

    posterior: Posterior
    reconstruction: torch.Tensor  # (n, d), in the order of `Vae.pixels`
    u: torch.Tensor  # (n, 2): standardised Teff, log g read from w


class Vae(nn.Module):
    """The model. `masks` are the pixels of each decoder, bool (p,); `train` the configuration's section."""

    batch = 128  # stars to encode at a time: 0.8 GB of activations in the conv encoder

    def __init__(self, masks: dict[str, np.ndarray], train: Train):
        super().__init__()
        n_pixels, names = len(next(iter(masks.values()))), [element.name for element in train.elements]
        self.encoder = ConvEncoder(train.instance_norm) if train.encoder == "conv" else MlpEncoder(n_pixels)
        self.heads = Heads(len(names))
        self.decoders = Decoders(
            {name: int(masks[name].sum()) for name in names}, train.selective_gradient_flow, train.elements
        )
        self.linear = nn.Linear(N_AUXILIARY, 2)
        by_decoder = np.concatenate([np.flatnonzero(masks[name]) for name in names])
        pixels, place = np.unique(by_decoder, return_inverse=True)
        self.shared_pixels = len(by_decoder) - len(pixels)
        prior = prior_cholesky(train.prior_correlation, train.elements)
        for name, array in {"pixels": pixels, "order": np.argsort(by_decoder), "place": place}.items():
            self.register_buffer(name, torch.from_numpy(array), persistent=False)
        self.register_buffer("prior", torch.from_numpy(prior).float(), persistent=False)
        self.precision: torch.dtype | None = None  # of the encoder's matrix products; None: of the weights
        # What the encoder is fed: (flux - offset) / scale, and `fill` where a pixel is bad.
        self.register_buffer("offset", torch.zeros(n_pixels))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("fill", torch.ones(n_pixels))

    def encode(self, flux: torch.Tensor, bad: torch.Tensor | None = None) -> Posterior:
        """Flux (n, p), continuum 1 -> posterior. Pixels `bad` (n, p) take the mean spectrum."""
        if bad is not None:
            flux = torch.where(bad, self.fill, flux)
        fed = (flux - self.offset) / self.scale
        if self.precision is None:
            return self.heads(self.encoder(fed))
        # The encoder alone, where the work is: 8 bits would round the flux near 1 to 0.004, latents to a percent.
        with torch.autocast(fed.device.type, self.precision):
            features = self.encoder(fed)
        return self.heads(features.float())

    def decode(self, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """z (n, 3), w (n, 2) -> flux (n, d) on `pixels`, in ascending wavelength.

        Pixels that two decoders share are summed, as in the public release.
        """
        flux = self.decoders(z, w)
        if self.shared_pixels:
            return flux.new_zeros(len(flux), len(self.pixels)).index_add(1, self.place, flux)
        return flux[:, self.order]

    def forward(self, flux: torch.Tensor, bad: torch.Tensor | None = None, noise: torch.Tensor | None = None) -> Output:
        """Flux (n, p) -> output. `noise` (n, 3) from N(0, 1) draws z from the posterior; None: its mean."""
        posterior = self.encode(flux, bad)
        z = posterior.mean
        if noise is not None:
            z = z + (posterior.cholesky @ noise[:, :, None])[:, :, 0]
        return Output(posterior, self.decode(z, posterior.w), self.linear(posterior.w))

    def count_parameters(self) -> dict[str, int]:
        """Trainable parameters of each part and in all."""
        counts = {
            name: sum(p.numel() for p in part.parameters() if p.requires_grad) for name, part in self.named_children()
        }
        return {**counts, "total": sum(counts.values())}


def set_input_scaling(vae: Vae, train: Train, flux: np.ndarray, bad: np.ndarray | None) -> None:
    """Fix what the encoder is fed from the training stars' flux (n, p); `bad` (n, p) pixels do not count.

    With InstanceNorm the flux goes in as it is, as published. Without, there is no layer to bring the lines'
    depths to order 1, so flux - 1 is scaled by its rms; the mlp sees deviations from the mean spectrum.
    """
    if bad is None:
        mean = flux.mean(axis=0, dtype=np.float64)
    else:
        good = ~bad
        count = good.sum(axis=0)
        # A pixel that is bad in every star says nothing: the continuum stands in.
        mean = np.where(count, (flux * good).sum(axis=0, dtype=np.float64) / np.maximum(count, 1), 1.0)
    vae.fill.copy_(torch.from_numpy(mean))
    if train.encoder == "conv" and train.instance_norm:
        return
    offset = mean if train.encoder == "mlp" else np.ones(flux.shape[1])
    deviation = flux - offset.astype(np.float32)
    if bad is not None:
        deviation[bad] = 0
    vae.offset.copy_(torch.from_numpy(offset))
    vae.scale.fill_(max(float(np.sqrt(np.mean(deviation**2, dtype=np.float64))), 1e-6))


def build(masks: dict[str, np.ndarray], train: Train, seed: int) -> Vae:
    """A model with the initial weights of catalog `seed`; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed(seed, "train/weights"))
        return Vae(masks, train)
