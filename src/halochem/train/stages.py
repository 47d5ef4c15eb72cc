"""The stages of preset `fast`: first the atmosphere, then the abundances, then the spectra.

Between the last two, two generators learn the whole spectrum, the latents and w are refined by them, w is read from the
result, it is learnt how the latents are distributed at each w, and carbon's is straightened.

Each trains its own networks and leaves the others as they are, so that no loss can pull at what another one has
settled: w learns Teff and log g and nothing else, and the decoders cannot move the latents. n stars, k components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from halochem.config import Train
from halochem.train import adversary as adversaries
from halochem.train import layers, losses, optimise, schedule, straightening
from halochem.train.fast import FastVae, shifted
from halochem.train.fast_data import FastStars
from halochem.train.filters import Filters
from halochem.train.moments import Moments

NAMES = (
    "atmosphere",
    "abundances",
    "manifold",
    "refinement",
    "reading",
    "quantiles",
    "straightening",
    "spectra",
)
REGRESSIONS = ("manifold", "refinement", "straightening", "spectra")  # Muon moves their hidden layers
# Of the peak rate: where a network sets out from another, and where ReLUs must not die.
GENTLE = {"refinement": 0.3, "reading": 0.5, "spectra": 0.3}
# A density's network can learn stars by heart, that of reading the errors of the labels.
WEIGHT_DECAY = {"reading": 0.01, "quantiles": 0.03}
GENERATORS = ("manifold", "refinement")  # the stages in which the generators learn
# Of least squares on hidden layers, in units of their mean variance.
REREAD_RIDGE, DETAILS_RIDGE = 1e-4, 1e-2
BLOCK = 2048
RAMP_START, RAMP_SPEED = 0.1, 3.0  # the adversary's weight rises to the full one over 0.3 of its stage


@dataclass
class Players:
    """Networks and what they are judged by."""

    vae: FastVae
    moments: Moments
    adversary: adversaries.Adversary  # the published one: it watches, for comparison, and teaches nothing
    filters: Filters
    forms: dict[str, torch.Tensor]  # (k, k) for each decoder: see `pixel_forms`

    def learners(self, stage: str) -> list[torch.nn.Module]:
        """The networks that learn in a stage."""
        vae = self.vae
        return {
            "atmosphere": [vae.atmosphere],
            "abundances": [vae.encoder, vae.guides],
            "manifold": [vae.generators[0]],
            "refinement": [vae.generators[1]],
            "reading": [vae.bend],
            "quantiles": [vae.quantiles],
            "straightening": [vae.straight],
            "spectra": list(vae.decoders.values()),
        }[stage]


def optimisers(players: Players, stage: str, train: Train) -> list[torch.optim.Optimizer]:
    """What moves the networks of a stage."""
    decay = WEIGHT_DECAY.get(stage, optimise.WEIGHT_DECAY)
    return optimise.optimisers(
        players.learners(stage), stage in REGRESSIONS and train.fast.hidden_rate > 0, weight_decay=decay
    )


def rates(train: Train, stage: str) -> tuple[float, float]:
    """The highest rates of a stage's optimisers."""
    share = GENTLE.get(stage, 1.0)
    return share * train.max_learning_rate, share * train.fast.hidden_rate


def lengths(train: Train) -> dict[str, int]:
    """Epochs of each stage; train.epochs in all."""
    shares = {name: train.fast.manifold_share / len(GENERATORS) for name in GENERATORS}
    shares |= {name: getattr(train.fast, f"{name}_share") for name in NAMES if name not in ("abundances", *GENERATORS)}
    found = {name: max(1, round(share * train.epochs)) for name, share in shares.items()}
    # Of few epochs, rounding may leave none for the abundances.
    while sum(found.values()) >= train.epochs:
        found[max(found, key=found.get)] -= 1
    found["abundances"] = train.epochs - sum(found.values())
    return {name: found[name] for name in NAMES}


