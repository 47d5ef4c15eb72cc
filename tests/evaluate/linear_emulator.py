"""An emulator whose flux is linear in the labels, so that every bound is known in closed form; and catalogs for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from halochem import seeds
from halochem.config import Config, Sample, validate
from halochem.files import STAR_LABELS, Catalog
from halochem.sample.draw import draw_labels
from halochem.sample.halo import halo_density
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.domain import box
from halochem.synthesize.emulator.features import LABEL_FEATURES
from halochem.wavelengths import pixel_grid

SPECTRUM = {"wavelength": [5000.0, 5112.0]}
SPECTRA = {"engine": "toy 1", "atmospheres": "c3k", "line_list_hash": "abc"}
# Change of the flux, at its largest, with the range of each label.
DEPTH = {"teff": 0.3, "logg": 0.1, "feh": 0.4, "c_fe": 0.3, "alpha_fe": 0.1}


def config(folder: Path, **sections) -> Config:
    return validate({"spectrum": SPECTRUM, "synthesis": {"emulator_dir": str(folder)}} | sections, "test")


def slopes() -> np.ndarray:
    """Derivatives of the flux by each label [1/K, 1/dex], (5, p); that of log g where the atmosphere follows it."""
    p = len(pixel_grid(config(Path("x")).spectrum))
    pattern = np.array([seeds.uniforms(0, "toy/slopes", k, p) ** 3 for k in range(5)])
    return pattern * np.array([[DEPTH[name] / np.ptp(box()[name])] for name in STAR_LABELS])


def save(folder: Path) -> Path:
    """Write the emulator to a folder."""
    settings = config(folder).spectrum
    seen = ["logg_structure" if name == "logg" else name for name in STAR_LABELS]
    scale = np.ones(len(LABEL_FEATURES))
    weight = np.zeros((len(LABEL_FEATURES), 5))
    for k, (name, label) in enumerate(zip(seen, STAR_LABELS, strict=True)):
        # Weights are kept in half precision: a feature over its label's range, and a basis that has the rest.
        scale[LABEL_FEATURES.index(name)] = np.ptp(box()[label])
        weight[LABEL_FEATURES.index(name), k] = 1.0
    grid = pixel_grid(settings)
    basis = slopes() * np.array([[np.ptp(box()[name])] for name in STAR_LABELS])
    arrays = {
        "wavelength": grid,
        "mean": np.full(len(grid), 0.6, np.float32),
        "basis": basis.astype(np.float16).astype(np.float32),
        "feature_mean": np.zeros(len(LABEL_FEATURES)),
        "feature_scale": scale,
        "member0.weight0": weight.astype(np.float32),
        "member0.bias0": np.zeros(5, np.float32),
    }
    spectrum = {"wavelength": list(settings.wavelength), "log_step": settings.log_step, "resolution": 2200.0}
    document = {"members": 1, "layers": 1, "limits": box(), "spectrum": spectrum, "spectra": SPECTRA}
    document["stars"] = {"train": 1}
    model.save(model.Emulator(arrays, document), folder)
    return folder


def catalog(n: int, seed: int = 3, **changes) -> Catalog:
    """Stars of the default halo, without noise; the Fisher matrix does not ask for it."""
    sample = Sample()
    labels = draw_labels(sample, halo_density(sample), seed, range(n))
    grid = pixel_grid(config(Path("x")).spectrum)
    sigma = (1 / labels["snr"].to_numpy())[:, None]
    values = {
        "path": Path("toy.h5"),
        "wavelength": grid,
        "flux": np.ones((n, len(grid)), np.float32),
        "sigma": sigma.astype(np.float32),
        "labels": pd.DataFrame(labels),
        "status": np.zeros(n, np.uint8),
        "attributes": {"seed": str(seed), "resolution": "2200", **SPECTRA, "engine": "emulator of toy 1"},
    }
    return Catalog(**(values | changes))
