"""Reconstruction error against the number of training stars, at a low and a high S/N: App. F and Fig. F.1 of the paper.

A catalog's clean spectra get new noise of the S/N asked for, a model is trained on so many of its training stars, and
measured on test stars. A smaller training set is part of a larger one, and a star's noise differs between two S/N by a
factor alone.
"""

from __future__ import annotations

import json
import logging
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from halochem import files, provenance, seeds, split
from halochem.config import Config
from halochem.errors import UserError
from halochem.evaluate import metrics
from halochem.evaluate.number import Number
from halochem.files import Catalog

log = logging.getLogger("halochem")

SCHEMA_VERSION = 1
SPREAD = 0.2  # of the S/N among stars, relative: N(20, 4) and N(100, 20) in the paper
LOWEST = 0.1  # of the S/N asked for: what the spread's far tail is cut at
TEST_STARS = 2000  # their mean error is then known to 1 or 2 %


def measure(path: Path, config: Config, stars: int, snr: float, steps: int | None, folder: Path) -> dict[str, Any]:
    """Train on `stars` training stars of the catalog at this S/N, in `folder`, and measure: what `write` writes.

    Every training takes as many steps of the optimiser, `steps` or as many as train.epochs are for all training stars,
    so that the size of the training set is all that differs. Raises UserError where there are not so many stars.
    """
    from halochem.train import loop, model_files

    start = time.monotonic()
    catalog = files.read_catalog(path)
    if catalog.flux_clean is None:
        raise UserError(f"{path}: /flux_clean is missing; new noise needs spectra without any")
    is_train = split.is_train(catalog.seed, len(catalog.status), config.train.train_fraction)
    train = _first(catalog, np.flatnonzero(is_train & catalog.usable), "train")
    test = np.sort(_first(catalog, np.flatnonzero(~is_train & catalog.usable), "test")[:TEST_STARS])
    if not 0 < stars <= len(train) or not len(test):
        raise UserError(f"{path}: {len(train)} training stars with a spectrum; a training on {stars} is impossible")
    settings, steps = same_steps(config, stars, len(train), steps)
    noisy = with_noise(catalog, np.sort(np.concatenate([train[:stars], test])), snr)
    clean = catalog.flux_clean[test]
    loop.fit(noisy, settings, folder)
    model = model_files.load(folder)
    found = errors(model, noisy, test, clean)
    return {
        "schema_version": SCHEMA_VERSION,
        "seed": catalog.seed,
        "stars": stars,
        "snr": snr,
        "steps": steps,
        "epochs": settings.train.epochs,
        "seconds": round(time.monotonic() - start, 1),
        "device": model.document["training"]["device"],
        "preset": settings.train.preset,
        **{name: number.to_json() for name, number in found.items()},
        "attributes": provenance.attributes(settings, catalog.seed, "train"),
    }


def _first(catalog: Catalog, rows: np.ndarray, which: str) -> np.ndarray:
    """The rows in the order of their draws."""
    draws = seeds.uniform_table(catalog.seed, f"evaluate/training-sizes/{which}", rows, 1)[:, 0]
    return rows[np.argsort(draws, kind="stable")]


def same_steps(config: Config, stars: int, most: int, steps: int | None) -> tuple[Config, int]:
    """The configuration with as many epochs for `stars` stars as make `steps` steps; that number of steps.

    None: as many as train.epochs make with `most` stars. The adversary's steps stay at the same shares of the training.
    """
    from halochem.train.stages import NAMES

    train = config.train
    steps = steps or train.epochs * _batches(config, most)
    fewest = len(NAMES) if train.preset == "fast" else 1  # one for each of its stages
    epochs = max(fewest, round(steps / _batches(config, stars)))
    share = epochs / train.epochs
    weights: dict[int, Any] = {}  # steps that fall on one epoch: the last holds
    for step in train.adversary_weight:
        weights[round(step.from_epoch * share)] = step.model_copy(update={"from_epoch": round(step.from_epoch * share)})
    # Every epoch of a small set would be validated and saved else, which costs more than its training.
    rarer = {name: max(1, round(getattr(train, name) * share)) for name in ("validate_every", "checkpoint_every")}
    changed = train.model_copy(update={"epochs": epochs, "adversary_weight": tuple(weights.values()), **rarer})
    return config.model_copy(update={"train": changed}), epochs * _batches(config, stars)


def _batches(config: Config, stars: int) -> int:
    return math.ceil((stars - round(config.train.validation_fraction * stars)) / config.train.batch_size)


