"""A toy catalog: Gaussian lines whose depths follow the labels, small enough to train on in seconds.

Not physics: in logarithms every line's strength is linear in the labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from halochem import config, files, seeds

N_PIXELS = 300
WAVELENGTH = 5000.0 * 10 ** (1e-4 * np.arange(N_PIXELS))  # to 5356 Å
REGIONS = """\
iron:
  - [5002, 5130]
carbon:
  - [5140, 5230]
alpha:
  - [5240, 5340]
"""
# abundance -> first and last line [Å], number of lines, weight of the abundance in log10 of their strength
LINES = {"feh": (5010, 5120, 12, 0.0), "c_fe": (5145, 5225, 10, 0.8), "alpha_fe": (5245, 5335, 10, 1.6)}


def labels(seed: int, n_stars: int) -> dict[str, np.ndarray]:
    """Uniform Teff and log g, normal abundances; the columns of a catalog's /labels."""
    draws = seeds.uniform_table(seed, "toy/labels", range(n_stars), 6)
    teff, logg = 4000 + 2000 * draws[:, 0], 2.5 + 2 * draws[:, 1]
    feh, c_fe, alpha_fe = (
        mean + width * np.sqrt(12) * (draws[:, k] - 0.5)
        for k, (mean, width) in enumerate(((-1.2, 0.57), (0.6, 0.6), (0.2, 0.3)), start=2)
    )
    normal = np.array([seeds.normals(seed, "toy/jitter", i, 2) for i in range(n_stars)])
    return {
        "teff": teff,
        "logg": logg,
        "feh": feh,
        "c_fe": c_fe,
        "alpha_fe": alpha_fe,
        "snr": 80 + 40 * draws[:, 5],
        "teff_obs": teff * (1 + 0.02 * normal[:, 0]),
        "logg_obs": logg * (1 + 0.02 * normal[:, 1]),
    }


def clean_flux(label: dict[str, np.ndarray]) -> np.ndarray:
    """Spectra without noise: (n, N_PIXELS)."""
    theta = (label["teff"] - 5000) / 1000
    gravity = label["logg"] - 3.5
    optical_depth = np.zeros((len(theta), N_PIXELS))
    for abundance, (first, last, count, weight) in LINES.items():
        for k, centre in enumerate(np.linspace(first, last, count)):
            # Metals deepen every line; carbon and alpha those of their own region besides.
            log_strength = -0.5 + 0.5 * (label["feh"] + 1.2) + weight * (label[abundance] - 0.3)
            # Neighbours differ in excitation and pressure sensitivity, which gives the atmosphere away.
            log_strength = log_strength + 0.2 * (k % 3 - 1) * theta + 0.3 * (k % 2 - 0.5) * gravity
            profile = np.exp(-0.5 * ((WAVELENGTH - centre) / 2.0) ** 2)
            optical_depth += 10 ** log_strength[:, None] * profile
    return np.exp(-optical_depth)


def write(
    path: Path,
    seed: int = 7,
    n_stars: int = 300,
    failed: tuple[int, ...] = (),
    mask: np.ndarray | None = None,
) -> Path:
    """Write a catalog in the layout of docs/files.md; the stars `failed` have no spectrum."""
    label = labels(seed, n_stars)
    clean = clean_flux(label)
    sigma = 1 / label["snr"][:, None]
    noise = np.array([seeds.normals(seed, "toy/noise", i, N_PIXELS) for i in range(n_stars)])
    flux = clean + sigma * noise
    status = np.zeros(n_stars, np.uint8)
    for row in failed:
        flux[row] = clean[row] = np.nan
        status[row] = 2
    with h5py.File(path, "w") as file:
        file.attrs.update({"schema_version": 1, "seed": str(seed)})
        file["wavelength"] = WAVELENGTH
        file["flux"], file["flux_clean"] = flux.astype(np.float32), clean.astype(np.float32)
        file["sigma"], file["status"] = sigma.astype(np.float32), status
        file["out_of_grid"] = np.arange(n_stars) % 10 == 0
        if mask is not None:
            file["mask"] = mask
        file["labels/star_id"] = [f"halo-{seed}-{i:06d}" for i in range(n_stars)]
        for name, values in label.items():
            file[f"labels/{name}"] = values
    return path


@dataclass
class Toy:
    """A toy catalog and its regions on disk, and configurations for them."""

    folder: Path
    catalog_path: Path
    regions_path: Path

    @classmethod
    def make(cls, folder: Path, **options) -> Toy:
        """Write both files to a folder; `options` as for `write`."""
        (folder / "regions.yaml").write_text(REGIONS)
        return cls(folder, write(folder / "catalog.h5", **options), folder / "regions.yaml")

    def catalog(self) -> files.Catalog:
        """The catalog, read anew."""
        return files.read_catalog(self.catalog_path)

    def config(self, encode: dict | None = None, **train) -> config.Config:
        """A configuration of few epochs; `train` and `encode` override its sections."""
        values = {"encoder": "mlp", "epochs": 6, "batch_size": 64, "device": "cpu", "checkpoint_every": 2}
        values |= {"regions": str(self.regions_path), "validate_every": 3}
        values |= {"adversary_weight": [{"from_epoch": 0, "value": 0.0}, {"from_epoch": 3, "value": 0.05}]}
        return config.validate({"train": values | train, "encode": encode or {}}, "toy")


# What it takes for each latent to find its abundance on 600 toy stars, in about ten seconds.
LEARNING = {
    "epochs": 120,
    "max_learning_rate": 5e-3,
    "adversary_weight": [
        {"from_epoch": 0, "value": 0.0},
        {"from_epoch": 6, "value": 0.01},
        {"from_epoch": 60, "value": 0.02},
    ],
}
