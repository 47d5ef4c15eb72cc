"""Single lines that the line list has wrong, found in the observed Sun: docs/figures/solar-lines.json.

Both spectra at R = 50 000. Where the synthetic one has too much absorption over half an ångström, the listed atomic
line that should be strongest there is named: a guess. Where it has too little, the list lacks the line or its strength.
"""

from __future__ import annotations

import json

import numpy as np
from solar_reference import GAPS, SUN, observed, reference_file
from spectra import FIGURES, default_engine

from halochem.config import Config
from halochem.synthesize import build, composition
from halochem.synthesize.engines import TurbospectrumEngine
from halochem.synthesize.lines import bsyn_list
from halochem.wavelengths import pixel_grid

RESOLUTION = 50_000.0
RANGE = (4840.0, 6718.0)
HALF_WIDTH = 0.25  # Å, of the piece that is integrated
APART = 0.6  # Å, between two faults
EDGE = 2.0  # Å beside a gap
COUNT = 25
TELLURIC = ((6275.0, 6330.0),)
THETA = 5040.0 / 5300.0  # 1/eV
# Of every listed iron-group atom most are ions in the Sun; enough to rank the lines at one wavelength.
NEUTRAL_FRACTION = -1.5


def strongest(lines: list[bsyn_list.Lines], wavelength: float) -> dict[str, object] | None:
    """The line within 0.15 Å that should be strongest in the Sun, of a list of atoms."""
    best, found = -np.inf, None
    for one in lines:
        near = one.between(wavelength - 0.15, wavelength + 0.15)
        solar = composition.abundances(0.0, 0.0, 0.0).get(one.species.atoms[0])
        if not len(near) or solar is None:
            continue
        fraction = 0.0 if one.species.charge else NEUTRAL_FRACTION
        strength = near.log_gf - THETA * near.excitation + solar - 12 + fraction
        i = int(np.argmax(strength))
        if strength[i] > best:
            best = strength[i]
            found = {
                "line": f"{one.species.name} {near.wavelength[i]:.3f}",
                "excitation_eV": round(float(near.excitation[i]), 3),
                "log_gf": round(float(near.log_gf[i]), 3),
            }
    return found


def main() -> None:
    spectrum = {"wavelength": RANGE, "log_step": 1.5e-6, "resolution": RESOLUTION}
    config = Config(spectrum=spectrum, synthesis={"step": 0.01, "margin": 20.0})
    installation = build.load(default_engine())
    pixels = pixel_grid(config.spectrum)
    synthetic = TurbospectrumEngine(config, installation)(SUN, False)[0]
    difference = observed(pixels, reference_file(), RESOLUTION) - synthetic
    for first, last in GAPS + TELLURIC:
        difference[(pixels > first - EDGE) & (pixels < last + EDGE)] = 0.0
    running = np.concatenate([[0.0], np.cumsum(difference * np.gradient(pixels))])
    ends = [np.searchsorted(pixels, pixels + side * HALF_WIDTH) for side in (-1, 1)]
    excess = 1000.0 * (running[ends[1]] - running[ends[0]])  # mÅ, positive where the synthetic line is too strong
    atoms = bsyn_list.read(installation.line_lists["atoms"])
    table = {}
    for name, sign in (("too_strong", 1.0), ("too_weak", -1.0)):
        left, table[name] = sign * excess, []
        for _ in range(COUNT):
            i = int(np.argmax(left))
            left[np.abs(pixels - pixels[i]) < APART] = -np.inf
            fault = {"wavelength": round(float(pixels[i]), 2), "excess_mA": round(float(excess[i]))}
            table[name].append(fault | (strongest(atoms, pixels[i]) or {} if sign > 0 else {}))
    text = json.dumps(table, indent=None, ensure_ascii=False).replace("}, {", "},\n {").replace("], ", "],\n")
    (FIGURES / "solar-lines.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
