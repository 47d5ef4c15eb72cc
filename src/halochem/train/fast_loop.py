"""The training loop of preset `fast`: stages of `stages.py`, one after another.

As in loop.py, every random number is a function of the catalog's seed and the epoch, so a run that was interrupted and
resumed gives the weights of one that was not, bit by bit on a CPU.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from halochem import files, progress, regions, responses, seeds
from halochem.config import Config, Train
from halochem.errors import UserError
from halochem.files import Catalog
from halochem.responses import Responses
from halochem.sample.halo import halo_density
from halochem.train import (
    acceleration,
    checkpoint,
    components,
    data,
    fast,
    fast_data,
    filters,
    halo_scale,
    model_files,
    optimise,
    stages,
    straightening,
)
from halochem.train import adversary as adversaries
from halochem.train.data import Scaler
from halochem.train.decoders import LATENTS
from halochem.train.fast_data import FastStars
from halochem.train.history import History, row
from halochem.train.moments import Moments
from halochem.train.stages import Players

log = logging.getLogger("halochem")
COLLAPSED = 0.3  # of a latent's standard deviation over the stars, 1 by construction
WATCHED = 1000  # training stars whose pixels are looked at in an epoch of the decoders
LOST = 0.3  # of its correlation with the linear estimate of its element


@dataclass
class Training:
    """All that a run needs beside its configuration."""

    players: Players
    optimisers: dict[str, list[torch.optim.Optimizer]]  # by stage, and `adversary`
    stars: FastStars
    watched: FastStars
    train: Train
    seed: int
    scaler: Scaler
    responses: Responses
    answers: straightening.Answers | None = None  # learnt from the responses when straightening begins

    @property
    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        networks = {"vae": self.players.vae, "moments": self.players.moments, "adversary": self.players.adversary}
        optimisers = {
            f"{name}_optimiser" if k == 0 else f"{name}_hidden_optimiser": optimiser
            for name, each in self.optimisers.items()
            for k, optimiser in enumerate(each)
        }
        return {"networks": networks, "optimisers": optimisers}


def prepare(catalog: Catalog, config: Config, masks: dict, rows: np.ndarray, validation: np.ndarray) -> Training:
    """Components, filters, networks and stars, on the configured device."""
    train, seed = config.train, catalog.seed
    device = data.choose_device(train.device)
    table = responses.load(train.fast.responses)
    table.check_grid(catalog.wavelength, train.fast.responses)
    model = fast.build(masks, train, seed)
    bad = None if catalog.mask is None else catalog.mask[rows].astype(bool)
    components.fit(model.components, catalog.flux[rows], bad, fast_data.typical_noise(catalog, rows), seed)
    if train.fast.latent_scale == "halo":
        model.scale.fill(halo_scale.halo_nodes(halo_density(config.sample)))
    basis, noise = model.components.basis.double().numpy(), model.components.noise.item()
    found = filters.measure(table, basis, noise, train.fast.filters, train.fast.suppression)
    scaler = data.fit_scaler(catalog, rows)
    edges = data.class_edges(catalog, rows, scaler, train)
    stars, watched = (
        fast_data.tensors(catalog, chosen, model, scaler, edges, found).to(device) for chosen in (rows, validation)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed(seed, "train/adversary"))
        opponent = adversaries.Adversary()
    memory = Moments(fast.N_LATENT, train.fast.moments, stars.polynomials.shape[1])
    forms = {name: form.to(device) for name, form in stages.pixel_forms(model).items()}
    players = Players(model.to(device), memory.to(device), opponent.to(device), found.to(device), forms)
    optimisers = {name: stages.optimisers(players, name, train) for name in stages.NAMES}
    optimisers["adversary"] = [torch.optim.Adam(opponent.parameters())]
    return Training(players, optimisers, stars, watched, train, seed, scaler, table)


@torch.no_grad()
def settled(training: Training, stage: str, stars: FastStars) -> dict[str, torch.Tensor]:
    """What earlier stages have settled of some stars.

    w (m, 2) for the abundances, latents and w, x (m, 5), for generators, reading and decoders, and the finished y for
    quantiles.
    """
    model = training.players.vae
    if stage == "atmosphere":
        return {}
    if stage == "abundances":
        return {"w": model.read_atmosphere(stars.scores)}
    if stage == "manifold":
        return {"x": model.read(stars.scores)}
    x, _ = model.settle(stars.scores, stages.GENERATORS.index("manifold" if stage == "refinement" else "refinement"))
    if stage == "reading":
        return {"x": x, "w": model.reread(model.rereading(x))}
    if stage == "straightening":
        return directions(training, x)
    return {"y": model.finish(x)} if stage == "quantiles" else {"x": x}


def directions(training: Training, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Along what carbon's latent must not change, at refined x (n, 5): see `stages.straightening_losses`."""
    model = training.players.vae
    y = model.finish(x)
    read = training.scaler.restore(y[:, fast.N_LATENT :].cpu().numpy())
    labels = straightening.labels_of(read, model.scale(model.quantiles(y))[0])
    answers = training.answers(labels)[:, straightening.ALONG]
    step, weight = straightening.steps(model.generate, x, answers, model.components.noise)
    sides = straightening.STEP * torch.tensor([1.0, -1.0], device=x.device)[:, None]
    ends = x[:, None, None] + step[:, :, None] * sides
    # In blocks: four times as many rows as stars.
    latents = [model.quantiles(model.finish(block)) for block in ends.flatten(0, 2).split(stages.BLOCK)]
    fixed = torch.cat(latents).unflatten(0, ends.shape[:3])
    return {"x": x, "ends": ends, "fixed": fixed, "weight": weight}


