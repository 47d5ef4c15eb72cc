"""The variants of the ablation: changes of the configuration, and experiments that no configuration asks for.

An experiment replaces a part of the training while it runs, and puts it back. It lives here and not in the package,
because a survey has no use for it, or, in the case of the noise-free flux, no access to what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from halochem import regions, seeds
from halochem.config import Config
from halochem.files import Catalog
from halochem.train import adversary, data, fast, fast_loop, filters, moments, quantiles, refinement, stages

Experiment = Callable[[Catalog, Config], Any]  # -> a context manager

# What each guide reads, as the published decoders do: z_m, z_c; z_m, z_c; all.
PUBLISHED_READS = ((0, 1), (0, 1), (0, 1, 2))
ALL_READS = ((0, 1, 2),) * 3


@dataclass(frozen=True)
class Variant:
    """`train`: the section of that name; `base`: whose weights serve, where no more than what follows them differs."""

    title: str
    group: str  # heading in the table
    train: dict[str, Any] = field(default_factory=dict)
    experiment: Experiment | None = None
    base: str | None = None


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


class ReadingGuides(torch.nn.Module):
    """fast.Guides with another choice of latents that each reads; it teaches its own, or all that it reads."""

    def __init__(self, count: int, selective: bool, reads: tuple[tuple[int, ...], ...]):
        super().__init__()
        self.selective, self.reads = selective, reads
        self.each = torch.nn.ModuleList(
            fast.mlp(len(read) + fast.N_AUXILIARY, *fast.GUIDE_HIDDEN, count) for read in reads
        )

    def forward(self, e: torch.Tensor, w: torch.Tensor, spread: torch.Tensor) -> list[torch.Tensor]:
        """As fast.Guides."""
        found = []
        for own, (read, net) in enumerate(zip(self.reads, self.each, strict=True)):
            columns = [e[:, k : k + 1] for k in read]
            if self.selective:
                columns = [x if k == own else x.detach() for k, x in zip(read, columns, strict=True)]
            found.append(net(torch.cat([*columns, w], dim=1)) * spread)
        return found


def _guides(reads: tuple[tuple[int, ...], ...]) -> Experiment:
    def experiment(catalog: Catalog, config: Config):
        return _replaced(fast, "Guides", lambda count, selective: ReadingGuides(count, selective, reads))

    return experiment


@dataclass(frozen=True)
class RegionFilters(filters.Filters):
    """The published regions in place of matched filters: `vectors` (3, k, k), `weight` (3,), the same in all cells."""

    def to(self, device: torch.device) -> RegionFilters:
        """The same on a device."""
        moved = (tensor.to(device) for tensor in (self.vectors, self.weight, self.direction))
        return RegionFilters(*moved, self.teff_edges, self.logg_edges)

    def chi2(self, element: int, residual: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Sum of the squares of the residual flux in the element's pixels, 1 for the scores' noise alone: (n,)."""
        return ((residual @ self.vectors[element]) ** 2).sum(dim=1) / self.weight[element]


def region_pixels(catalog: Catalog, config: Config):
    """Guides are judged by the pixels of their region."""
    masks = regions.pixel_masks(regions.of(config.train), catalog.wavelength, config.train.regions)
    of_filters = filters.measure

    def measure(responses, basis: np.ndarray, sigma: float, *rest) -> RegionFilters:
        known = of_filters(responses, basis, sigma, *rest)  # the signs still follow from the derivatives
        vectors, weights = [], []
        for name in regions.DECODERS:
            gram = basis[masks[name]].T @ basis[masks[name]] / sigma**2
            values, axes = np.linalg.eigh(gram)
            vectors.append(axes * np.sqrt(np.maximum(values, 0)))
            weights.append(np.trace(gram) * sigma**2)
        tensors = (torch.from_numpy(np.array(a, np.float32)) for a in (vectors, weights))
        return RegionFilters(*tensors, known.direction, known.teff_edges, known.logg_edges)

    return _replaced(filters, "measure", measure)


@contextmanager
def both(catalog: Catalog, config: Config) -> Iterator[None]:
    """Published regions, and guides that read what the published decoders do."""
    with region_pixels(catalog, config), _guides(PUBLISHED_READS)(catalog, config):
        yield


