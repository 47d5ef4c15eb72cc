"""The structure of a model atmosphere, and what makes one fit for use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

_KURUCZ_ROW = "{:15.8E} {:9.2f} {:11.4E} {:11.4E} {:11.4E}"
_MARCS_ROW = "{:4d} {:6.2f} {:9.5f} {:13.6E} {:9.2f} {:11.4E} {:11.4E} 0.0 0.0"
_BOLTZMANN = 1.380649e-16  # erg/K


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
    # What spherical layers need; c3k has none of it.
    log_tau5: np.ndarray | None = None  # log10 of the continuum's optical depth at 5000 Å
    depth: np.ndarray | None = None  # cm, 0 at tau_Ross = 1
    radius: float | None = None  # cm at tau_Ross = 1; None: plane-parallel

    @property
    def spherical(self) -> bool:
        """Whether the layers are spherical."""
        return self.radius is not None

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
        columns = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland", "log_tau5", "depth")
        present = [name for name in columns if getattr(self, name) is not None]
        return replace(self, **{name: getattr(self, name)[keep] for name in present})

    def check(self) -> None:
        """Raise BadStructure unless the structure is physical.

        Finite and positive everywhere, column mass and gas pressure rising inwards, and no rise of temperature
        towards the surface beyond 5 % in the outer third (a network pushed past its models invents hot surfaces,
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
        if outer[0] > 1.05 * outer.min() or outer.max() > 1.05 * self.temperature[len(outer)]:
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

    def write_marcs(self, path: Path) -> None:
        """Write a spherical structure as what Turbospectrum reads of a MARCS model.

        The Kurucz form has no radius. In this one the optical depth at 5000 Å is the model's, where from the other
        Turbospectrum computes it for the star's own composition. Raises ValueError for a plane-parallel structure.
        """
        if self.radius is None or self.log_tau5 is None or self.depth is None:
            raise ValueError("no radius, depth and optical depth at 5000 Å; write_kurucz is for such structures")
        electron_pressure = self.electron_density * _BOLTZMANN * self.temperature
        columns = (
            self.log_tau,
            self.log_tau5,
            self.depth,
            self.temperature,
            electron_pressure,
            self.gas_pressure,
        )
        rows = [_MARCS_ROW.format(number, *layer) for number, layer in enumerate(zip(*columns, strict=True), 1)]
        header = (
            "spherical\n"  # the first letter counts
            f"{self.radius:12.5E} Radius [cm] at Tau(Rosseland)=1.0\n"  # 'Radius' in columns 14 to 19
            f"{len(rows):4d} Number of depth points\n"
            "Model structure\n"
            " k lgTauR  lgTau5    Depth     T        Pe          Pg         Prad       Pturb\n"
        )
        path.write_text(header + "\n".join(rows) + "\n", encoding="ascii")
