"""Stand-in spectra, smooth in the labels, in the files that direct ones come in: for the emulator's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from halochem import files
from halochem.config import Config, validate
from halochem.synthesize import chunk
from halochem.synthesize.emulator import design, fit, model, store
from halochem.wavelengths import pixel_grid

SETTINGS = {"seed": "0", "engine": "toy 1", "atmospheres": "c3k", "line_list_hash": "abc", "resolution": "2200"}
SMALL = fit.Settings(components=12, hidden=48, members=2, epochs=100, batch_size=32, max_learning_rate=5e-3)


def config(**synthesis) -> Config:
    """A narrow spectrum of 97 pixels."""
    return validate({"spectrum": {"wavelength": [5000.0, 5112.0]}, "synthesis": synthesis}, "test")


WAVELENGTH = pixel_grid(config().spectrum)


def flux_of(labels: np.ndarray) -> np.ndarray:
    """Flux (n, p) for labels (n, 5): lines whose depths answer to each label in its own way."""
    teff, logg, feh, c_fe, alpha_fe = labels.T[:, :, None]
    x = np.arange(len(WAVELENGTH))

    def line(centre: float, width: float) -> np.ndarray:
        return np.exp(-0.5 * ((x - centre) / width) ** 2)

    logg = np.minimum(logg, np.where(teff <= 4250.0, 5.5, 5.0))
    depth = (
        0.25 * np.tanh(0.6 * (feh + 1.5) + 0.4) * line(15, 4)
        + 0.1 * (feh + 3.2) / 3.3 * line(30, 3)
        + 0.2 * (7000.0 - teff) / 4000.0 * line(45, 6)
        + 0.15 * (c_fe + 1.0) / 4.0 * line(60, 5)
        + 0.15 * (alpha_fe + 0.3) * line(75, 4)
        + 0.1 * (logg - 2.5) / 3.0 * line(88, 4)
    )
    return 0.95 - depth


class Direct:
    """The toy as an engine of `chunk.run`; stars of these Teff fail."""

    def __init__(self, fails: tuple[float, ...] = ()) -> None:
        """`fails`: Teff of stars that cannot be done."""
        self.fails = fails

    def __call__(self, star, safe: bool):
        """As chunk.Synthesiser."""
        if star.teff in self.fails:
            raise chunk.SynthesisFailed("toy: no convergence")
        labels = np.array([[star.teff, star.logg, star.feh, star.c_fe, star.alpha_fe]])
        return flux_of(labels)[0], False, ""


def write_chunk(table, rows: range, out: Path, settings: dict[str, str] = SETTINGS, fails=()) -> Path:
    """A chunk of the toy over rows of a design."""
    chunk.run(table, rows, Direct(fails), WAVELENGTH, settings, out)
    return out


def spectra(n: int, seed: int = 0) -> store.Spectra:
    """The first n rows of the design, in memory as `store.load` gives them."""
    table = design.design(n, seed)
    flux = flux_of(table[list(files.STAR_LABELS)].to_numpy(float)).astype(np.float32)
    test = table["star_id"].str.startswith(design.PREFIX[design.TEST]).to_numpy(bool)
    labels = table[["star_id", *files.STAR_LABELS]]
    attributes = {name: value for name, value in SETTINGS.items() if name != "seed"}
    return store.Spectra(WAVELENGTH, flux, labels, np.zeros(n, np.uint8), np.full(n, ""), test, attributes)


def fitted(folder: Path, n: int = 300, settings: fit.Settings = SMALL) -> model.Emulator:
    """A small emulator of the toy, saved in `folder` and loaded from it."""
    torch.set_num_threads(1)
    model.save(fit.fit(spectra(n), config().spectrum, settings, folder / "work"), folder)
    return model.load(folder)