@contextmanager
def new_noise(catalog: Catalog, config: Config) -> Iterator[None]:
    """An oracle: every epoch sees the training stars with new noise on their noise-free flux. No survey can."""
    rows, _ = data.select(catalog, config.train)
    of_epoch, clean = fast_loop.train_epoch, []

    def train_epoch(training: fast_loop.Training, epoch: int, known: dict) -> tuple:
        stars = training.stars
        if not clean:
            flux = torch.from_numpy(np.ascontiguousarray(catalog.flux_clean[rows], np.float32))
            clean.append(training.players.vae.scores(flux.to(stars.scores.device)))
        generator = torch.Generator().manual_seed(seeds.torch_seed(training.seed, f"ablation/noise/{epoch}"))
        # The components are orthonormal: noise of sigma in a pixel is noise of sigma in a score.
        noise = torch.randn(clean[0].shape, generator=generator).to(stars.scores.device) * stars.noise
        training.stars = replace(stars, scores=clean[0] + noise)
        stage, *_ = stages.locate(training.train, epoch)
        return of_epoch(training, epoch, fast_loop.settled(training, stage, training.stars))

    with _replaced(fast_loop, "train_epoch", train_epoch):
        yield


@contextmanager
def raw_latents(catalog: Catalog, config: Config):
    """Latents as the fit leaves them, which is how its networks have learnt them."""
    with askew(catalog, config), _replaced(quantiles.Quantiles, "forward", lambda self, x: x[:, : fast.N_LATENT]):
        yield


def askew(catalog: Catalog, config: Config):
    """Carbon's latent as the quantiles leave it."""
    return _replaced(fast, "shifted", lambda e, shift: e)


def as_read(catalog: Catalog, config: Config):
    """Latents and w as the networks read them: least squares of no step."""
    return _replaced(refinement, "STEPS", 0)


def published_adversary(catalog: Catalog, config: Config):
    """The published classifier teaches, instead of the moments."""
    of_stage = stages.abundance_losses

    def losses(players, stars, seen, w, draw, train, weight) -> tuple:
        values, mean = of_stage(players, stars, seen, w, draw, train, 0.0)
        guess = adversary.cross_entropy(players.adversary(mean), stars.classes)
        return values | {"total": values["total"] - weight * guess}, mean

    return _replaced(stages, "abundance_losses", losses)


def _polynomials(keep: slice) -> Experiment:
    """Moments with some of the atmosphere's polynomials alone; the first of them is the constant."""

    def experiment(catalog: Catalog, config: Config):
        of_atmosphere = moments.atmosphere_polynomials

        def some(u: torch.Tensor) -> torch.Tensor:
            values = of_atmosphere(u)
            kept = torch.zeros_like(values)
            kept[:, keep] = values[:, keep]
            return kept

        return _replaced(moments, "atmosphere_polynomials", some)

    return experiment


def constant(value: float) -> list[dict[str, float]]:
    """A schedule of one step."""
    return [{"from_epoch": 0, "value": value}]


# The published steps at the same shares of the training: 200 and 2000 of 4000 epochs.
PUBLISHED_LAMBDA = [(0.0, 0.0), (0.05, 1e-2), (0.5, 1e-1)]
EPOCHS = 100  # of the published scheme


def steps(shares: list[tuple[float, float]]) -> list[dict[str, float]]:
    """(share of the epochs, lambda) as the configuration has it."""
    return [{"from_epoch": round(share * EPOCHS), "value": value} for share, value in shares]


FAST = {"preset": "fast", "epochs": 200, "batch_size": 256, "max_learning_rate": 3e-3}
FAST |= {"adversary_weight": constant(3.0), "device": "cpu", "checkpoint_every": 10**6}
# The published scheme with an encoder that a CPU can train. Small batches: 6300 steps, where the paper takes 220 000.
PAPER = {"preset": "paper", "encoder": "mlp", "epochs": EPOCHS, "batch_size": 128, "max_learning_rate": 1e-3}
PAPER |= {"adversary_weight": steps(PUBLISHED_LAMBDA), "device": "cpu", "checkpoint_every": 10**6}

