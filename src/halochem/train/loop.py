"""The training loop: the encoder, decoders and linear map against the adversary.

The vae minimises L_rec + beta L_KL + L_lin - lambda L_class, the adversary L_class: Eq. 7 of Signor et al.
2025 (A&A 704, A279), with L_rec the negative of their log-likelihood.

Every random number is a function of the catalog's seed and the epoch, so a run that was interrupted and
resumed gives the weights of one that was not, bit by bit on a CPU with the same number of threads.
"""

from __future__ import annotations

import datetime
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from halochem import progress, regions, seeds
from halochem.config import Config, Train
from halochem.errors import UserError
from halochem.files import Catalog
from halochem.train import acceleration, checkpoint, data, fast_loop, losses, model_files, schedule, vae
from halochem.train import adversary as adversaries
from halochem.train.average import Average
from halochem.train.data import Stars
from halochem.train.health import FEWEST, STARS, Health
from halochem.train.history import LOSSES, History, row

log = logging.getLogger("halochem")
REPORT_SECONDS = 30.0


@dataclass
class Networks:
    """Both players, each with its optimiser, and the average of the first one's weights where it is asked for."""

    vae: vae.Vae
    adversary: adversaries.Adversary
    vae_optimiser: torch.optim.Adam
    adversary_optimiser: torch.optim.Adam
    average: Average | None = None

    @classmethod
    def build(cls, masks: dict, train: Train, seed: int, device: torch.device) -> Networks:
        """New networks on a device, with the initial weights of catalog `seed`."""
        model = vae.build(masks, train, seed).to(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.torch_seed(seed, "train/adversary"))
            opponent = adversaries.Adversary(len(train.elements)).to(device)
        optimisers = (torch.optim.Adam(network.parameters()) for network in (model, opponent))
        return cls(model, opponent, *optimisers)

    def keep_average(self, decay: float) -> None:
        """Keep an average of the weights from now on, unless `decay` is 0."""
        self.average = Average(self.vae, decay) if decay else None

    @property
    def result(self) -> vae.Vae:
        """What is looked at and saved in the end."""
        return self.average.network if self.average else self.vae

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """What a checkpoint holds."""
        average = {"average": self.average} if self.average else {}
        return {
            "networks": {"vae": self.vae, "adversary": self.adversary, **average},
            "optimisers": {
                "vae_optimiser": self.vae_optimiser,
                "adversary_optimiser": self.adversary_optimiser,
            },
        }


def objective(networks: Networks, stars: Stars, output: vae.Output, train: Train, weight: float) -> dict:
    """Each loss over some stars and their `total` as the vae sees it: name -> scalar tensor."""
    model, posterior = networks.vae, output.posterior
    good = None if stars.bad is None else ~stars.bad[:, model.pixels]
    reconstruction = losses.negative_log_likelihood(
        output.reconstruction, stars.flux[:, model.pixels], stars.sigma, good
    ).mean()
    kl = losses.kl_divergence(posterior.mean, posterior.cholesky, model.prior).mean()
    linear = torch.nn.functional.mse_loss(output.u, stars.u)
    classification = adversary_loss(networks, posterior.mean, stars, train)
    total = reconstruction + train.beta * kl + linear - weight * classification
    return dict(zip(LOSSES, (reconstruction, kl, linear, classification, total), strict=True))


def adversary_loss(networks: Networks, mean: torch.Tensor, stars: Stars, train: Train) -> torch.Tensor:
    """The adversary's cross-entropy on the posterior mean (n, 3): a scalar."""
    logits = networks.adversary(mean)
    return adversaries.cross_entropy(logits, stars.classes, train.reproduce.softmax_before_cross_entropy)


def step(networks: Networks, stars: Stars, noise: torch.Tensor, train: Train, weight: float) -> dict:
    """One step of each player on one batch: the adversary on the latents as they are, then the others."""
    output = networks.vae(stars.flux, stars.bad, noise)

    networks.adversary_optimiser.zero_grad()
    adversary_loss(networks, output.posterior.mean.detach(), stars, train).backward()
    networks.adversary_optimiser.step()

    values = objective(networks, stars, output, train, weight)
    networks.vae_optimiser.zero_grad()
    values["total"].backward()
    networks.vae_optimiser.step()
    return {name: value.detach() for name, value in values.items()}


