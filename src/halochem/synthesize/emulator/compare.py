"""A few stars of an emulated catalog computed directly: what a run shows of its own spectra."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from halochem import files, seeds
from halochem.config import Config
from halochem.errors import UserError
from halochem.files import STAR_LABELS, STATUS_FAILED
from halochem.synthesize import chunk, engines
from halochem.synthesize.turbospectrum import Star


def chosen(labels: pd.DataFrame, seed: int, count: int) -> np.ndarray:
    """Rows of the stars to compare, ascending: one at random out of each `count`th of the order in Teff."""
    order = np.argsort(labels["teff"].to_numpy(), kind="stable")
    pieces = np.array_split(order, min(count, len(order)))
    picks = seeds.uniforms(seed, "emulator check", 0, len(pieces))
    return np.sort([piece[int(pick * len(piece))] for piece, pick in zip(pieces, picks, strict=True)])


def compare(catalog: Path, config: Config, engine_json: Path, count: int, jobs: int = 1) -> dict:
    """Differences emulator - direct of `count` stars of a catalog, ready for JSON.

    Raises UserError where the catalog was not emulated.
    """
    with files.open_hdf5(catalog, "observe") as file:
        if "emulator_sha256" not in file.attrs:
            raise UserError(f"{catalog}: its spectra are not the emulator's; there is nothing to check")
        columns = {name: file["labels"][name][:] for name in STAR_LABELS}
        labels = pd.DataFrame({"star_id": file["labels/star_id"].asstr()[:], **columns})
        rows = chosen(labels, int(file.attrs["seed"]), count)
        emulated, made = file["flux_clean"][rows], dict(file.attrs)
    engine = engines.make(as_direct(config), engine_json)
    stars = [Star(*(float(labels.iloc[row][name]) for name in STAR_LABELS)) for row in rows]
    with ThreadPoolExecutor(jobs) as pool:
        direct = list(pool.map(lambda star: chunk.compute(star, engine, emulated.shape[1]), stars))
    differ = {name: str(made[name]) for name, value in engine.settings.items() if name in made and made[name] != value}
    return {
        "catalog": catalog.name,
        "direct": engine.settings,
        # Where the direct spectra of today are not those the emulator was fitted to.
        "fitted_to_other": {name: value for name, value in differ.items() if name not in ("engine", "compiler")},
        "stars": [_row(labels.iloc[row], flux, one) for row, flux, one in zip(rows, emulated, direct, strict=True)],
    }


def as_direct(config: Config) -> Config:
    """The configuration with Turbospectrum in the emulator's place."""
    return config.model_copy(update={"synthesis": config.synthesis.model_copy(update={"engine": "turbospectrum"})})


def _row(labels: pd.Series, emulated: np.ndarray, direct: chunk.Spectrum) -> dict:
    row = {"star_id": str(labels["star_id"]), **{name: float(labels[name]) for name in STAR_LABELS}}
    if direct.status == STATUS_FAILED:
        return {**row, "failed": direct.reason, "rms": None, "largest": None}
    off = emulated - direct.flux
    return {**row, "failed": "", "rms": float(np.sqrt((off**2).mean())), "largest": float(np.abs(off).max())}
