"""c3k beside the real MARCS models of the reference data: structures, and fluxes through the same lines.

Writes docs/figures/c3k-marcs.png and .json and prints the table of docs/atmospheres.md. The models are looked for in
$HALOCHEM_REFERENCE_DATA/marcs, else ../shared/data/marcs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from interpolation import WINDOW, Synthesis

from halochem.synthesize import build
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs import Marcs

ROOT = Path(__file__).parents[2]
NAMES = {4.44: "Sun", 3.0: "5000 K, log g 3", 1.0: "6000 K, log g 1"}
COLOURS = {"Sun": "#0072B2", "5000 K, log g 3": "#D55E00", "6000 K, log g 1": "#009E73"}


def compare(atmospheres: C3K, grid: Marcs, synthesis: Synthesis) -> dict[str, dict]:
    """Structures and fluxes for every model of the folder, by name."""
    found = {}
    for labels in sorted(grid.grid.labels, key=lambda label: -label[1]):
        # Plane-parallel layers for both, so that the difference is the structures' alone.
        marcs, c3k = replace(grid(*labels), radius=None), atmospheres(*labels)
        fluxes = [synthesis(labels, structure) for structure in (marcs, c3k)]
        # The model's own scale: summed up from its first layer, at log tau = -5, it would be wrong there.
        log_tau = grid.grid.model(labels).log_tau[: len(marcs.temperature)]
        found[NAMES[labels[1]]] = {"log_tau": log_tau, "structures": (marcs, c3k), "fluxes": fluxes}
    return found


def table(found: dict[str, dict]) -> dict[str, dict[str, float]]:
    """The numbers of each model, printed."""
    rows = {}
    print("| model | T, largest difference between log tau -4 and 1 | flux rms | median | max |")
    print("| --- | --- | --- | --- | --- |")
    for name, one in found.items():
        marcs, c3k = one["structures"]
        depth = np.linspace(-4, 1, 51)
        first = np.interp(depth, one["log_tau"], marcs.temperature)
        second = np.interp(depth, c3k.log_tau, c3k.temperature)
        error = one["fluxes"][1] - one["fluxes"][0]
        rows[name] = {
            "temperature": float(np.abs(second - first).max()),
            "rms": float(np.sqrt(np.mean(error**2))),
            "median": float(np.median(np.abs(error))),
            "max": float(np.abs(error).max()),
        }
        row = rows[name]
        print(f"| {name} | {row['temperature']:.0f} K | {row['rms']:.4f} | {row['median']:.4f} | {row['max']:.4f} |")
    return rows


def draw(found: dict[str, dict], pixels: np.ndarray, out: Path) -> None:
    """Three rows: temperature, its difference, flux difference."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    figure, panels = plt.subplots(1, 3, figsize=(7.4, 2.6), constrained_layout=True, width_ratios=(1, 1, 1.5))
    for name, one in found.items():
        marcs, c3k = one["structures"]
        colour = COLOURS[name]
        panels[0].plot(one["log_tau"], marcs.temperature, color=colour, lw=1.2, label=name)
        panels[0].plot(c3k.log_tau, c3k.temperature, color=colour, lw=1.2, ls=(0, (2, 1.5)))
        inside = (c3k.log_tau > -5) & (c3k.log_tau < 1.45)
        difference = c3k.temperature - np.interp(c3k.log_tau, one["log_tau"], marcs.temperature)
        panels[1].plot(c3k.log_tau[inside], difference[inside], color=colour, lw=1.2)
        panels[2].plot(pixels, one["fluxes"][1] - one["fluxes"][0], color=colour, lw=0.8)
    panels[0].set(xlim=(-5, 1.5), ylim=(3000, 10000), ylabel="temperature (K)", xlabel=r"$\log\,\tau_\mathrm{Ross}$")
    panels[0].plot([], [], color="0.4", lw=1.2, label="MARCS")
    panels[0].plot([], [], color="0.4", lw=1.2, ls=(0, (2, 1.5)), label="c3k")
    panels[0].legend(frameon=False, fontsize=7, handlelength=1.6)
    panels[1].set(xlim=(-5, 1.5), ylabel=r"$T_\mathrm{c3k} - T_\mathrm{MARCS}$ (K)")
    panels[1].set_xlabel(r"$\log\,\tau_\mathrm{Ross}$")
    panels[2].set(xlim=WINDOW, xlabel="wavelength in air (Å)", ylabel="flux, c3k − MARCS (continuum = 1)")
    for panel in panels[1:]:
        panel.axhline(0, color="0.7", lw=0.6, zorder=0)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=220)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, default=ROOT / "resources" / "turbospectrum" / "engine.json")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "c3k-marcs.png")
    arguments = parser.parse_args()
    reference = os.environ.get("HALOCHEM_REFERENCE_DATA") or ROOT.parent / "shared" / "data"
    folder = Path(reference, "marcs")
    if not folder.is_dir():
        sys.exit(print(f"skipped: no {folder}; set $HALOCHEM_REFERENCE_DATA to the reference data"))
    installation = build.load(arguments.engine)
    synthesis = Synthesis(installation)
    found = compare(C3K(installation.c3k), Marcs(folder), synthesis)
    rows = table(found)
    arguments.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
    draw(found, synthesis.pixels, arguments.out)


if __name__ == "__main__":
    main()