def set_rate(networks: Networks, step_number: int, total_steps: int, maximum: float) -> float:
    """1Cycle: the rate of both optimisers for the coming step. Returns it."""
    rate, momentum = schedule.one_cycle(step_number, total_steps, maximum)
    for optimiser in (networks.vae_optimiser, networks.adversary_optimiser):
        for group in optimiser.param_groups:
            group["lr"], group["betas"] = rate, (momentum, group["betas"][1])
    return rate


def train_epoch(
    networks: Networks, stars: Stars, train: Train, seed: int, epoch: int, device: torch.device
) -> tuple[dict[str, float], float]:
    """One pass over the stars, in batches of nearly equal size. Returns the mean losses and the last rate."""
    generator = torch.Generator().manual_seed(seeds.torch_seed(seed, f"train/epoch/{epoch}"))
    order = torch.randperm(len(stars), generator=generator)
    noise = torch.randn(len(stars), len(train.elements), generator=generator).to(device)
    n_batches = math.ceil(len(stars) / train.batch_size)
    cycle = schedule.cycle_steps(train.epochs, n_batches, train.reproduce.unfinished_schedule)
    weight = schedule.adversary_weight(train.adversary_weight, epoch)
    sums = torch.zeros(len(LOSSES), device=device)
    for k, rows in enumerate(order.tensor_split(n_batches)):
        done = epoch * n_batches + k
        rate = set_rate(networks, done, cycle, train.max_learning_rate)
        values = step(networks, stars.batch(rows, device), noise[rows.to(device)], train, weight)
        if networks.average:
            networks.average.follow(networks.vae, done)
        sums += torch.stack([values[name] for name in LOSSES]) * len(rows)
    means = (sums / len(stars)).tolist()
    return dict(zip(LOSSES, means, strict=True)), rate


@torch.no_grad()
def evaluate(
    networks: Networks, stars: Stars, train: Train, seed: int, epoch: int, device: torch.device
) -> dict[str, float]:
    """The mean losses over the validation stars, with the same noise in each epoch."""
    generator = torch.Generator().manual_seed(seeds.torch_seed(seed, "train/validation"))
    noise = torch.randn(len(stars), len(train.elements), generator=generator).to(device)
    weight = schedule.adversary_weight(train.adversary_weight, epoch)
    sums = torch.zeros(len(LOSSES), device=device)
    for rows in torch.arange(len(stars)).split(train.batch_size):
        batch = stars.batch(rows, device)
        output = networks.result(batch.flux, batch.bad, noise[rows.to(device)])
        values = objective(networks, batch, output, train, weight)
        sums += torch.stack([values[name] for name in LOSSES]) * len(rows)
    return dict(zip(LOSSES, (sums / len(stars)).tolist(), strict=True))


def identity(catalog: Catalog, config: Config, masks: dict) -> dict[str, Any]:
    """What a checkpoint must share with the training that resumes it."""
    section = config.dump()["train"]
    for name in checkpoint.IRRELEVANT:
        del section[name]
    return {
        "train": section,
        "seed": catalog.seed,
        "wavelength": model_files.grid_document(catalog.wavelength),
        "regions": model_files.masks_hash(masks),
        "catalog": model_files.flux_hash(catalog),
    }


class Report:
    """A line in the log now and then; on a terminal the bar of `progress.track` says enough."""

    def __init__(self, epochs: int):
        self.epochs, self.last = epochs, time.monotonic()
        self.first: tuple[int, float] | None = None  # epoch of this call, and when it had ended

    def __call__(self, epoch: int, train: dict[str, float], validation: dict[str, float] | None) -> None:
        """Losses of an epoch: training, and validation in brackets where there is one."""
        now = time.monotonic()
        left = self._left(epoch, now)
        if epoch + 1 < self.epochs and now - self.last < REPORT_SECONDS:
            return
        self.last = now
        parts = [f"{name} {train[name]:.4g}" + (f" ({validation[name]:.4g})" if validation else "") for name in train]
        log.info("train: epoch %d of %d%s: %s", epoch + 1, self.epochs, left, ", ".join(parts))

    def _left(self, epoch: int, now: float) -> str:
        """The time that is left at the pace so far."""
        if self.first is None:
            self.first = epoch, now
        if epoch in (self.first[0], self.epochs - 1):
            return ""
        pace = (now - self.first[1]) / (epoch - self.first[0])
        return f", about {datetime.timedelta(seconds=round(pace * (self.epochs - 1 - epoch)))} left"


@torch.no_grad()
def posterior_means(networks: Networks, stars: Stars, train: Train, device: torch.device) -> np.ndarray:
    """The posterior means of the first stars, at most STARS: (m, number of latents)."""
    rows = torch.arange(min(len(stars), STARS)).split(train.batch_size)
    batches = (stars.batch(some, device) for some in rows)
    return torch.cat([networks.result.encode(b.flux, b.bad).mean for b in batches]).cpu().numpy()


