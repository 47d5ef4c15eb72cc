"""The stages of preset `fast`: first the atmosphere, then the abundances, then the spectra.

Between the last two, two generators learn the whole spectrum, and the latents and w are refined by them.

Each trains its own networks and leaves the others as they are, so that no loss can pull at what another one has
settled: w learns Teff and log g and nothing else, and the decoders cannot move the latents. n stars, k components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from halochem.config import Train
from halochem.train import adversary as adversaries
from halochem.train import losses, schedule
from halochem.train.fast import FastVae
from halochem.train.fast_data import FastStars
from halochem.train.filters import Filters
from halochem.train.moments import Moments

NAMES = ("atmosphere", "abundances", "manifold", "refinement", "spectra")
GENERATORS = ("manifold", "refinement")  # the stages in which the generators learn
RAMP_START, RAMP_SPEED = 0.1, 3.0  # the adversary's weight rises to the full one over 0.3 of its stage


@dataclass
class Players:
    """Networks and what they are judged by."""

    vae: FastVae
    moments: Moments
    adversary: adversaries.Adversary  # the published one: it watches, for comparison, and teaches nothing
    filters: Filters
    forms: dict[str, torch.Tensor]  # (k, k) for each decoder: see `pixel_forms`

    def parameters(self, stage: str) -> list[torch.nn.Parameter]:
        """What learns in a stage."""
        parts = {
            "atmosphere": (self.vae.atmosphere,),
            "abundances": (self.vae.encoder, self.vae.guides),
            "manifold": (self.vae.generators[0],),
            "refinement": (self.vae.generators[1],),
            "spectra": (self.vae.decoders,),
        }[stage]
        return [parameter for part in parts for parameter in part.parameters()]


def lengths(train: Train) -> dict[str, int]:
    """Epochs of each stage; train.epochs in all."""
    first = max(1, round(train.fast.atmosphere_share * train.epochs))
    each = max(1, round(train.fast.manifold_share * train.epochs / len(GENERATORS)))
    last = max(1, round(train.fast.spectra_share * train.epochs))
    return dict(zip(NAMES, (first, train.epochs - first - 2 * each - last, each, each, last), strict=True))


def locate(train: Train, epoch: int) -> tuple[str, int, int]:
    """The stage of an epoch, the epoch within it, and its number of epochs."""
    for name, length in lengths(train).items():
        if epoch < length:
            return name, epoch, length
        epoch -= length
    raise ValueError("no stage has this epoch")


def adversary_weight(train: Train, epoch: int) -> float:
    """Lambda in an epoch: 0 outside the stage of abundances, where it rises to the configured steps."""
    name, inside, length = locate(train, epoch)
    if name != "abundances":
        return 0.0
    full = schedule.adversary_weight(train.adversary_weight, epoch)
    return full * min(1.0, RAMP_START + RAMP_SPEED * inside / length)


def atmosphere_losses(players: Players, stars: FastStars, seen: torch.Tensor) -> dict[str, torch.Tensor]:
    """`seen`: the scores with noise added, (n, k)."""
    linear = torch.nn.functional.mse_loss(players.vae.read_atmosphere(seen), stars.u)
    return {"linear": linear, "total": linear}


def abundance_losses(
    players: Players,
    stars: FastStars,
    seen: torch.Tensor,
    w: torch.Tensor,
    draw: torch.Tensor,
    train: Train,
    weight: float,
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The losses, and the latents' means (n, 3). `draw` (n, 3) from N(0, 1)."""
    model, filters = players.vae, players.filters
    mean, factor = model.latents(seen, w)
    e = mean + (factor @ draw[:, :, None])[:, :, 0]
    relative = (model.components.noise / stars.noise[:, 0]) ** 2
    guide = mean.new_zeros(())
    for element, scores in enumerate(model.guides(e, w, model.components.spread)):
        chi2 = filters.chi2(element, stars.scores - scores, stars.cells) * relative
        # The logarithm gives each star a say: the few that fit worst, cool and rich in carbon, would rule a sum.
        guide = guide + torch.log1p(chi2).mean()
    kl = losses.kl_divergence(mean, factor, torch.eye(mean.shape[1], device=mean.device)).mean()
    pull, dependence = players.moments(mean, stars.polynomials)
    total = guide + train.beta * kl + weight * pull
    values = {"kl": kl, "guide": guide, "dependence": dependence, "total": total}
    return values, mean