def batch_size(train: Train, stage: str) -> int:
    """Stars in a batch."""
    if stage in ("atmosphere", "abundances"):
        return train.batch_size
    return train.fast.quantiles_batch if stage == "quantiles" else train.fast.spectra_batch


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


def reading_losses(players: Players, stars: FastStars, x: torch.Tensor, w: torch.Tensor) -> dict[str, torch.Tensor]:
    """x (n, 5): refined latents and w; w (n, 2): the straight line's reading of them."""
    linear = torch.nn.functional.mse_loss(players.vae.bent(x, w), stars.u)
    return {"linear": linear, "total": linear}


def quantile_losses(players: Players, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """y (n, 5): finished latents and w."""
    return {"total": -players.vae.quantiles.log_density(y).mean()}


def straightening_losses(
    players: Players, x: torch.Tensor, ends: torch.Tensor, fixed: torch.Tensor, weight: torch.Tensor
) -> dict[str, torch.Tensor]:
    """x (n, 5): refined; `ends` (n, e, 2, 5): it, moved along each direction and back.

    `fixed` (n, e, 2, 3): latents at the ends, as quantiles left them; `weight` (n, e).
    """
    model = players.vae
    latents = shifted(fixed.flatten(0, 2), model.shift(ends.flatten(0, 2)))
    z = model.scale(latents)[0][:, straightening.STRAIGHTENED].unflatten(0, fixed.shape[:3])
    changes = (z[:, :, 0] - z[:, :, 1]) / (2 * straightening.STEP)
    return {"total": straightening.loss(changes, weight, model.shift(x))}


def spectrum_losses(players: Players, stars: FastStars, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """x (n, 5): refined latents and w, which the decoders cannot move.

    The decoders learn from the scores, which hold the noise of k components instead of p pixels.
    """
    model = players.vae
    total = x.new_zeros(())
    for name, scores in model.decoded_scores(model.hidden(x)).items():
        squares = (((stars.scores - scores) @ players.forms[name]) ** 2).sum(dim=1)
        # In units of what the noise of the scores adds. The root, not its logarithm, which would give up the stars
        # that fit worst, nor the square, which would serve them alone: the sum of the relative errors.
        noise = (players.forms[name] ** 2).sum() * stars.noise[:, 0] ** 2
        total = total + (1 + squares / noise).sqrt().mean()
    return {"total": total}


@torch.no_grad()
def likelihood(players: Players, stars: FastStars, x: torch.Tensor) -> torch.Tensor:
    """The published reconstruction loss, of the pixels: for the history, since it costs as much as a step."""
    good = stars.good.expand_as(stars.flux)
    return losses.negative_log_likelihood(players.vae.decode(x), stars.flux, stars.sigma, good).mean()


@torch.no_grad()
def fit_details(players: Players, stars: FastStars, x: torch.Tensor) -> None:
    """What the components leave out, from the decoders' hidden layers, by least squares on the pixels.

    A component is worth its noise only where many stars share it. Here the noise of a pixel is averaged over all stars.
    """
    model = players.vae
    for line in model.details.values():
        line.weight.zero_()
        line.bias.zero_()
    # In blocks: the flux that is decoded is as large as that which was observed.
    decoded = torch.cat([model.decode(block) for block in x.split(BLOCK)])
    residual = torch.where(stars.good.expand_as(stars.flux), stars.flux - decoded, 0.0)
    # A star that fits badly weighs as little as in the decoders' own loss.
    weight = 1 / ((residual / stars.sigma) ** 2).mean(dim=1, keepdim=True).clamp(min=1)
    hidden = model.hidden(x)
    for name, own in model.own_pixels(residual).items():
        layers.fit_line(model.details[name], hidden[name], own, DETAILS_RIDGE, weight)


@torch.no_grad()
def fit_rereading(players: Players, stars: FastStars, x: torch.Tensor) -> None:
    """Teff and log g from refined x (n, 5): what networks read of 96 scores with their noise, these tell better."""
    layers.fit_line(players.vae.reread, players.vae.rereading(x), stars.u, REREAD_RIDGE)


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
