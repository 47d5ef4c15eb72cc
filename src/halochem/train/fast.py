"""The model of preset `fast`: matrix products on principal components instead of convolutions on pixels.

Two small networks read the components: one gives w (Teff and log g), one the latents. Least squares refine both
(refinement.py), the latents become quantiles (quantiles.py); a decoder for each region gives the flux. It answers like
vae.Vae. n stars, p pixels, k components, d pixels of the decoders.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import nn

from halochem import seeds
from halochem.config import Train
from halochem.train import straightening
from halochem.train.components import Components
from halochem.train.decoders import READS
from halochem.train.encoder import N_AUXILIARY, N_LATENT, Posterior
from halochem.train.halo_scale import Triangle
from halochem.train.layers import FURTHEST, mlp
from halochem.train.losses import prior_cholesky
from halochem.train.moments import hermite
from halochem.train.quantiles import Quantiles
from halochem.train.refinement import derivatives, refine
from halochem.train.vae import Output

ATMOSPHERE_HIDDEN, ENCODER_HIDDEN, READING_HIDDEN = (192, 96), (256, 128), (128, 128, 64)
GUIDE_HIDDEN, DECODER_HIDDEN = (64, 128), (128, 256, 256)
DEGREE = 3  # of the polynomials that the decoders read: a head start of many epochs
POWERS = [
    power for power in itertools.product(range(DEGREE + 1), repeat=N_LATENT + N_AUXILIARY) if 0 < sum(power) <= DEGREE
]
N_CHOLESKY = N_LATENT * (N_LATENT + 1) // 2
START_WIDTH = -2.0  # softplus of it: the posterior's width at the start, 0.13
MIN_WIDTH = 1e-4  # of the posterior, as of the encoder's own


def polynomials(x: torch.Tensor) -> torch.Tensor:
    """Products of Hermite polynomials of latents and w, x (n, 5), of total degree 1 to 3: (n, 55)."""
    columns = x.clamp(-FURTHEST, FURTHEST).T
    each = [hermite(column, DEGREE) for column in columns]
    return torch.stack([math.prod(each[k][n] for k, n in enumerate(power)) for power in POWERS], dim=1)


def shifted(e: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Latents e (n, 3) with `shift` (n, 1) added to carbon's."""
    k = straightening.STRAIGHTENED
    return torch.cat([e[:, :k], e[:, k : k + 1] + shift, e[:, k + 1 :]], dim=1)


class Guides(nn.Module):
    """One decoder an element, to scores (n, k). Each reads the latents up to its own, and only its own learns from it.

    They are judged by the element's filters alone (filters.py) and serve training only.
    """

    def __init__(self, count: int, selective: bool):
        super().__init__()
        self.selective = selective
        self.each = nn.ModuleList(mlp(e + 1 + N_AUXILIARY, *GUIDE_HIDDEN, count) for e in range(N_LATENT))

    def forward(self, e: torch.Tensor, w: torch.Tensor, spread: torch.Tensor) -> list[torch.Tensor]:
        """Latents e (n, 3), w (n, 2) -> scores (n, k) of each element, in units where `spread` (k,) is typical."""
        columns = e.split(1, dim=1)
        known = [column.detach() for column in columns] if self.selective else columns
        return [net(torch.cat([*known[:k], columns[k], w], dim=1)) * spread for k, net in enumerate(self.each)]


