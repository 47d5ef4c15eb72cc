"""Fit the emulator: principal components of the training spectra, and an ensemble of networks for their coefficients.

The components are orthonormal, so a residual in coefficients is the residual in flux: nothing of (n, p) is touched
while training. Each member's loss is the mean over stars of sqrt(ms + SOFT^2), ms the mean square of the flux residual
over the pixels: the typical star counts, not the few worst. A finished member is kept in the work folder, so that a
stopped fit goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from halochem import __version__, files, progress, seeds
from halochem.config import Spectrum
from halochem.errors import UserError
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.domain import box
from halochem.synthesize.emulator.features import features, matrix
from halochem.synthesize.emulator.store import Spectra
from halochem.wavelengths import pixel_grid

log = logging.getLogger("halochem")

SOFT = 1e-3  # flux; half the target of 0.002


@dataclass(frozen=True)
class Settings:
    """How a fit is done; the defaults are those of the shipped emulator (docs/emulator.md says why)."""

    components: int = 160
    hidden: int = 320
    layers: int = 4  # weight matrices, the last one linear
    members: int = 4
    epochs: int = 800
    batch_size: int = 32
    max_learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    seed: int = 0


def fit(
    spectra: Spectra,
    spectrum: Spectrum,
    settings: Settings,
    work: Path,
    structures: Mapping[str, np.ndarray] | None = None,
) -> model.Emulator:
    """The emulator of the training stars in `spectra`. Raises UserError where they are too few or of another grid.

    `structures`: the c3k network (`c3k.C3K.arrays`) for features of the structures; the emulator carries it.
    """
    if not np.array_equal(spectra.wavelength, pixel_grid(spectrum)):
        raise UserError("the spectra's pixels are not those of spectrum.* in the configuration; give theirs: --config")
    train = spectra.subset(~spectra.test & spectra.computed)
    k = min(settings.components, len(train.status) - 1)
    if k < 2:
        raise UserError(f"{len(train.status)} training spectra are too few to fit anything; pack more")
    mean, basis = components(train.flux, k)
    target = model.project(train.flux - mean, basis)
    inputs = features(matrix(train.labels), structures)
    centre, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    arrays = {
        "wavelength": spectra.wavelength,
        "mean": mean,
        "basis": basis,
        "feature_mean": centre,
        "feature_scale": scale,
    }
    arrays |= {model.STRUCTURES + name: values for name, values in (structures or {}).items()}
    x = ((inputs - centre) / scale).astype(np.float32)
    digest = hashlib.sha256(x.tobytes()).hexdigest()
    key = json.dumps([spectra.digest, digest, asdict(settings)], sort_keys=True)
    for member in range(settings.members):
        weights = _member(x, target, len(mean), settings, member, work, key)
        arrays |= {f"member{member}.{name}": values for name, values in weights.items()}
    return model.Emulator(arrays, _document(spectra, spectrum, settings))


def components(flux: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and first k principal components (k, p) of spectra (n, p): float32, as they will be stored."""
    mean = flux.mean(axis=0, dtype=np.float64)
    offset = flux - mean
    # Of the smaller of the two Gram matrices: n is at most about p, and an SVD of (n, p) would take minutes.
    _, vectors = np.linalg.eigh(offset @ offset.T)
    leading = vectors[:, ::-1][:, :k].T @ offset
    basis, _ = np.linalg.qr(leading.T)
    return mean.astype(np.float32), np.ascontiguousarray(basis.T).astype(np.float16).astype(np.float32)


def _member(x, target, n_pixels: int, settings: Settings, member: int, work: Path, key: str) -> dict[str, np.ndarray]:
    digest = hashlib.sha256(f"{key}{member}".encode()).hexdigest()[:16]
    kept = work / f"member-{digest}.safetensors"
    if kept.is_file():
        log.info("member %d was fitted before", member)
        return load_file(kept)
    weights = _train(x, target, n_pixels, settings, member)
    with files.atomic(kept) as temporary:
        save_file(weights, temporary)
    return weights


def _train(x: np.ndarray, target: np.ndarray, n_pixels: int, settings: Settings, member: int) -> dict[str, np.ndarray]:
    import torch

    generator = torch.Generator().manual_seed(seeds.torch_seed(settings.seed, f"emulator member {member}"))
    spread = target.std(axis=0).astype(np.float32)
    net = _network(x.shape[1], target.shape[1], settings, generator)
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(target.astype(np.float32))
    unit = torch.from_numpy(spread)
    n, size = len(x), settings.batch_size
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.max_learning_rate, settings.epochs * -(-n // size)
    )
    for _ in progress.track(range(settings.epochs), settings.epochs, f"epochs of member {member}"):
        for batch in torch.randperm(n, generator=generator).split(size):
            residual = net(inputs[batch]) * unit - wanted[batch]
            loss = (residual.square().sum(dim=1) / n_pixels + SOFT**2).sqrt().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    linear = [module for module in net if isinstance(module, torch.nn.Linear)]
    weights = {f"weight{i}": module.weight.detach().T.numpy() for i, module in enumerate(linear)}
    weights |= {f"bias{i}": module.bias.detach().numpy() for i, module in enumerate(linear)}
    last = len(linear) - 1
    weights[f"weight{last}"] = weights[f"weight{last}"] * spread
    weights[f"bias{last}"] = weights[f"bias{last}"] * spread
    return {name: np.ascontiguousarray(values, np.float32) for name, values in weights.items()}


def _network(n_in: int, n_out: int, settings: Settings, generator):
    import torch

    sizes = [n_in, *[settings.hidden] * (settings.layers - 1), n_out]
    modules = []
    for layer in range(settings.layers):
        linear = torch.nn.Linear(sizes[layer], sizes[layer + 1])
        bound = sizes[layer] ** -0.5
        with torch.no_grad():
            for parameter in (linear.weight, linear.bias):
                parameter.uniform_(-bound, bound, generator=generator)
        modules += [linear, torch.nn.SiLU()]
    return torch.nn.Sequential(*modules[:-1])


def _document(spectra: Spectra, spectrum: Spectrum, settings: Settings) -> dict:
    return {
        "halochem_version": __version__,
        "limits": {name: list(pair) for name, pair in box().items()},
        "spectrum": spectrum.model_dump(mode="json"),
        "members": settings.members,
        "layers": settings.layers,
        "fit": asdict(settings),
        "stars": {
            "train": int((~spectra.test & spectra.computed).sum()),
            "train_failed": int((~spectra.test & ~spectra.computed).sum()),
            "test": int((spectra.test & spectra.computed).sum()),
        },
        "spectra_sha256": spectra.digest,
        "spectra": {name: value for name, value in spectra.attributes.items() if name != "resolution"},
    }
