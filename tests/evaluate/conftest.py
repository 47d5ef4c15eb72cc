"""Product tables with known relations between latents and labels, written as the encode stage writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from halochem.encode import product
from halochem.encode.columns import COLUMNS
from tiny_runs import TinyRun, make_run

# latent -> abundance, its mean and spread [dex]
PARTNERS = {"z_m": ("feh", -1.2, 0.5), "z_c": ("c_fe", 0.6, 0.7), "z_alpha": ("alpha_fe", 0.2, 0.15)}


def table(n: int, seed: int = 1, noise: float = 0.3) -> pd.DataFrame:
    """n stars, seven in ten for training; z is the standardised abundance and some noise."""
    rng = np.random.Generator(np.random.Philox(seed))
    columns: dict[str, np.ndarray] = {
        "star_id": np.array([f"halo-{seed}-{i:06d}" for i in range(n)], object),
        "split": np.where(np.arange(n) % 10 < 7, "train", "test").astype(object),
        "teff_true": rng.uniform(3000, 7000, n),
        "logg_true": rng.uniform(2.5, 6, n),
        "snr": rng.normal(50, 5, n),
        "status": np.zeros(n, np.uint8),
    }
    for z, (label, mean, spread) in PARTNERS.items():
        true = rng.normal(mean, spread, n)
        columns |= {f"{label}_true": true, z: (true - mean) / spread + rng.normal(0, noise, n)}
        columns[label] = mean + spread * columns[z]
    columns["teff"] = columns["teff_true"] + rng.normal(0, 100, n)
    columns["logg"] = columns["logg_true"] + rng.normal(0, 0.1, n)
    columns["flag_cemp"] = (columns["z_m"] < 0) & (columns["z_c"] > 0.2)
    columns["flag_alpha_pmp"] = (columns["z_m"] < 0) & (columns["z_alpha"] < -1.5)
    for name in ("flag_cemp", "flag_alpha_pmp"):
        columns[f"{name}_paper"] = columns[name]
    columns["flag_cemp_calibrated"] = (columns["z_m"] < 0.4) & (columns["z_c"] > 0.1)
    columns["rel_l2_error_clean"] = rng.uniform(1e-5, 1e-4, n)
    columns["flux_clean_norm"] = rng.uniform(25, 30, n)
    # As if the mean of the flux squared were 1 on the decoders' pixels: the noise's own L2 error is 1 / (S/N).
    columns["chi2_reduced"] = rng.uniform(0.9, 1.1, n)
    columns["rel_l2_error"] = columns["chi2_reduced"] / columns["snr"] ** 2
    columns["latent_norm"] = np.linalg.norm([columns[z] for z in PARTNERS], axis=0)
    for column in COLUMNS:
        empty = np.zeros(n, bool) if column.kind == "bool" else np.full(n, np.nan)
        columns.setdefault(column.name, empty)
    return pd.DataFrame({column.name: columns[column.name] for column in COLUMNS})


@pytest.fixture
def make_table() -> Callable[..., pd.DataFrame]:
    """`table` itself."""
    return table


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table as `halochem encode` does; returns its path."""

    def write(frame: pd.DataFrame, seed: int = 1, **metadata: str) -> Path:
        path = tmp_path / f"halo-{seed}.parquet"
        product.write(frame, path, {"seed": str(seed), "halochem_version": "test"} | metadata, {})
        return path

    return write


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """60 stars of seed 4 through the real stages."""
    return make_run(tmp_path_factory.mktemp("small"), 4, 60, failed=(2,))
