"""How well Teff and log g can be read at all: the best estimate from a measurement at the Cramer-Rao bound.

    python benchmarks/model/bound_w.py --catalog results/catalogs/halo-1.h5 [more catalogs] [--write]

Beyond the atmosphere grid's edge (log g 5.0, or 5.5 for cool stars) spectra are those of the edge: a star there can at
best be given the mean of all log g that look alike, and one just below the edge cannot be told from them. Each held-out
star is measured once, min(log g, edge) with the noise of its bound (Teff free, abundances known to the halo's spread,
the derivatives taken `BELOW` the edge where the star lies at it or beyond); the estimate is the mean of log g over what
that measurement allows, of a density uniform as in the catalogs: of all estimates from such a measurement, the one that
errs least on average. --write puts docs/benchmarks/bound_w.md in place.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from halochem import files, seeds, split
from halochem.config import load
from halochem.evaluate import bounds
from halochem.files import STAR_LABELS
from halochem.responses import MOMENTS
from halochem.synthesize.atmospheres.c3k import LOGG, LOGG_MAX_HOT, TEFF_COOL
from halochem.synthesize.emulator.features import matrix

ROOT = Path(__file__).resolve().parents[2]
BELOW = 0.1  # dex, two steps of the derivative's differences
NODES = 701  # of log g, over the catalog's range
BLOCK = 1000
RANGES = ((2.5, 4.0), (4.0, 4.5), (4.5, 4.75), (4.75, 5.0), (5.0, 5.5), (5.5, 6.0))

PAGE = """# The least error of Teff and log g

`python benchmarks/model/bound_w.py --catalog results/catalogs/halo-*.h5 --write`: the best estimate from a measurement
at the Cramér-Rao bound, abundances known to the halo's spread, over the held-out stars of emulator-made catalogs. Teff,
log g and both in units of their standard deviations; the ranges are of log g, their errors in dex.
"""


def edge(teff: np.ndarray) -> np.ndarray:
    """The highest log g of the atmospheres, (n,)."""
    return np.where(teff <= TEFF_COOL, LOGG[1], LOGG_MAX_HOT)


def best_logg(measured: np.ndarray, sigma: np.ndarray, highest: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Mean of log g over what `measured` (n,) +- `sigma` (n,) allows, for edges `highest` (n,)."""
    logg = np.linspace(*limits, NODES)
    found = []
    for rows in np.array_split(np.arange(len(measured)), -(-len(measured) // BLOCK)):
        seen = np.minimum(logg, highest[rows, None])
        chi2 = ((measured[rows, None] - seen) / sigma[rows, None]) ** 2
        weight = np.exp(-0.5 * (chi2 - chi2.min(axis=1, keepdims=True)))
        found.append((weight * logg).sum(axis=1) / weight.sum(axis=1))
    return np.concatenate(found)


def measure(path: Path) -> tuple[dict[str, float], list[float], int]:
    """The errors of a catalog's held-out stars, by range of log g too [dex], and their number."""
    config = load(ROOT / "config" / "quickstart.yaml")
    catalog = files.read_catalog(path)
    emulator = bounds.fitting_emulator(catalog, config)
    train = split.is_train(catalog.seed, len(catalog.status), config.train.train_fraction)
    rows = np.flatnonzero(~train & catalog.usable)
    labels = matrix(catalog.labels)
    spread = labels[train].std(axis=0)
    labels = labels[rows]
    teff, logg = labels[:, 0], labels[:, 1]
    at = labels.copy()
    at[:, 1] = np.minimum(logg, edge(teff) - BELOW)
    fisher = bounds.fisher_matrices(emulator, at, catalog.sigma[rows])
    for name, (_, width) in MOMENTS.items():
        k = STAR_LABELS.index(name)
        fisher[:, k, k] += width**-2.0
    covariance = bounds.covariances(fisher, np.array([np.ptp(emulator.limits[name]) for name in STAR_LABELS]))
    sigma_teff, sigma_logg = (np.sqrt(covariance[:, k, k]) for k in range(2))
    noise = np.array([seeds.normals(catalog.seed, "bound_w", star, 1)[0] for star in rows])
    measured = np.minimum(logg, edge(teff)) + sigma_logg * noise
    off = best_logg(measured, sigma_logg, edge(teff), emulator.limits["logg"]) - logg
    errors = {"teff": np.sqrt(np.mean(sigma_teff**2)) / spread[0], "logg": np.sqrt(np.mean(off**2)) / spread[1]}
    errors["both"] = np.sqrt((errors["teff"] ** 2 + errors["logg"] ** 2) / 2)
    ranges = [float(np.sqrt(np.mean(off[(logg >= low) & (logg < high)] ** 2))) for low, high in RANGES]
    return errors, ranges, len(rows)


def main() -> None:
    """Measure and print; write the page where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalog", type=Path, nargs="+", required=True)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/bound_w.md")
    options = parser.parse_args()
    found = [measure(path) for path in options.catalog]
    heads = ["catalog", "stars", "Teff", "log g", "both", *(f"{low:g}-{high:g}" for low, high in RANGES)]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for path, (errors, ranges, n) in zip(options.catalog, found, strict=True):
        values = [path.stem, str(n), *(f"{value:.3f}" for value in (*errors.values(), *ranges))]
        lines.append("| " + " | ".join(values) + " |")
    table = "\n".join(lines)
    print(table)
    if options.write:
        page = ROOT / "docs" / "benchmarks" / "bound_w.md"
        page.write_text(f"{PAGE}\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
