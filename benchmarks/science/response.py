"""How a spectrum answers to an abundance: mean change per pixel of each decoder region and of the rest, in pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from spectra import ROOT

from halochem import regions

PIECE = 40.0  # Å, of what lies in no decoder's region
MIN_PIXELS = 6

# What a region holds (Signor et al. 2025, Appendix D), by its first wavelength in config/regions.yaml
NAMES = {
    4135.0: "Ca I 4226 (and CN 4216)",
    4280.0: "CH G band",
    4568.0: "Mg I 4571",
    4730.0: "C$_2$ Swan 4737",
    5035.0: "(in C$_2$ Swan 5165)",
    5051.0: "C I 5052 (in C$_2$ Swan 5165)",
    5150.0: "C$_2$ Swan 5165",
    5160.0: "Mg I b",
    5625.0: "C$_2$ Swan 5636",
    6290.0: "[O I] 6300",
    6585.0: "C I 6588",
    7142.0: "TiO 7150",
    8405.0: "Ti I",
    8493.0: "Ca II 8498",
    8534.0: "Ca II 8542",
    8655.0: "Ca II 8662",
    8725.0: "[C I] 8727",
    9205.0: "S I 9213–9238",
}
# What should answer first when an abundance is raised: the regions of one absorber count as one feature.
FEATURES = {
    "c_fe": {"G band": ((4280.0, 4320.0),), "Swan bands": ((4730.0, 4745.0), (5150.0, 5160.0), (5625.0, 5645.0))},
    "alpha_fe": {
        "Ca II triplet": ((8493.0, 8503.0), (8534.0, 8550.0), (8655.0, 8669.0)),
        "Mg I b": ((5160.0, 5190.0),),
    },
}


@dataclass(frozen=True)
class Part:
    """A decoder's region, or a piece of what belongs to none: bounds in Å."""

    first: float
    last: float
    decoder: str | None

    @property
    def name(self) -> str:
        """Bounds, and what is known to lie there."""
        feature = NAMES.get(self.first, "") if self.decoder else ""
        return f"{feature + '  ' if feature else ''}{self.first:.0f}–{self.last:.0f}"

    def feature(self, label: str) -> str | None:
        """The feature of an abundance (a key of FEATURES) that it belongs to, if any."""
        bounds = (self.first, self.last)
        return next((name for name, parts in FEATURES[label].items() if self.decoder and bounds in parts), None)


def divide(pixels: np.ndarray) -> dict[Part, np.ndarray]:
    """All of the spectrum: part -> its pixels (bool, shape (p,)). Decoder regions that lie within, then the rest."""
    table = regions.load(ROOT / "config" / "regions.yaml")
    parts = {}
    free = np.ones(len(pixels), bool)
    for decoder, intervals in table.items():
        for first, last in intervals:
            inside = (pixels >= first) & (pixels < last)
            free &= ~inside
            if first >= pixels[0] and last <= pixels[-1]:
                parts[Part(first, last, decoder)] = inside
    for first in np.arange(np.floor(pixels[0] / PIECE) * PIECE, pixels[-1], PIECE):
        inside = free & (pixels >= first) & (pixels < first + PIECE)
        if inside.sum() >= MIN_PIXELS:
            parts[Part(float(first), float(first + PIECE), None)] = inside
    return parts


def mean_deepening(base: np.ndarray, raised: np.ndarray, parts: dict[Part, np.ndarray]) -> dict[Part, float]:
    """Mean over each part's pixels of flux(base) - flux(raised): positive where lines deepen."""
    return {part: float((base - raised)[inside].mean()) for part, inside in parts.items()}


def features(change: np.ndarray, parts: dict[Part, np.ndarray], label: str) -> dict[str, float]:
    """Mean of `change` over all pixels of each feature of an abundance that lies in the spectrum."""
    pixels: dict[str, np.ndarray] = {}
    for part, inside in parts.items():
        if name := part.feature(label):
            pixels[name] = pixels.get(name, False) | inside
    return {name: float(change[inside].mean()) for name, inside in pixels.items()}