class FastVae(nn.Module):
    """The model. `masks` are the pixels of each decoder, bool (p,); `train` the configuration's section."""

    batch = 1024  # stars to encode at a time: of fewer, most of the time goes into calling small functions

    def __init__(self, masks: dict[str, np.ndarray], train: Train):
        super().__init__()
        n_pixels = len(next(iter(masks.values())))
        count = min(train.fast.components, n_pixels)
        self.components = Components(n_pixels, count)
        self.atmosphere = mlp(2 * count, *ATMOSPHERE_HIDDEN, N_AUXILIARY)
        self.encoder = mlp(2 * count + N_AUXILIARY, *ENCODER_HIDDEN, N_LATENT + N_CHOLESKY)
        self.guides = Guides(count, train.selective_gradient_flow)
        # The first learns from what the networks read, the second from what the first has made of it.
        self.generators = nn.ModuleList(mlp(len(POWERS), *DECODER_HIDDEN, count) for _ in range(2))
        # Teff and log g once more, from the refined numbers and what the last generator makes of them: a straight
        # line, and what it leaves. ReLU, since log g has a kink where the atmospheres end.
        self.reread = nn.Linear(DECODER_HIDDEN[-1] + N_LATENT + N_AUXILIARY, N_AUXILIARY)
        self.bend = mlp(N_LATENT + 2 * N_AUXILIARY, *READING_HIDDEN, N_AUXILIARY, activation=nn.ReLU)
        self.quantiles = Quantiles()
        self.straight = mlp(N_LATENT + N_AUXILIARY, *straightening.HIDDEN, 1)  # a shift of carbon's latent
        self.decoders = nn.ModuleDict({name: mlp(len(POWERS), *DECODER_HIDDEN, count) for name in READS})
        self.scale = Triangle(prior_cholesky(train.prior_correlation))
        by_decoder = np.concatenate([np.flatnonzero(masks[name]) for name in READS])
        order = np.argsort(by_decoder)
        self.n_pixels = {name: int(masks[name].sum()) for name in READS}
        # What the components leave out of each decoder's pixels.
        self.details = nn.ModuleDict({name: nn.Linear(DECODER_HIDDEN[-1], self.n_pixels[name]) for name in READS})
        # Not the bend's: behind zeros all of its ReLUs may die in the first epochs.
        for line in (self.reread, self.straight[-1], *self.details.values()):
            nn.init.zeros_(line.weight)
            nn.init.zeros_(line.bias)
        self.register_buffer("pixels", torch.from_numpy(by_decoder[order]), persistent=False)
        self.register_buffer("order", torch.from_numpy(order), persistent=False)

    @property
    def fill(self) -> torch.Tensor:
        """What stands in for a bad pixel, (p,): the mean of the training stars."""
        return self.components.mean

    def scores(self, flux: torch.Tensor, bad: torch.Tensor | None = None) -> torch.Tensor:
        """Flux (n, p), continuum 1 -> scores (n, k)."""
        return self.components.scores(flux if bad is None else torch.where(bad, self.fill, flux))

    def read_atmosphere(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores (n, k) -> w (n, 2), which is standardised Teff and log g itself."""
        return self.atmosphere(self.components.features(scores))

    def latents(self, scores: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (n, k), w (n, 2) -> the standard normal latents: mean (n, 3), Cholesky factor (n, 3, 3)."""
        output = self.encoder(torch.cat([self.components.features(scores), w], dim=1))
        mean, entries = output[:, :N_LATENT], output[:, N_LATENT:] + START_WIDTH
        rows, columns = torch.tril_indices(N_LATENT, N_LATENT, device=scores.device)
        entries = torch.where(rows == columns, nn.functional.softplus(entries) + 1e-4, entries - START_WIDTH)
        factor = scores.new_zeros(len(scores), N_LATENT, N_LATENT)
        factor[:, rows, columns] = entries
        return mean, factor

    def generate(self, x: torch.Tensor, which: int = -1) -> torch.Tensor:
        """Standard normal latents and w, x (n, 5) -> scores (n, k) of the whole spectrum, by one of the generators."""
        return self.generators[which](polynomials(x)) * self.components.spread

    def read(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores (n, k) -> standard normal latents and w, (n, 5), as the networks read them."""
        w = self.read_atmosphere(scores)
        return torch.cat([self.latents(scores, w)[0], w], dim=1)

    def settle(self, scores: torch.Tensor, which: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (n, k) -> latents and w, x (n, 5), and their Cholesky factor (n, 5, 5).

        What the networks read, refined by one of the generators.
        """
        return refine(lambda x: self.generate(x, which), scores, self.read(scores), self.components.noise)

    def rereading(self, x: torch.Tensor) -> torch.Tensor:
        """What `reread` reads of refined x (n, 5): (n, 261)."""
        return torch.cat([self.generators[-1][:-1](polynomials(x)), x], dim=1)

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """Refined x (n, 5) with w read once more: (n, 5).

        Decoders read x itself: where a network was misled, x still tells apart what true Teff and log g do not.
        """
        return torch.cat([x[:, :N_LATENT], self.bent(x, self.reread(self.rereading(x)))], dim=1)

    def bent(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Refined x (n, 5), w (n, 2) as the straight line reads it -> w (n, 2)."""
        return w + self.bend(torch.cat([x, w], dim=1).clamp(-FURTHEST, FURTHEST))

    def shift(self, x: torch.Tensor) -> torch.Tensor:
        """Refined x (n, 5) -> what straightens carbon's latent, (n, 1)."""
        return self.straight(x.clamp(-FURTHEST, FURTHEST))

    def normal(self, x: torch.Tensor) -> torch.Tensor:
        """Refined x (n, 5) -> latents (n, 3), standard normal but for carbon's shift."""
        return shifted(self.quantiles(self.finish(x)), self.shift(x))

    def posterior(self, x: torch.Tensor, factor: torch.Tensor) -> Posterior:
        """The posterior of z, on the scale asked for, from refined x (n, 5) and its Cholesky factor (n, 5, 5)."""
        y = self.finish(x)
        e = shifted(self.quantiles(y), self.shift(x))
        with torch.no_grad():
            slope = derivatives(self.normal, x.detach())
            spread = torch.einsum("ink,nij->nkj", slope, factor)
            floor = MIN_WIDTH**2 * torch.eye(N_LATENT, device=x.device)
            factor = torch.linalg.cholesky_ex(spread @ spread.transpose(1, 2) + floor).L
        z, slope = self.scale(e)
        sign = self.scale.sign
        # S L S has the covariance of S L, S the signs, and a diagonal above 0.
        return Posterior(z, slope @ (factor * sign[:, None] * sign), y[:, N_LATENT:])

    def encode(self, flux: torch.Tensor, bad: torch.Tensor | None = None) -> Posterior:
        """Flux (n, p), continuum 1 -> posterior of z. Pixels `bad` (n, p) take the mean spectrum."""
        return self.posterior(*self.settle(self.scores(flux, bad)))

    def hidden(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Refined latents and w, x (n, 5) -> the last hidden layer of each decoder (n, 256)."""
        inputs = polynomials(x)
        return {name: self.decoders[name][:-1](inputs) for name in READS}

    def decoded_scores(self, hidden: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Hidden layers -> scores (n, k) of each decoder, right on its own pixels."""
        return {name: self.decoders[name][-1](layer) * self.components.spread for name, layer in hidden.items()}

    def pixel_basis(self) -> dict[str, torch.Tensor]:
        """The components on each decoder's pixels: (its d, k)."""
        parts = self.components.basis[self.pixels][self.order.argsort()].split(list(self.n_pixels.values()))
        return dict(zip(self.n_pixels, parts, strict=True))

    def own_pixels(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        """Values (..., d) on `pixels` -> those of each decoder (..., its d)."""
        parts = values[..., self.order.argsort()].split(list(self.n_pixels.values()), dim=-1)
        return dict(zip(self.n_pixels, parts, strict=True))

    def decode(self, x: torch.Tensor) -> torch.Tensor:
        """Refined latents and w, x (n, 5) -> flux (n, d) on `pixels`, in ascending wavelength."""
        hidden, basis = self.hidden(x), self.pixel_basis()
        scores = self.decoded_scores(hidden)
        flux = torch.cat([scores[name] @ basis[name].T + self.details[name](hidden[name]) for name in READS], dim=1)
        return flux[:, self.order] + self.components.mean[self.pixels]

    def forward(self, flux: torch.Tensor, bad: torch.Tensor | None = None) -> Output:
        """Flux (n, p), continuum 1 -> output, of the posterior's mean. Pixels `bad` (n, p) take the mean spectrum."""
        x, factor = self.settle(self.scores(flux, bad))
        posterior = self.posterior(x, factor)
        return Output(posterior, self.decode(x), posterior.w)

    def count_parameters(self) -> dict[str, int]:
        """Trainable parameters of each part and in all; the guides serve training only."""
        counts = {name: sum(p.numel() for p in part.parameters()) for name, part in self.named_children()}
        return {**counts, "total": sum(counts.values())}


def build(masks: dict[str, np.ndarray], train: Train, seed: int) -> FastVae:
    """A model with the initial weights of catalog `seed`; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed(seed, "train/weights"))
        return FastVae(masks, train)
