"""Error of interpolated MARCS structures: a grid written in MARCS format from c3k, of which the truth is known.

For each of a number of stars a cell around it is written as eight `.mod` files and read back; its centre is
interpolated and synthesised, and set beside the c3k structure of the star itself, which has gone through the same
files. Beside it what iSpec does: all columns linear, on the same corners. Prints the tables of docs/atmospheres.md and
writes --json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from halochem.synthesize import build
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs import Marcs
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, run_star, synthesis_grid

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "synthesize"))
from marcs_writer import write  # noqa: E402

WINDOW, STEP, RESOLUTION = (5000.0, 5300.0), 0.03, 2200.0
MARGIN = 20.0
# Cells: those for which iSpec's error is known, and the steps of the MARCS grid itself.
CELLS = ("500 K x 0.5 x 0.5", "steps of the MARCS grid")
STARS = (
    *((4000, 4.5, -1.0), (4500, 2.75, -2.0), (4500, 4.5, -0.5), (5000, 2.75, -1.0), (5000, 4.5, 0.0)),
    *((5500, 3.5, -2.5), (5500, 4.5, -1.0), (6000, 3.5, -1.5), (6000, 4.25, 0.0), (6500, 4.25, -1.5)),
    *((6750, 3.5, -2.5), (3750, 4.5, -1.5)),
)
ALPHA = 0.2
COLUMNS = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland")


class Synthesis:
    """Fluxes on pixels of 1 Å over the window."""

    def __init__(self, installation: build.Installation) -> None:
        self.engine = installation.builds["native"]
        self.lists = [installation.line_lists[name] for name in ("atoms", "molecules")]
        self.pixels = np.arange(WINDOW[0], WINDOW[1], 1.0)
        self.range = (WINDOW[0] - MARGIN, WINDOW[1] + MARGIN)

    def __call__(self, labels: tuple, structure) -> np.ndarray:
        """The flux of a star, shape (300,)."""
        teff, logg, feh, alpha_fe = labels
        star = Star(teff, logg, feh, 0.0, alpha_fe)
        flux = run_star(self.engine, star, structure, self.lists, self.range, STEP, 300.0)
        wavelength = synthesis_grid(self.range[0], STEP, len(flux), geometric=True)
        return response(wavelength, self.pixels, RESOLUTION) @ flux


def corners(labels: tuple, cell: str) -> list[tuple]:
    """The eight corners of the cell around a star."""
    half = [250.0, 0.25, 0.25]
    if cell == CELLS[1]:
        half = [50.0 if labels[0] < 4000 else 125.0, 0.25, 0.125 if labels[2] > -1 else 0.25]
    signs = itertools.product((-1, 1), repeat=3)
    return [(*(labels[axis] + sign[axis] * half[axis] for axis in range(3)), labels[3]) for sign in signs]


def measure(labels: tuple, cell: str, atmospheres: C3K, synthesis: Synthesis) -> dict[str, float]:
    """Errors of one cell's centre."""
    points_around = corners(labels, cell)
    with tempfile.TemporaryDirectory() as folder:
        grid, single = Path(folder, "cell"), Path(folder, "star")
        for place, points in ((grid, points_around), (single, [labels])):
            place.mkdir()
            for number, point in enumerate(points):
                write(place, point, atmospheres(*point), name=f"{number}.mod")
        truth, mixed = Marcs(single)(*labels), Marcs(grid)(*labels)
        ends = [Marcs(grid)(*point) for point in points_around]
    layers = slice(0, min(len(s.temperature) for s in (truth, mixed, *ends)))
    linear = replace(truth, **{n: np.mean([getattr(s, n)[layers] for s in ends], axis=0) for n in COLUMNS})
    deep = slice(5, layers.stop)  # log tau from -4
    found = {
        "temperature": float(np.abs(mixed.temperature[deep] / truth.temperature[deep] - 1).max()),
        "gas_pressure": float(np.abs(np.log(mixed.gas_pressure[deep] / truth.gas_pressure[deep])).max()),
        "electron_density": float(np.abs(np.log(mixed.electron_density[deep] / truth.electron_density[deep])).max()),
    }
    flux = synthesis(labels, truth)
    for name, structure in (("", mixed), ("linear_", linear)):
        error = np.abs(synthesis(labels, structure) - flux)
        found |= {f"{name}median": float(np.median(error)), f"{name}max": float(error.max())}
        found[f"{name}rms"] = float(np.sqrt(np.mean(error**2)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=len(STARS), help="how many cells (%(default)s)")
    parser.add_argument("--engine", type=Path, default=ROOT / "resources" / "turbospectrum" / "engine.json")
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "figures" / "marcs-interpolation.json")
    arguments = parser.parse_args()
    installation = build.load(arguments.engine)
    atmospheres, synthesis = C3K(installation.c3k), Synthesis(installation)
    started = time.time()
    summary = {cell: report(cell, STARS[: arguments.stars], atmospheres, synthesis) for cell in CELLS}
    print(f"{time.time() - started:.0f} s")
    arguments.json.write_text(json.dumps(summary, indent=1) + "\n")


def report(cell: str, stars: tuple, atmospheres: C3K, synthesis: Synthesis) -> dict:
    """Print the table of one size of cell; returns its numbers."""
    rows = []
    print(f"\n{cell}\n")
    print("| Teff, log g, [Fe/H] | T | Pg | Ne | flux median | rms | max | linear: median | max |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for star in stars:
        found = measure((*star, ALPHA), cell, atmospheres, synthesis)
        rows.append({"star": star, **found})
        shares = " | ".join(
            f"{100 * found[name]:.2f} %" for name in ("temperature", "gas_pressure", "electron_density")
        )
        fluxes = " | ".join(f"{found[n]:.5f}" for n in ("median", "rms", "max", "linear_median", "linear_max"))
        print(f"| {star[0]}, {star[1]:g}, {star[2]:g} | {shares} | {fluxes} |", flush=True)
    middle = {name: float(np.median([row[name] for row in rows])) for name in rows[0] if name != "star"}
    print(f"\nmedian over {len(rows)} cells: {middle['median']:.5f}, linear {middle['linear_median']:.5f}")
    return {"cells": rows, "median_over_cells": middle}


if __name__ == "__main__":
    main()
