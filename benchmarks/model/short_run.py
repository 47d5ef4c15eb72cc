"""The published network and preset fast on the same 2000 training stars, in the same processor time: docs/model.md.

    python benchmarks/model/short_run.py --catalog results/catalogs/halo-1.h5 [--seconds 360] [--stars 2000]

On a CPU the published network passes over some thousand spectra in minutes, of the 112 million of its 4000 epochs of
28 000: what this shows is how much each scheme gets out of little, not how good the published one becomes. Processor
seconds of one thread count, so that other work on the machine does not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from halochem import config, files, split
from halochem.encode import latents
from halochem.evaluate import probes
from halochem.train import data, loop, model_files

LABELS = ("feh", "c_fe", "alpha_fe")
SMALL_BATCH = 32  # of few stars: hundreds of steps instead of a dozen
SPECTRA_BATCH = 64  # of generators and decoders
MOST_EPOCHS = 600  # of preset fast, three times the quickstart's: beyond, nothing comes
SCHEMES = {
    "published network": {"preset": "paper", "encoder": "conv", "batch_size": SMALL_BATCH},
    "published scheme, encoder mlp": {"preset": "paper", "encoder": "mlp", "batch_size": SMALL_BATCH},
    "preset fast": {"preset": "fast", "max_learning_rate": 3e-3, "batch_size": 256},
}


def few(path: Path, n_train: int, n_test: int) -> files.Catalog:
    """The first stars of a catalog, in memory: so many training stars and so many test stars that are usable."""
    with files.open_catalog(path) as whole:
        catalog = whole.block(slice(0, 2 * n_train + 4 * n_test))
        is_train = split.is_train(whole.seed, len(whole.status), config.Train().train_fraction)[: len(catalog.status)]
    usable = catalog.usable
    status = np.full(len(usable), files.STATUS_FAILED, np.uint8)
    for rows, count in ((np.flatnonzero(is_train & usable), n_train), (np.flatnonzero(~is_train & usable), n_test)):
        if len(rows) < count:
            sys.exit(f"{path}: {len(rows)} usable stars, expected {count}")
        status[rows[:count]] = 0
    return dataclasses.replace(catalog, status=status)


def settings(values: dict, epochs: int, responses: str) -> config.Config:
    """A scheme's configuration; the published steps of lambda at the same shares of the epochs."""
    steps = {0: 0.0, max(1, round(0.05 * epochs)): 1e-2, max(2, round(0.5 * epochs)): 1e-1}
    weights = [{"from_epoch": epoch, "value": value} for epoch, value in steps.items()]
    if values["preset"] == "fast":
        section = {"responses": responses, "spectra_batch": SPECTRA_BATCH}
        weights, values = [{"from_epoch": 0, "value": 3.0}], values | {"fast": section}
    train = {"epochs": epochs, "adversary_weight": weights, "validation_fraction": 0.0, "device": "cpu"}
    return config.validate({"train": train | values}, "short run")


def trained(catalog: files.Catalog, settings: config.Config, out: Path) -> tuple[model_files.Model, float]:
    """The model, and the processor seconds that its training took."""
    start = time.process_time()
    loop.fit(catalog, settings, out)
    return model_files.load(out), time.process_time() - start


def epochs_within(catalog: files.Catalog, values: dict, seconds: float, responses: str, folder: Path) -> int:
    """How many epochs take so many processor seconds, by short trials."""
    if values.get("encoder") == "conv":
        # An epoch of it takes minutes: that of 64 stars says the same.
        trial = few_of(catalog, 64)
        used = trained(trial, settings(values, 1, responses), folder / "trial")[1]
        return max(3, round(seconds / used * 64 / n_training(catalog)))
    used = [trained(catalog, settings(values, n, responses), folder / f"trial-{n}")[1] for n in (8, 16)]
    return min(MOST_EPOCHS, max(8, round(seconds * 8 / max(used[1] - used[0], 1e-3))))


def n_training(catalog: files.Catalog) -> int:
    """Usable training stars."""
    return len(data.select(catalog, settings(SCHEMES["published network"], 3, "").train)[0])


def few_of(catalog: files.Catalog, count: int) -> files.Catalog:
    """The catalog with so many of its usable training stars, and no other."""
    status = np.full(len(catalog.status), files.STATUS_FAILED, np.uint8)
    status[data.select(catalog, settings(SCHEMES["published network"], 3, "").train)[0][:count]] = 0
    return dataclasses.replace(catalog, status=status)


def numbers(model: model_files.Model, catalog: files.Catalog, seed: int = 1) -> dict:
    """r and straight-line RMSE [dex] of each latent with its abundance, leakage and relative L2, of the test stars."""
    is_train = split.is_train(catalog.seed, len(catalog.status), model.document["training"]["train_fraction"])
    found = {}
    for name, rows in {"train": is_train & catalog.usable, "test": ~is_train & catalog.usable}.items():
        found[name] = latents.infer(model, catalog.flux[rows]), catalog.labels[rows], catalog.flux_clean[rows]
    (one, known, _), (other, truth, clean) = found["train"], found["test"]
    values = {}
    for k, label in enumerate(LABELS):
        values[f"r.{label}"] = abs(np.corrcoef(other.z[:, k], truth[label])[0, 1])
        line = np.polyfit(one.z[:, k], known[label], 1)
        values[f"rmse.{label}"] = np.sqrt(np.mean((np.polyval(line, other.z[:, k]) - truth[label]) ** 2))
    for name in ("teff", "logg"):
        args = (one.z, known[name].to_numpy(float), other.z, truth[name].to_numpy(float), seed)
        values[f"r2.{name}"] = probes.boosted_r2(*args).value
    ratio = latents.relative_l2(other.reconstruction, clean[:, model.pixels])
    values["relative_l2"] = np.mean(np.sqrt(ratio))
    scaled = (other.atmosphere - truth[["teff", "logg"]].to_numpy()) / known[["teff", "logg"]].to_numpy().std(axis=0)
    values["rmse_w"] = np.sqrt(np.mean(scaled**2))
    return {name: float(value) for name, value in values.items()}


def main() -> None:
    """Train each scheme, and print the numbers as JSON, one line a scheme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument("--stars", type=int, default=2000, help="training stars (%(default)s)")
    parser.add_argument("--test-stars", type=int, default=1000, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=360, help="processor time of each training (%(default)s)")
    parser.add_argument("--schemes", nargs="+", choices=list(SCHEMES), default=list(SCHEMES), metavar="NAME")
    parser.add_argument("--responses", default="resources/responses.npz", help="for preset fast (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    catalog = few(options.catalog, options.stars, options.test_stars)
    for name in options.schemes:
        values = SCHEMES[name]
        with tempfile.TemporaryDirectory() as folder:
            epochs = epochs_within(catalog, values, options.seconds, options.responses, Path(folder))
            model, used = trained(catalog, settings(values, epochs, options.responses), Path(folder) / "model")
            line = {"scheme": name, "epochs": epochs, "spectra": epochs * options.stars, "seconds": round(used)}
            print(json.dumps(line | {key: round(v, 4) for key, v in numbers(model, catalog).items()}), flush=True)


if __name__ == "__main__":
    main()
