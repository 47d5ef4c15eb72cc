"""Atmospheres `marcs`: a user's MARCS models (Gustafsson et al. 2008), interpolated.

Models are matched layer by layer in optical depth (Rosseland; at 5000 Å for iSpec's tables, which hold no other) and
mixed with multilinear weights in teff, logg, [Fe/H] and [alpha/Fe]: pressures, opacity and column mass in the log,
temperature in units of Teff. docs/atmospheres.md gives the errors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from halochem.synthesize.atmospheres.marcs_cell import NAMES, Cell, Cells
from halochem.synthesize.atmospheres.marcs_file import BOLTZMANN, Model
from halochem.synthesize.atmospheres.marcs_grid import Grid, Labels
from halochem.synthesize.atmospheres.structure import Structure

# Radiation is followed in spherical layers below this log g, where the models are spherical; above it the difference
# is at most 0.002 in flux, and plane-parallel layers take a third of the time.
SPHERICAL_LOGG = 2.5
# Models whose alpha follows [Fe/H] are rarely at a star's own: up to this difference [dex] it is no edge.
ALPHA_TOLERANCE = 0.1
# What the alpha elements give of the electrons that metals give, so that the models' [Fe/H] can make up for their
# alpha: as Salaris et al. 1993 (ApJ 414, 580) do for mass; the share that makes the least error in flux.
ALPHA_SHARE = 0.5
TOLERANCE = 1e-6
MAX_STEPS, SETTLED = 8, 1e-4  # of the search for that [Fe/H], each step of which leaves a fifth of the error [dex]
# Light comes from above this depth; the last layers of some models (supergiants) invert their pressure.
DEEPEST_LOG_TAU = 1.5
_LOGARITHMIC = ("electron_pressure", "gas_pressure", "rosseland", "column_mass")
_LINEAR = ("temperature", "log_tau5", "depth")


class Marcs:
    """Structures at any labels inside the grid; outside it, at its nearest edge."""

    name = "marcs"
    # MARCS models begin at log tau = -5 with steps of 0.2: no layer can be spared there, unlike c3k's.
    outer_log_tau = -np.inf

    def __init__(self, folder: Path) -> None:
        """Index the models. Raises UserError as Grid does."""
        self.grid = Grid(folder.expanduser())
        self._cells = Cells(self.grid.labels)
        alphas = [labels[3] for labels in self.grid.labels]
        self._alpha_range = (min(alphas), max(alphas))

    @property
    def settings(self) -> dict[str, str]:
        """Which models these are, for the attributes of every file."""
        return {
            "marcs_grid": self.grid.description,
            "marcs_hash": self.grid.sha256[:16],
            "geometry": f"plane-parallel; spherical below logg {SPHERICAL_LOGG:g} where the models are",
        }

    def __call__(self, teff: float, logg: float, feh: float, alpha_fe: float) -> Structure:
        """The structure for teff [K], logg [dex cgs], feh and alpha_fe [dex]. It is not yet checked.

        Its note names the labels that were moved to an edge, and the sides of the cell that bridge a hole.
        """
        asked = (teff, logg, feh, alpha_fe)
        cell, out_of_grid, note = self._cell(asked)
        models = {labels: self.grid.model(labels) for labels in cell.weights}
        mixed, radius = _mix(cell, models)
        if logg >= SPHERICAL_LOGG:
            radius = None
        structure = Structure(
            column_mass=mixed["column_mass"],
            temperature=mixed["temperature"],
            gas_pressure=mixed["gas_pressure"],
            electron_density=mixed["electron_pressure"] / (BOLTZMANN * mixed["temperature"]),
            rosseland=mixed["rosseland"],
            out_of_grid=out_of_grid,
            note=note,
            log_tau5=mixed["log_tau5"],
            depth=mixed["depth"],
            radius=radius,
        )
        return structure.thinned(-np.inf, DEEPEST_LOG_TAU)

    def _cell(self, asked: Labels) -> tuple[Cell, bool, str]:
        """The cell, whether it lies at an edge, and the note. [Fe/H] makes up for an alpha that is not the star's."""
        teff, logg, feh, alpha_fe = asked
        wanted = feh
        for _ in range(MAX_STEPS):
            cell = self._cells((teff, logg, wanted, alpha_fe))
            before, wanted = wanted, feh + _donors(alpha_fe) - _donors(cell.taken[3])
            if abs(wanted - before) < SETTLED:
                break
        out_of_grid, note = _note(asked, before, cell)
        low, high = self._alpha_range
        return cell, out_of_grid or not low - TOLERANCE <= alpha_fe <= high + TOLERANCE, note


def _donors(alpha_fe: float) -> float:
    """log10 of the electrons that metals give, relative to [alpha/Fe] = 0."""
    return float(np.log10(ALPHA_SHARE * 10**alpha_fe + 1.0 - ALPHA_SHARE))


def _mix(cell: Cell, models: dict[Labels, Model]) -> tuple[dict[str, np.ndarray], float | None]:
    """The columns of the mixture, and its radius [cm], None unless all models are spherical."""
    scale = _common_scale(list(models.values()))
    mixed = {name: np.zeros(len(scale)) for name in (*_LOGARITHMIC, *_LINEAR)}
    log_radius = 0.0
    for labels, share in cell.weights.items():
        model = models[labels]
        for name in _LOGARITHMIC:
            mixed[name] += share * _on_scale(np.log(getattr(model, name)), model.log_tau, scale)
        for name in _LINEAR:
            values = _on_scale(getattr(model, name), model.log_tau, scale)
            # T / Teff at one depth hardly depends on Teff.
            mixed[name] += share * (values / labels[0] if name == "temperature" else values)
        log_radius += share * np.log(model.radius)
    for name in _LOGARITHMIC:
        mixed[name] = np.exp(mixed[name])
    mixed["temperature"] *= cell.taken[0]
    spherical = all(model.radius > 2.0 for model in models.values())
    return mixed, float(np.exp(log_radius)) if spherical else None


def _common_scale(models: list[Model]) -> np.ndarray:
    """Optical depths at which the models are mixed: those of the first one that all the others reach."""
    low, high = max(model.log_tau[0] for model in models), min(model.log_tau[-1] for model in models)
    scale = models[0].log_tau
    return scale[(scale >= low) & (scale <= high)]


def _on_scale(values: np.ndarray, log_tau: np.ndarray, scale: np.ndarray) -> np.ndarray:
    if len(scale) == len(log_tau) and np.array_equal(log_tau, scale):
        return values
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(log_tau, values)(scale)


def _note(asked: Labels, wanted: float, cell: Cell) -> tuple[bool, str]:
    """Whether the cell is at an edge, and what it takes in place of what was asked ([Fe/H]: `wanted`, for alpha)."""
    moved, out_of_grid = [], abs(cell.taken[3] - asked[3]) > ALPHA_TOLERANCE
    for axis, name in enumerate(NAMES):
        meant = wanted if name == "feh" else asked[axis]
        if name != "alpha_fe" and abs(cell.taken[axis] - meant) > TOLERANCE * max(1.0, abs(meant)):
            out_of_grid = True
        # What is below a hundredth of a dex, or a hundredth of a kelvin, is not worth a word.
        if abs(cell.taken[axis] - asked[axis]) > 0.01:
            moved.append(f"{name} {_text(cell.taken[axis])} for {_text(asked[axis])}")
    holes = [f"hole in the grid, {side}" for side in cell.wide]
    return out_of_grid, ", ".join(moved + holes)


def _text(value: float) -> str:
    return f"{round(value, 2) + 0.0:g}"