_PARTS, _LAMBDA, _SCALE, _PAPER, _ORACLE = (
    "Preset fast and its parts",
    "Weight of the adversary, λ",
    "Scale of the latents",
    "The published scheme, encoder mlp",
    "What no survey has",
)
VARIANTS: dict[str, Variant] = {
    "fast": Variant("preset fast, λ = 3", _PARTS, FAST),
    "no-flow": Variant(
        "no selective gradient flow: each guide teaches all that it reads",
        _PARTS,
        FAST | {"selective_gradient_flow": False},
    ),
    "open": Variant(
        "no selective gradient flow: each guide reads and teaches all latents",
        _PARTS,
        FAST | {"selective_gradient_flow": False},
        _guides(ALL_READS),
    ),
    "published-reads": Variant(
        "guides read what the published decoders do, selectively", _PARTS, FAST, _guides(PUBLISHED_READS)
    ),
    "regions": Variant("published pixel regions instead of matched filters", _PARTS, FAST, region_pixels),
    "regions-reads": Variant("published regions and published reading", _PARTS, FAST, both),
    "raw": Variant(
        "latents as the fit leaves them, not as quantiles at each w", _PARTS, FAST, raw_latents, base="fast"
    ),
    "askew": Variant("carbon’s latent not straightened by the engine’s derivatives", _PARTS, FAST, askew, base="fast"),
    "adam": Variant("Adam for all that learns from spectra, no Muon", _PARTS, FAST | {"fast": {"hidden_rate": 0.0}}),
    "as-read": Variant("no refinement by least squares: latents as the networks read them", _PARTS, FAST, as_read),
    "suppression": Variant(
        "filters that know the noise alone, not the other elements", _PARTS, FAST | {"fast": {"suppression": 0.0}}
    ),
    "no-extra-noise": Variant("no noise added in training", _PARTS, FAST | {"fast": {"extra_noise": 0.0}}),
    "classifier": Variant(
        "the published classifier as adversary, λ 0.3, instead of moments",
        _PARTS,
        FAST | {"adversary_weight": constant(0.3)},
        published_adversary,
    ),
    "latents-alone": Variant(
        "no adversary: moments of the latents among themselves alone", _PARTS, FAST, _polynomials(slice(0, 1))
    ),
    "atmosphere-alone": Variant(
        "moments with Teff and log g alone: the latents may depend on one another",
        _PARTS,
        FAST,
        _polynomials(slice(1, None)),
    ),
    **{
        f"lambda-{value:g}": Variant(
            "λ = 0: no moments at all" if value == 0 else f"λ = {value:g}",
            _LAMBDA,
            FAST | {"adversary_weight": constant(value)},
        )
        for value in (0.0, 0.3, 1.0, 10.0, 30.0, 100.0)
    },
    "gaussian": Variant(
        "Gaussian with the published correlations, instead of the halo’s density",
        _SCALE,
        FAST | {"fast": {"latent_scale": "gaussian"}},
        base="fast",
    ),
    "independent": Variant(
        "Gaussian without correlations",
        _SCALE,
        FAST
        | {
            "fast": {"latent_scale": "gaussian"},
            "prior_correlation": {"feh_alpha": 0.0, "feh_c": 0.0, "c_alpha": 0.0},
        },
        base="fast",
    ),
    "paper": Variant("as published, faults mended", _PAPER, PAPER),
    "paper-no-flow": Variant("no selective gradient flow", _PAPER, PAPER | {"selective_gradient_flow": False}),
    "paper-lambda-0": Variant("no adversary, λ = 0", _PAPER, PAPER | {"adversary_weight": constant(0.0)}),
    **{
        f"paper-{name}": Variant(title, _PAPER, PAPER | {"reproduce": {switch: True for switch in switches}})
        for name, (title, *switches) in {
            "softmax": ("softmax before the cross-entropy, as released", "softmax_before_cross_entropy"),
            "bins": ("log g in the bins of Teff, seven of each, as released", "logg_bins_of_teff", "seven_bins"),
            "drawn": ("z drawn from the posterior in evaluation, as released", "posterior_sample_in_evaluation"),
            "released": (
                "all four faults of the release together",
                "softmax_before_cross_entropy",
                "logg_bins_of_teff",
                "seven_bins",
                "posterior_sample_in_evaluation",
            ),
        }.items()
    },
    "paper-independent": Variant(
        "prior without correlations",
        _PAPER,
        PAPER | {"prior_correlation": {"feh_alpha": 0.0, "feh_c": 0.0, "c_alpha": 0.0}},
    ),
    "oracle": Variant("new noise on the noise-free flux in each epoch", _ORACLE, FAST, new_noise),
}