def batch_losses(
    training: Training,
    stage: str,
    stars: FastStars,
    known: dict[str, torch.Tensor],
    generator: torch.Generator,
    weight: float,
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """The losses of a batch, and the latents' means where they are learnt. Noise is drawn from `generator`."""
    players, train = training.players, training.train
    if stage == "spectra":
        return stages.spectrum_losses(players, stars, **known), None
    if stage == "reading":
        return stages.reading_losses(players, stars, **known), None
    if stage == "quantiles":
        return stages.quantile_losses(players, **known), None
    if stage == "straightening":
        return stages.straightening_losses(players, **known), None
    if stage in stages.GENERATORS:
        return stages.generator_losses(players, stars, known["x"], stage), None
    draw = torch.randn(stars.scores.shape, generator=generator).to(stars.scores.device)
    seen = stars.scores + train.fast.extra_noise * stars.noise * draw
    if stage == "atmosphere":
        return stages.atmosphere_losses(players, stars, seen), None
    draw = torch.randn(len(stars), fast.N_LATENT, generator=generator).to(seen.device)
    return stages.abundance_losses(players, stars, seen, known["w"], draw, train, weight)


def train_epoch(training: Training, epoch: int, known: dict[str, torch.Tensor]) -> tuple[dict[str, float], float]:
    """One pass over the stars, in batches of nearly equal size. Returns the mean losses and the last rate."""
    train, stars = training.train, training.stars
    stage, inside, length = stages.locate(train, epoch)
    generator = torch.Generator().manual_seed(seeds.torch_seed(training.seed, f"train/epoch/{epoch}"))
    order = torch.randperm(len(stars), generator=generator).to(stars.scores.device)
    size = stages.batch_size(train, stage)
    n_batches = math.ceil(len(stars) / size)
    weight = stages.adversary_weight(train, epoch)
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    for k, rows in enumerate(order.tensor_split(n_batches)):
        step, steps = inside * n_batches + k, length * n_batches
        rate = optimise.set_rates(training.optimisers[stage], step, steps, stages.rates(train, stage))
        optimise.set_rates(training.optimisers["adversary"], step, steps, [train.max_learning_rate])
        batch, settled_here = stars.batch(rows), {name: tensor[rows] for name, tensor in known.items()}
        values, means = batch_losses(training, stage, batch, settled_here, generator, weight)
        optimise.descend(training.optimisers[stage], values["total"])
        if means is not None:
            values["classification"] = stages.watch(training.players, batch, means)
            optimise.descend(training.optimisers["adversary"], values["classification"])
        if stage == "spectra" and counts.get("reconstruction", 0) < WATCHED:
            values["reconstruction"] = stages.likelihood(training.players, batch, **settled_here)
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value.detach() * len(rows)
            counts[name] = counts.get(name, 0) + len(rows)
    return {name: (value / counts[name]).item() for name, value in sums.items()}, rate


@torch.no_grad()
def evaluate(training: Training, epoch: int) -> dict[str, float]:
    """The losses over the validation stars, with the same noise in each epoch and the moments left alone."""
    stage, *_ = stages.locate(training.train, epoch)
    generator = torch.Generator().manual_seed(seeds.torch_seed(training.seed, "train/validation"))
    memory = training.players.moments.running.clone()
    known = settled(training, stage, training.watched)
    weight = stages.adversary_weight(training.train, epoch)
    values, means = batch_losses(training, stage, training.watched, known, generator, weight)
    if means is not None:
        values["classification"] = stages.watch(training.players, training.watched, means)
    if stage == "spectra":
        values["reconstruction"] = stages.likelihood(training.players, training.watched, **known)
    training.players.moments.running.copy_(memory)
    return {name: value.item() for name, value in values.items()}


@torch.no_grad()
def begin(training: Training, stage: str, inside: int, out: Path) -> dict[str, torch.Tensor]:
    """What a stage finds settled, in its epoch `inside`.

    After the stage of abundances the latents are turned, and looked at. The second generator sets out from the first,
    the decoders from the second.
    """
    model, stars = training.players.vae, training.stars
    if stage == "refinement" and inside == 0:
        model.generators[1].load_state_dict(model.generators[0].state_dict())
    if stage == "reading" and inside == 0:
        stages.fit_rereading(training.players, stars, model.settle(stars.scores)[0])
    if stage == "straightening":
        components = model.components
        training.answers = straightening.learn_answers(
            training.responses, components.basis.double().cpu().numpy(), components.noise.item(), training.seed
        ).to(components.basis.device)
    if stage == "spectra" and inside == 0:
        for decoder in model.decoders.values():
            decoder.load_state_dict(model.generators[1].state_dict())
    if stage == "manifold":
        means = model.latents(stars.scores, model.read_atmosphere(stars.scores))[0]
        alignment = stages.fit_signs(training.players, stars, means)
        for name, width, r in zip(LATENTS, means.std(dim=0).tolist(), alignment, strict=True):
            log.info("train: %s follows the linear estimate of its element with r %.2f", name, r)
            if width < COLLAPSED or r < LOST:
                log.warning(
                    "train: %s: %s has lost its element (r %.2f, standard deviation %.2f, not 1); "
                    "train for more epochs, or with a lower train.adversary_weight",
                    *(out, name, r, width),
                )
    return settled(training, stage, training.stars)


def identity(catalog: Catalog, config: Config, masks: dict) -> dict[str, Any]:
    """What a checkpoint must share with the training that resumes it."""
    section = config.dump()["train"]
    for name in checkpoint.IRRELEVANT:
        del section[name]
    del section["fast"]["responses"]
    sample = config.dump()["sample"]
    return {
        "train": section,
        "seed": catalog.seed,
        "wavelength": model_files.grid_document(catalog.wavelength),
        "regions": model_files.masks_hash(masks),
        "responses": files.sha256(config.train.fast.responses),
        "density": {name: sample[name] for name in ("p_table", "q_table", "bandwidth")},
        "catalog": model_files.flux_hash(catalog),
    }


@acceleration.one_thread()
def fit(catalog: Catalog, config: Config, out: Path, report: Callable, stop_after: int | None = None) -> None:
    """`loop.fit` for preset fast. `report(epoch, losses, validation)` is told of every epoch."""
    train = config.train
    intervals = regions.of(train)
    masks = regions.pixel_masks(intervals, catalog.wavelength, train.regions)
    rows, validation = data.select(catalog, train)
    training = prepare(catalog, config, masks, rows, validation)
    who = identity(catalog, config, masks)
    done, lines = checkpoint.load(out, **training.parts, identity=who)
    log.info(
        "train: %d stars, %d to validate, %d components, %d decoder pixels, %d parameters%s",
        len(rows), len(validation), len(training.players.vae.components.spread), len(training.players.vae.pixels),
        training.players.vae.count_parameters()["total"], f", going on from epoch {done}" if done else "",
    )  # fmt: skip
    history = History.begin(out, lines, train)
    until = train.epochs if stop_after is None else min(train.epochs, done + stop_after)
    stage, known = "", {}
    for epoch in progress.track(range(done, until), until - done, f"train {out.name}", every_seconds=math.inf):
        start = time.monotonic()
        if stages.locate(train, epoch)[0] != stage:
            stage, inside, _ = stages.locate(train, epoch)
            known = begin(training, stage, inside, out)
        means, rate = train_epoch(training, epoch, known)
        if not all(map(math.isfinite, means.values())):
            raise UserError(
                f"{out}: the loss is not finite in epoch {epoch}; lower train.max_learning_rate and --restart"
            )
        last_of_stage = epoch + 1 == train.epochs or stages.locate(train, epoch + 1)[0] != stage
        due = len(validation) and (last_of_stage or (epoch + 1) % train.validate_every == 0)
        checked = evaluate(training, epoch) if due else None
        weight = stages.adversary_weight(train, epoch)
        seconds = time.monotonic() - start
        history.append(row(epoch, means, checked, rate, weight, seconds))
        report(epoch, means, checked)
        if epoch + 1 < train.epochs and ((epoch + 1) % train.checkpoint_every == 0 or epoch + 1 == until):
            checkpoint.save(out, **training.parts, identity=who, epoch=epoch + 1, history=history.rows)
    if until == train.epochs:
        stages.fit_details(training.players, training.stars, **settled(training, "spectra", training.stars))
        _finish(training, catalog, config, out, masks, intervals, history, who)


def _finish(training, catalog, config, out, masks, intervals, history: History, who: dict) -> None:
    """Write the model."""
    train = config.train
    rows, validation = data.select(catalog, train)
    more = {
        "seed": catalog.seed,
        "catalog": {"seed": catalog.seed, "stars": len(catalog.status), "flux_sha256": who["catalog"]},
        "training": {"stars": len(rows), "validation_stars": len(validation), "epochs": train.epochs,
                     "train_fraction": train.train_fraction, "device": str(training.players.vae.fill.device),
                     "stages": stages.lengths(train), "responses_sha256": who["responses"]},
        "metrics": history.last_values(),
    }  # fmt: skip
    model_files.save(out, training.players.vae, catalog.wavelength, training.scaler, intervals, masks, config, more)
    (out / checkpoint.NAME).unlink(missing_ok=True)
