"""The structure of a model atmosphere, and what makes one fit for use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

_KURUCZ_ROW = "{:15.8E} {:9.2f} {:11.4E} {:11.4E} {:11.4E}"


class BadStructure(Exception):
    """A structure that no star has: the message says which rule it breaks."""


@dataclass(frozen=True)
class Structure:
    """Layers from the surface inwards; every array has shape (n_layers,)."""

    column_mass: np.ndarray  # g cm-2
    temperature: np.ndarray  # K
    gas_pressure: np.ndarray  # dyn cm-2
    electron_density: np.ndarray  # cm-3
    rosseland: np.ndarray  # cm2 g-1, Rosseland mean opacity
    out_of_grid: bool = False  # taken at the nearest edge of the grid
    note: str = ""  # what was clipped

    @property
    def log_tau(self) -> np.ndarray:
        """log10 of the Rosseland optical depth, shape (n_layers,), by the trapezoid rule."""
        between = 0.5 * np.diff(self.column_mass) * (self.rosseland[1:] + self.rosseland[:-1])
        return np.log10(np.concatenate([[self.column_mass[0] * self.rosseland[0]], between]).cumsum())

    def thinned(self, outer: float, inner: float) -> Structure:
        """Without every second layer above log tau = `outer` and without those below log tau = `inner`.

        The time of a synthesis goes with the number of layers; docs/synthesis.md gives the error this makes.
        """
        log_tau = self.log_tau
        # Counted from `outer` upwards, so that the spacing changes once.
        distance = np.searchsorted(log_tau, outer) - np.arange(len(log_tau))
        keep = ((distance <= 0) | (distance % 2 == 0)) & (log_tau <= inner)
        columns = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland")
        return replace(self, **{name: getattr(self, name)[keep] for name in columns})

    def check(self) -> None:
        """Raise BadStructure unless the structure is physical.

        Finite and positive everywhere, column mass and gas pressure rising inwards, and no rise of temperature
        towards the surface beyond 2 % in the outer third (a network pushed past its models invents hot surfaces,
        with Balmer cores in emission).
        """
        columns = (
            self.column_mass,
            self.temperature,
            self.gas_pressure,
            self.electron_density,
            self.rosseland,
        )
        if not all(np.isfinite(column).all() and (column > 0).all() for column in columns):
            raise BadStructure("a layer is not finite and positive")
        if (np.diff(self.column_mass) <= 0).any():
            raise BadStructure("column mass does not rise inwards")
        if (np.diff(self.gas_pressure) <= 0).any():
            raise BadStructure("gas pressure does not rise inwards")
        outer = self.temperature[: len(self.temperature) // 3]
        if outer[0] > 1.02 * outer.min() or outer.max() > 1.02 * self.temperature[len(outer)]:
            raise BadStructure("temperature rises towards the surface")

    def write_kurucz(self, path: Path, teff: float, logg: float) -> None:
        """Write what Turbospectrum reads as a Kurucz model: a header up to READ, then the layers.

        The first row is in Kurucz's form to the letter: Turbospectrum knows the format by failing to read its
        temperature, with a point, as a whole number.
        """
        columns = (
            self.column_mass,
            self.temperature,
            self.gas_pressure,
            self.electron_density,
            self.rosseland,
        )
        rows = [_KURUCZ_ROW.format(*layer) for layer in zip(*columns, strict=True)]
        header = f"TEFF {teff:7.0f}.  GRAVITY {logg:7.4f} LTE\nREAD DECK6{len(rows):3d} RHOX,T,P,XNE,ABROSS\n"
        path.write_text(header + "\n".join(rows) + "\n", encoding="ascii")
