"""A tiny run of the real stages: a catalog of toy spectra, a model trained for three epochs, table, evaluation."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from halochem import config, files, seeds
from halochem.encode import product
from halochem.evaluate import evaluation
from halochem.evaluate import table as product_table
from halochem.report import command
from halochem.train import loop, model_files

# Coarse pixels over the published range, so that figures are drawn as for real ones.
SPECTRUM = {"log_step": 4e-4}
REGIONS = """\
iron:
  - [4398, 4610]
  - [5190, 5337]
  - [6074, 6288]
carbon:
  - [4280, 4320]
  - [5130, 5160]
alpha:
  - [4135, 4240]
  - [5160, 5190]
  - [8480, 8680]
"""
LINES = {4300.0: "c_fe", 5145.0: "c_fe", 4200.0: "alpha_fe", 5175.0: "alpha_fe", 8542.0: "alpha_fe"}


@dataclass(frozen=True)
class TinyRun:
    """Paths of a run's files."""

    seed: int
    catalog: Path
    model: Path
    table: Path
    evaluation: Path

    def options(self) -> list[str]:
        """The options of `halochem report` for this run."""
        names = {"--catalog": self.catalog, "--model": self.model, "--table": self.table}
        return [str(word) for pair in (names | {"--evaluation": self.evaluation}).items() for word in pair]


def _flux(wavelength: np.ndarray, labels: dict[str, np.ndarray]) -> np.ndarray:
    strength = 10 ** (0.4 * (labels["feh"] + 1.2))[:, None] * np.exp((5500 - labels["teff"]) / 4000)[:, None]
    pattern = seeds.uniforms(0, "toy/pattern", 0, len(wavelength)) ** 4
    depth = 0.4 * strength * pattern
    for centre, label in LINES.items():
        profile = np.exp(-(((wavelength - centre) / 12) ** 2))
        depth = depth + 0.5 * strength * 10 ** (0.5 * labels[label])[:, None] * profile
    return np.exp(-depth)


def write_catalog(path: Path, seed: int, n: int, failed: tuple[int, ...] = ()) -> None:
    """A catalog in the layout of docs/files.md."""
    wavelength = 10 ** np.arange(np.log10(4000), np.log10(10400), SPECTRUM["log_step"])
    u = seeds.uniform_table(seed, "toy/labels", range(n), 6)
    labels = {
        "teff": 3000 + 4000 * u[:, 0],
        "logg": 2.5 + 3.5 * u[:, 1],
        "feh": -3 + 3.2 * u[:, 2],
        "c_fe": -0.5 + 3 * u[:, 3],
        "alpha_fe": -0.2 + 0.7 * u[:, 4],
        "snr": 40 + 20 * u[:, 5],
    }
    clean = _flux(wavelength, labels).astype(np.float32)
    status = np.zeros(n, np.uint8)
    clean[list(failed)], status[list(failed)] = np.nan, files.STATUS_FAILED
    sigma = (1 / labels["snr"])[:, None].astype(np.float32)
    noise = np.array([seeds.normals(seed, "toy/noise", i, len(wavelength)) for i in range(n)], np.float32)
    jitter = {"teff_obs": labels["teff"] * 1.01, "logg_obs": labels["logg"] * 0.99}
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {
                "schema_version": 1,
                "seed": seed,
                "engine": "toy <engine>",
                "atmospheres": "toy & sons",
                "halochem_version": "0.1.0",
            }
        )
        arrays = {"wavelength": wavelength, "flux": clean + sigma * noise, "flux_clean": clean, "sigma": sigma}
        for name, values in (arrays | {"status": status, "out_of_grid": u[:, 1] > 0.8}).items():
            file[name] = values
        file["labels/star_id"] = [f"halo-{seed}-{i:06d}" for i in range(n)]
        for name, values in (labels | jitter).items():
            file[f"labels/{name}"] = values


def settings_of(folder: Path) -> config.Config:
    """The configuration of a tiny run in `folder`, whose regions it writes there."""
    (folder / "regions.yaml").write_text(REGIONS)
    train = {"encoder": "mlp", "epochs": 3, "batch_size": 16, "validate_every": 1, "validation_fraction": 0.1}
    return config.validate(
        {
            "spectrum": SPECTRUM,
            "train": train | {"regions": str(folder / "regions.yaml"), "device": "cpu"},
            "encode": {"n_labelled": 10},
        },
        "test",
    )


def make_run(folder: Path, seed: int, n: int, failed: tuple[int, ...] = ()) -> TinyRun:
    """Catalog, model, table and evaluation of `n` stars in `folder`."""
    run = TinyRun(
        seed,
        folder / f"halo-{seed}.h5",
        folder / f"model-{seed}",
        folder / f"halo-{seed}.parquet",
        folder / f"halo-{seed}.json",
    )
    settings = settings_of(folder)
    write_catalog(run.catalog, seed, n, failed)
    catalog = files.read_catalog(run.catalog)
    loop.fit(catalog, settings, run.model)
    product.make(catalog, model_files.load(run.model), settings, run.table)
    frame, _, origin = product_table.read(run.table)
    evaluation.write(evaluation.evaluate(frame, seed, origin), run.evaluation)
    return run


def write_report(*words: object) -> None:
    """`halochem report` with these arguments."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))
