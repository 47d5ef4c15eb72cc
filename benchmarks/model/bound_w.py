"""How well Teff and log g can be read at all: the best estimate from a measurement at the Cramer-Rao bound.

    python benchmarks/model/bound_w.py --catalog results/catalogs/halo-1.h5 --table results/tables/halo-1.parquet

Beyond the atmosphere grid's edge (log g 5.0, or 5.5 for cool stars) spectra are those of the edge: a star there can at
best be given the mean of all log g that look alike, and one just below the edge cannot be told from them. Each held-out
star is measured once, min(log g, edge) with the noise of its bound (Teff free, abundances known to the halo's spread,
the derivatives taken no nearer to the edge than `BELOW`); the estimate is the mean of log g over what
that measurement allows, of a density uniform as in the catalogs: of all estimates from such a measurement, the one that
errs least on average. Beside it, what the model reads of the same stars. Several catalogs and tables may be named;
--write puts docs/benchmarks/bound_w.md in place.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from halochem import files, seeds, split
from halochem.config import load
from halochem.errors import UserError
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

`python benchmarks/model/bound_w.py --catalog results/catalogs/halo-*.h5 --table results/tables/halo-*.parquet --write`:
the best estimate from a measurement at the Cramér-Rao bound, abundances known to the halo's spread, and what preset
fast reads, of the held-out stars of emulator-made catalogs. Teff, log g and both in units of their standard
deviations; the ranges are of log g, their errors in dex. Below the edge: log g up to 5.0, or 5.5 for Teff up to 4250 K.
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


def at_the_bound(path: Path) -> list[float]:
    """`numbers` of the best estimates of a catalog's held-out stars."""
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
    return numbers(sigma_teff, off, labels, spread)


def numbers(off_teff: np.ndarray, off_logg: np.ndarray, labels: np.ndarray, spread: np.ndarray) -> list[float]:
    """Stars; errors of Teff, log g, both, both below the edge, in units of `spread`; of log g by range [dex]."""
    squares = (off_teff / spread[0]) ** 2, (off_logg / spread[1]) ** 2
    both, logg = sum(squares) / 2, labels[:, 1]
    below = logg <= edge(labels[:, 0])
    found = [np.sqrt(values.mean()) for values in (*squares, both, both[below])]
    return [len(both), *found, *(np.sqrt(np.mean(off_logg[(logg >= a) & (logg < b)] ** 2)) for a, b in RANGES)]


def of_table(path: Path) -> list[float]:
    """The same of what the model read."""
    table = pd.read_parquet(path)
    labels = table[["teff_true", "logg_true"]].to_numpy(float)
    spread, test = labels[table["split"] == "train"].std(axis=0), (table["split"] == "test").to_numpy()
    off = table[["teff", "logg"]].to_numpy(float)[test] - labels[test]
    return numbers(off[:, 0], off[:, 1], labels[test], spread)


def main() -> None:
    """Measure and print; write the page where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalog", type=Path, nargs="+", default=[ROOT / "results" / "catalogs" / "halo-1.h5"])
    parser.add_argument("--table", type=Path, nargs="*", default=[ROOT / "results" / "tables" / "halo-1.parquet"])
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/bound_w.md")
    options = parser.parse_args()
    found = [(f"{path.stem}, the best estimate", at_the_bound(path)) for path in options.catalog]
    found += [(f"{path.stem}, as read", of_table(path)) for path in options.table]
    heads = [
        "",
        "stars",
        "Teff",
        "log g",
        "both",
        "both, below the edge",
        *(f"{low:g}-{high:g}" for low, high in RANGES),
    ]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for title, (n, *values) in found:
        lines.append("| " + " | ".join([title, str(n), *(f"{value:.3f}" for value in values)]) + " |")
    table = "\n".join(lines)
    print(table)
    if options.write:
        page = ROOT / "docs" / "benchmarks" / "bound_w.md"
        page.write_text(f"{PAGE}\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"halochem: {error}")