def look(health: Health, epoch: int, networks: Networks, stars: Stars, train: Train, device: torch.device) -> None:
    """Have a look at the latents and the adversary over some stars."""
    means = posterior_means(networks, stars, train, device)
    some = stars.head(len(means))
    with torch.no_grad():
        logits = networks.adversary(torch.from_numpy(means).to(device)).cpu()
    loss = adversaries.cross_entropy(logits, some.classes.cpu()).item()
    health.look(epoch, means, some.u.cpu().numpy(), some.classes.cpu().numpy(), loss)


def fit(catalog: Catalog, config: Config, out: Path, stop_after: int | None = None) -> None:
    """Train a model on a catalog's training stars, from a checkpoint in the folder `out` if there is one.

    `stop_after` ends this call after so many epochs, leaving a checkpoint and no model, as an interruption
    would.
    Raises UserError on unusable input, a checkpoint of another training, or a loss that is not finite.
    """
    train, seed = config.train, catalog.seed
    if train.preset == "fast":
        return fast_loop.fit(catalog, config, out, Report(train.epochs), stop_after)
    device = data.choose_device(train.device)
    intervals = regions.of(train)
    masks = regions.pixel_masks(intervals, catalog.wavelength, train.regions)
    rows, validation_rows = data.select(catalog, train)
    scaler = data.fit_scaler(catalog, rows)
    edges = data.class_edges(catalog, rows, scaler, train)
    networks = Networks.build(masks, train, seed, device)
    bad = None if catalog.mask is None else catalog.mask[rows].astype(bool)
    vae.set_input_scaling(networks.vae, train, catalog.flux[rows], bad)
    networks.keep_average(train.average_decay)
    pixels = networks.vae.pixels.cpu().numpy()
    stars = data.place(data.tensors(catalog, rows, pixels, scaler, edges), device)
    watched = data.tensors(catalog, validation_rows, pixels, scaler, edges) if len(validation_rows) else None

    who = identity(catalog, config, masks)
    done, lines = checkpoint.load(out, **networks.parts, identity=who)
    how = acceleration.apply(networks.vae, train, device)
    counts = networks.vae.count_parameters()
    log.info(
        "train: %d stars, %d to validate, %d pixels, %d parameters, on %s%s%s",
        len(stars), len(validation_rows), len(pixels), counts["total"], device, how,
        f", going on from epoch {done}" if done else "",
    )  # fmt: skip
    history, report = History.begin(out, lines, train), Report(train.epochs)
    health = Health(out, tuple(element.latent for element in train.elements), train.epochs)
    until = train.epochs if stop_after is None else min(train.epochs, done + stop_after)
    checked = None
    for epoch in progress.track(range(done, until), until - done, f"train {out.name}", every_seconds=math.inf):
        start = time.monotonic()
        means, rate = train_epoch(networks, stars, train, seed, epoch, device)
        last = epoch + 1 == train.epochs
        if not all(map(math.isfinite, means.values())):
            raise UserError(
                f"{out}: the loss is not finite in epoch {epoch}; lower train.max_learning_rate and --restart"
            )
        due = last or (epoch + 1) % train.validate_every == 0
        checked = evaluate(networks, watched, train, seed, epoch, device) if due and watched is not None else None
        if due:
            enough = watched is not None and len(watched) >= FEWEST
            look(health, epoch, networks, watched if enough else stars, train, device)
        weight = schedule.adversary_weight(train.adversary_weight, epoch)
        history.append(row(epoch, means, checked, rate, weight, time.monotonic() - start))
        report(epoch, means, checked)
        if not last and ((epoch + 1) % train.checkpoint_every == 0 or epoch + 1 == until):
            checkpoint.save(out, **networks.parts, identity=who, epoch=epoch + 1, history=history.rows)
    if until < train.epochs:
        return
    more = {
        "seed": seed,
        "catalog": {"seed": seed, "stars": len(catalog.status), "flux_sha256": who["catalog"]},
        "training": {"stars": len(stars), "validation_stars": len(validation_rows), "epochs": train.epochs,
                     "train_fraction": train.train_fraction, "device": str(device)},
        "metrics": {"train": means, "validation": checked},
    }  # fmt: skip
    model_files.save(out, networks.result, catalog.wavelength, scaler, intervals, masks, config, more)
    (out / checkpoint.NAME).unlink(missing_ok=True)
