"""Leaving out lines too weak to matter among their neighbours.

A band of a molecule such as TiO has thousands of lines a resolution element; most add nothing. In each bin of
wavelength the strongest lines are kept until the rest makes up less than a stated share of the molecule's opacity,
at each of several temperatures.
"""

from __future__ import annotations

import numpy as np

from halochem.synthesize.lines.bsyn_list import Lines

BOLTZMANN_EV = 8.617333262e-5  # eV/K
TEMPERATURES = (2200.0, 3000.0, 4000.0)  # K, of the layers where TiO absorbs
BIN = 5.0  # Å, two resolution elements at R = 2200


def prune(lists: list[Lines], share: float, floor: float, weights: list[float]) -> list[Lines]:
    """The lines of `lists` (isotopologues of one molecule) that matter, list by list.

    Dropped lines hold at most `share` of the summed strength weight * gf * exp(-E / kT) in any 5 Å bin at any of
    TEMPERATURES. `weights` are the isotopologues' fractions.
    """
    wavelength = np.concatenate([lines.wavelength for lines in lists])
    excitation = np.concatenate([lines.excitation for lines in lists])
    log_gf = np.concatenate([lines.log_gf + np.log10(w) for lines, w in zip(lists, weights, strict=True)])
    bins = (wavelength // BIN).astype(int)
    bins -= bins.min()
    keep = np.zeros(len(wavelength), bool)
    for temperature in TEMPERATURES:
        strength = 10.0**log_gf * np.exp(-excitation / (BOLTZMANN_EV * temperature))
        order = np.lexsort((strength, bins))  # weakest first within a bin
        running = np.cumsum(strength[order])
        before = np.concatenate([[0.0], running])[np.searchsorted(bins[order], bins[order])]
        total = np.bincount(bins, strength)
        keep[order] |= running - before > np.maximum(share * total, floor * total.max())[bins[order]]
    ends = np.cumsum([len(lines) for lines in lists])[:-1]
    return [lines.select(part) for lines, part in zip(lists, np.split(keep, ends), strict=True)]
