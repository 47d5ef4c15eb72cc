"""Engine `emulator`: clean spectra from the fitted network, a chunk at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from halochem.config import Config
from halochem.errors import UserError
from halochem.files import STATUS_OK
from halochem.synthesize import composition
from halochem.synthesize.atmospheres.c3k import nearest_covered
from halochem.synthesize.chunk import Spectra
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.domain import refuse_outside
from halochem.synthesize.emulator.features import matrix, structure_labels

# Far below the emulator's own error, and a fifth less to store.
QUANTUM = 2.0**-16


class EmulatorEngine:
    """The emulator of `synthesis.emulator_dir`."""

    name = "emulator"

    def __init__(self, config: Config) -> None:
        """Load it. Raises UserError where it does not do what the configuration asks for."""
        check_settings(config)
        self._emulator = model.load(config.synthesis.emulator_dir)

    @property
    def settings(self) -> dict[str, str]:
        """What the spectra depend on beside the labels, for the attributes of every file."""
        document = self._emulator.document
        made = dict(document["spectra"])
        return {
            "engine": f"emulator of {made.pop('engine')}",
            "emulator_sha256": document["weights_sha256"],
            "emulator_training_stars": str(document["stars"]["train"]),
            **made,
        }

    def synthesize_many(self, labels: pd.DataFrame) -> Spectra:
        """Spectra of all stars of a label table, whose index is their row.

        out_of_grid and note are those of the direct engine. Raises UserError for a star outside the emulator's range.
        """
        refuse_outside(labels, self._emulator.limits, "synthesis.engine: emulator")
        values = matrix(labels)
        flux = self._emulator.flux(values)
        # In place: a chunk of 10 000 stars holds 170 MB.
        flux *= np.float32(1.0 / QUANTUM)
        np.rint(flux, out=flux)
        flux *= np.float32(QUANTUM)
        notes = out_of_grid_notes(values)
        return Spectra(
            flux=flux,
            status=np.full(len(labels), STATUS_OK, np.uint8),
            reason=[""] * len(labels),
            out_of_grid=np.array([bool(note) for note in notes]),
            note=notes,
        )


def out_of_grid_notes(labels: np.ndarray) -> list[str]:
    """What the direct engine on c3k would note of stars of labels (n, 5); "" for one within the grid."""
    moved = (structure_labels(labels) != labels[:, [0, 1, 2, 4]]).any(axis=1)
    notes = []
    for star, out in zip(labels.tolist(), moved, strict=True):
        parts = [nearest_covered(star[0], star[1], star[2], star[4])[1]] if out else []
        if composition.is_carbon_rich(star[3], star[4]):
            parts.append("C/O above 1")
        notes.append(", ".join(parts))
    return notes


def check_settings(config: Config) -> None:
    """Raise UserError where the configuration asks for what its emulator was not fitted to."""
    folder: Path = config.synthesis.emulator_dir
    document = model.read_document(folder)
    grid, spectrum = document["spectrum"], config.spectrum
    asked = {"wavelength": list(spectrum.wavelength), "log_step": spectrum.log_step, "resolution": spectrum.resolution}
    for name, value in asked.items():
        if grid[name] != value:
            raise UserError(
                f"spectrum.{name}: {value}: the emulator {folder} was fitted to {grid[name]}; "
                "set synthesis.engine: turbospectrum for another"
            )
    if config.synthesis.atmospheres != document["spectra"]["atmospheres"]:
        raise UserError(
            f"synthesis.atmospheres: {config.synthesis.atmospheres}: the emulator {folder} was fitted to spectra on "
            f"{document['spectra']['atmospheres']}; set synthesis.engine: turbospectrum for others"
        )
    if config.synthesis.line_list is not None:
        raise UserError(
            f"synthesis.line_list: {config.synthesis.line_list}: the emulator {folder} was fitted to other lines; "
            "set synthesis.engine: turbospectrum for these"
        )
    for name in ("teff", "logg"):
        low, high = document["limits"][name]
        first, last = getattr(config.sample, name)
        if first < low or last > high:
            raise UserError(
                f"sample.{name}: [{first:g}, {last:g}]: the emulator {folder} covers {low:g} to {high:g}; "
                "narrow the range, or set synthesis.engine: turbospectrum"
            )