def with_noise(catalog: Catalog, rows: np.ndarray, snr: float) -> Catalog:
    """The catalog with new noise in these rows, and no other star with a spectrum (which `usable` says)."""
    assert catalog.flux_clean is not None
    n, p = catalog.flux_clean.shape
    flux = np.zeros((n, p), np.float32)  # rows never written take no memory
    sigma = np.ones((n, 1), np.float32)
    status = np.full(n, files.STATUS_FAILED, np.uint8)
    labels = catalog.labels.copy()
    for row in rows:
        draw = seeds.normals(catalog.seed, "evaluate/training-sizes/snr", int(row), 1)[0]
        of_star = snr * max(1 + SPREAD * draw, LOWEST)
        noise = seeds.normals(catalog.seed, "evaluate/training-sizes/noise", int(row), p)
        flux[row] = catalog.flux_clean[row] + noise / of_star
        sigma[row] = 1 / of_star
        labels.loc[row, "snr"] = of_star
    status[rows] = files.STATUS_OK
    return replace(catalog, flux=flux, sigma=sigma, labels=labels, status=status, flux_clean=None, mask=None)


def errors(model: Any, noisy: Catalog, test: np.ndarray, clean: np.ndarray) -> dict[str, Number]:
    """relative_l2 against the clean flux (m, p) of the test rows (m,), and `noise`, what the spectra are off by."""
    from halochem.encode import latents

    pixels = model.pixels
    rebuilt = latents.infer(model, noisy.flux[test]).reconstruction
    seen, clean = noisy.flux[np.ix_(test, pixels)], clean[:, pixels]
    return {
        "relative_l2": metrics.mean(np.sqrt(latents.relative_l2(rebuilt, clean))),
        "noise": metrics.mean(np.sqrt(latents.relative_l2(seen, clean))),
    }


# --- the files ------------------------------------------------------------------------------------------

COLUMNS = ("snr", "stars", "relative_l2", "spread", "noise", "catalogs", "test_stars", "steps", "seconds")


def write(result: dict[str, Any], path: Path) -> None:
    """Write one training's JSON."""
    with files.atomic(path) as temporary:
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def collect(paths: list[Path]) -> pd.DataFrame:
    """COLUMNS of the trainings in these files, a row for each S/N and size.

    `relative_l2` and `noise` are means over the catalogs; `spread` is the standard deviation over them, of one catalog
    the standard error from its test stars; `seconds` of one training.
    """
    found = [_read(path) for path in paths]
    rows = []
    for snr, stars in sorted({(each["snr"], each["stars"]) for each in found}):
        same = [each for each in found if (each["snr"], each["stars"]) == (snr, stars)]
        of_seed = [each["seed"] for each in same]
        if len(set(of_seed)) < len(of_seed):
            raise UserError(f"--training-sizes: S/N {snr:g}, {stars} stars is there twice of a seed; give each once")
        numbers = {name: [Number.from_json(each[name]) for each in same] for name in ("relative_l2", "noise")}
        values = {name: np.array([number.value for number in each], float) for name, each in numbers.items()}
        several = len(same) > 1
        rows.append(
            {
                "snr": float(snr),
                "stars": int(stars),
                "relative_l2": values["relative_l2"].mean(),
                "spread": values["relative_l2"].std(ddof=1) if several else numbers["relative_l2"][0].error,
                "noise": values["noise"].mean(),
                "catalogs": len(same),
                "test_stars": sum(number.n for number in numbers["relative_l2"]),
                "steps": round(np.mean([each["steps"] for each in same])),
                "seconds": float(np.mean([each["seconds"] for each in same])),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem evaluate --training-size-of CATALOG` makes one")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema_version"] != SCHEMA_VERSION:
            raise UserError(f"{path}: schema version {values['schema_version']}, expected {SCHEMA_VERSION}")
        return {name: values[name] for name in (*("seed", "stars", "snr", "steps", "seconds"), "relative_l2", "noise")}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not of `halochem evaluate --training-size-of` ({error!r}); make it anew") from None


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Write `path` (Parquet) and the same as Markdown beside it; returns the latter's path."""
    with files.atomic(path) as temporary:
        frame.to_parquet(temporary, index=False)
    page = path.with_suffix(".md")
    with files.atomic(page) as temporary:
        temporary.write_text(markdown(frame), encoding="utf-8")
    return page


def markdown(frame: pd.DataFrame) -> str:
    """The table as a page."""
    several = int(frame["catalogs"].max()) > 1
    lines = [
        "# Reconstruction error against the size of the training set",
        "",
        "Mean relative L² error of test stars against their clean flux (App. F, Fig. F.1 of the paper); ± is "
        + ("the standard deviation over catalogs" if several else "one standard error from the scatter among the stars")
        + ". Noise: what the spectra themselves are off by.",
        "",
        "| S/N | training stars | error | noise | test stars | catalogs | steps | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in frame.itertuples():
        lines.append(
            f"| {row.snr:g} | {row.stars} | {row.relative_l2:.4f} ± {row.spread:.4f} | {row.noise:.4f} | "
            f"{row.test_stars} | {row.catalogs} | {row.steps} | {row.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def read_table(path: Path) -> pd.DataFrame:
    """The frame of `collect` from its file."""
    if not path.is_file():
        raise UserError(f"{path}: no such table; `halochem evaluate --training-sizes A.json … --out {path}` makes one")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew") from None
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; make it anew with `halochem evaluate`")
    return frame
