"""What a star and a training cost: CPU seconds, from which docs/scale.md reckons the published run.

Stars of the halo's density, one from each of N equal shares of Teff, by Turbospectrum as the configuration has it; and
the published network's passes over spectra of the published length. Writes docs/benchmarks/cost.md.

    python benchmarks/scale/cost.py [--stars N] [--engine FILE]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from halochem import config, files
from halochem.synthesize import chunk, engines

ROOT = Path(__file__).resolve().parents[2]
BATCH = 64  # stars of a step of the network here; the time of a pass over a star hardly depends on it


def labels(folder: Path):
    """The first published catalog's label table."""
    path = folder / "labels.parquet"
    command = [sys.executable, "-m", "halochem.cli", "sample", "--seed", "1", "--out", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    return files.read_labels(path)


def synthesis(count: int, engine_json: Path) -> list[tuple[float, float]]:
    """Teff and CPU seconds of each star, the instrument included."""
    with tempfile.TemporaryDirectory() as name:
        table = labels(Path(name))
    engine = engines.make(config.Config(), engine_json)
    order = np.argsort(table["teff"].to_numpy())
    found = []
    for row in order[(np.arange(count) * len(table) + len(table) // 2) // count]:
        star = chunk._star(table, int(row))
        before = used()
        spectrum = chunk.compute(star, engine, 4150)
        found.append((star.teff, used() - before))
        print(f"Teff {star.teff:.0f}: {found[-1][1]:.1f} s, status {spectrum.status}", flush=True)
    return found


def used() -> float:
    """CPU seconds of this process and those that it has run."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def training() -> float:
    """CPU seconds of one star's pass forward and back through the published network and its adversary, one thread."""
    import torch

    from halochem import regions
    from halochem.train import vae
    from halochem.wavelengths import pixel_grid

    torch.set_num_threads(1)
    settings = config.Config()
    grid = pixel_grid(settings.spectrum)
    masks = regions.pixel_masks(regions.load(ROOT / settings.train.regions), grid, "regions")
    network = vae.build(masks, settings.train, 1)
    optimiser = torch.optim.Adam(network.parameters())
    flux = torch.rand(BATCH, len(grid))
    times = []
    for _ in range(3):
        start = time.process_time()
        output = network(flux, None)
        loss = output.reconstruction.square().mean() + output.u.square().mean() + output.posterior.mean.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        times.append(time.process_time() - start)
    return min(times[1:]) / BATCH


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stars", type=int, default=16)
    parser.add_argument("--engine", type=Path, default=ROOT / "resources" / "turbospectrum" / "engine.json")
    options = parser.parse_args()
    os.chdir(ROOT)
    one_pass = training()
    stars = synthesis(options.stars, options.engine)
    seconds = np.array([cpu for _, cpu in stars])
    error = seconds.std(ddof=1) / np.sqrt(len(seconds))
    published = config.Config()
    n_stars = len(published.seeds) * published.sample.n_stars
    n_train = published.sample.n_stars * published.train.train_fraction * (1 - published.train.validation_fraction)
    hours = one_pass * n_train * published.train.epochs / 3600
    text = [
        "# Cost",
        "",
        f"`python benchmarks/scale/cost.py`, one core, {platform.machine()}.",
        "",
        "A star of the halo's density by engine `turbospectrum`, native build: "
        f"**{seconds.mean():.1f} ± {error:.1f} s** of CPU, from {seconds.min():.1f} to {seconds.max():.1f} s, "
        f"{len(seconds)} stars evenly over Teff:",
        "",
        "| Teff [K] | CPU [s] |",
        "| --- | --- |",
        *(f"| {teff:.0f} | {cpu:.1f} |" for teff, cpu in stars),
        "",
        f"{n_stars:,} stars: {n_stars * seconds.mean() / 3600:.0f} core-hours.",
        "",
        "A star's pass forward and back through the published network (encoder `conv`), one thread: "
        f"{1e3 * one_pass:.0f} ms. {published.train.epochs} epochs over {n_train:,.0f} stars: {hours:,.0f} core-hours "
        "a catalog, without the adversary.",
    ]
    (ROOT / "docs" / "benchmarks" / "cost.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