def pixel_forms(vae: FastVae) -> dict[str, torch.Tensor]:
    """For each decoder a matrix (k, k) that carries scores to numbers of the same sum of squares as its pixels'."""
    forms = {}
    for name, basis in vae.pixel_basis().items():
        values, vectors = torch.linalg.eigh(basis.T.double() @ basis.double())
        forms[name] = (vectors * values.clamp(min=0).sqrt()).to(basis.dtype)
    return forms


def generator_losses(players: Players, stars: FastStars, x: torch.Tensor, stage: str) -> dict[str, torch.Tensor]:
    """x (n, 5): latents and w, which the generator cannot move."""
    residual = stars.scores - players.vae.generate(x, GENERATORS.index(stage))
    # The root, as of the decoders.
    return {"total": (1 + ((residual / stars.noise) ** 2).mean(dim=1)).sqrt().mean()}


def spectrum_losses(players: Players, stars: FastStars, e: torch.Tensor, w: torch.Tensor) -> dict[str, torch.Tensor]:
    """e (n, 3) and w (n, 2) are what the finished encoder says.

    The decoders learn from the scores, which hold the noise of k components instead of p pixels; the likelihood of
    the pixels is computed for the history.
    """
    model = players.vae
    total = e.new_zeros(())
    decoded = model.decoded_scores(e, w)
    for name, scores in decoded.items():
        squares = (((stars.scores - scores) @ players.forms[name]) ** 2).sum(dim=1)
        # In units of what the noise of the scores adds. The root, not its logarithm, which would give up the stars
        # that fit worst, nor the square, which would serve them alone: the sum of the relative errors.
        noise = (players.forms[name] ** 2).sum() * stars.noise[:, 0] ** 2
        total = total + (1 + squares / noise).sqrt().mean()
    with torch.no_grad():
        good = stars.good.expand_as(stars.flux)
        likelihood = losses.negative_log_likelihood(model.assemble(decoded), stars.flux, stars.sigma, good).mean()
    return {"reconstruction": likelihood, "total": total}


def watch(players: Players, stars: FastStars, mean: torch.Tensor) -> torch.Tensor:
    """The published adversary's cross-entropy on means (n, 3) that it cannot move."""
    return adversaries.cross_entropy(players.adversary(mean.detach()), stars.classes)


def fit_signs(players: Players, stars: FastStars, means: torch.Tensor) -> list[float]:
    """Turn each latent towards higher abundance: the engine's mean response says which way that is.

    Returns how well each follows its element by that linear estimate: |r| among stars of the same cell. Noise and
    the other elements keep it below 1; a latent that has lost its element is near 0.
    """
    filters, cells, found = players.filters, stars.cells, []
    for element, latent in enumerate(means.T):
        estimate = (stars.scores * filters.direction[element][cells]).sum(dim=1)
        # Within a cell, its own units: over all, Teff and log g would rule the estimate.
        latent, estimate = (_standardised(values, cells, filters.direction.shape[1]) for values in (latent, estimate))
        r = (latent * estimate).mean().item()
        players.vae.scale.sign[element] = math.copysign(1.0, r)
        found.append(abs(r))
    return found


def _standardised(values: torch.Tensor, cells: torch.Tensor, n_cells: int) -> torch.Tensor:
    """Values (n,) minus the mean of their cell, over its standard deviation."""
    empty = values.new_zeros(n_cells)
    count = empty.index_add(0, cells, torch.ones_like(values)).clamp(min=1)
    offset = values - (empty.index_add(0, cells, values) / count)[cells]
    return offset / (empty.index_add(0, cells, offset**2) / count).sqrt().clamp(min=1e-9)[cells]
