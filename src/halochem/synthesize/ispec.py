"""Engine `ispec`: the user's own iSpec with its MARCS grid, VALD list, molecules and abundances (docs/ispec.md).

iSpec: Blanco-Cuaresma et al. 2014, A&A 569, A111; Blanco-Cuaresma 2019, MNRAS 486, 2075. It runs in worker processes
(ispec_pool.py). A run of it above 100 nm it cuts into pieces whose seams lack the wings of the lines beyond: here
pieces overlap and their interiors are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from halochem.config import Config
from halochem.errors import UserError
from halochem.synthesize import composition, ispec_input, ispec_pool
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, SynthesisFailed, check_flux
from halochem.wavelengths import pixel_grid

# Points dropped at either end of all: iSpec returns 1e-10 for the first and at times for the last.
EDGE = 3
# iSpec prints steps in nm; with no more digits than these the text is the number.
STEP_DIGITS = 1e-4  # Å
# Å by which the first and the last line may lie within the pixels' range.
LINES_MAY_LACK = 30.0


@dataclass(frozen=True)
class Piece:
    """One run of iSpec, and which of its points are kept."""

    first: float  # Å
    step: float  # Å
    count: int
    keep: slice

    @property
    def wavelength(self) -> np.ndarray:
        """The points [Å], shape (count,)."""
        return self.first + self.step * np.arange(self.count)


def plan(first: float, last: float, step: float, margin: float) -> list[Piece]:
    """Pieces for the pixels of `first` to `last` [Å], ascending; what is kept of them joins without gap or overlap.

    Each reaches `margin` [Å] beyond what is kept of it, or beyond the pixels at the two ends. `step` [Å] is that at
    the beginning; each piece has a constant one, in proportion to its first wavelength.
    """
    count = int(np.ceil((last - first) / (ispec_input.LONGEST - 2 * margin)))
    seams = np.linspace(first, last, max(count, 1) + 1)
    pieces = []
    for number, (low, high) in enumerate(pairwise(seams)):
        begin = round(low - margin, 2)
        fine = np.floor(step * begin / (first - margin) / STEP_DIGITS + 1e-6) * STEP_DIGITS
        points = int(np.ceil((high + margin - begin) / fine)) + 1
        wavelength = begin + fine * np.arange(points)
        start = EDGE if number == 0 else int(np.searchsorted(wavelength, low))
        stop = points - EDGE if number == count - 1 or count <= 1 else int(np.searchsorted(wavelength, high))
        pieces.append(Piece(begin, float(fine), points, slice(start, stop)))
    return pieces


def check_settings(config: Config) -> None:
    """Raise UserError for a key that has no effect here, and for what is missing of iSpec; starts nothing."""
    ispec_input.check_keys(config)
    inputs = ispec_input.find_inputs(config.synthesis)
    ispec_input.solar_abundances(inputs.abundances)
    ispec_pool.interpreter(config.synthesis.ispec_python)


class IspecEngine:
    """The user's iSpec, driven as `chunk.Synthesiser` asks."""

    name = "ispec"

    def __init__(self, config: Config) -> None:
        """Find iSpec and start a worker, which takes a minute. Raises UserError for what it lacks."""
        check_settings(config)
        self._synthesis = config.synthesis
        inputs = ispec_input.find_inputs(config.synthesis)
        self._solar = ispec_input.solar_abundances(inputs.abundances)
        python = ispec_pool.interpreter(config.synthesis.ispec_python)
        ispec_pool.check_interpreter(python)
        self._description = ispec_input.description(inputs)
        first, last = config.spectrum.wavelength
        self._pieces = plan(first, last, config.synthesis.step, config.synthesis.margin)
        wavelength = np.concatenate([piece.wavelength[piece.keep] for piece in self._pieces])
        try:
            self._response: csr_matrix = response(wavelength, pixel_grid(config.spectrum), config.spectrum.resolution)
        except ValueError as fault:
            raise UserError(f"synthesis.margin {config.synthesis.margin:g}: {fault}; make it larger") from None
        settings = {
            "ispec": str(inputs.folder),
            "atmospheres": str(inputs.atmospheres.absolute()),
            "line_list": str(inputs.line_list.absolute()),
            "abundances": str(inputs.abundances.absolute()),
            "isotopes": str(inputs.isotopes.absolute()),
            # nm
            "pieces": [(piece.first / 10, piece.step / 10, piece.count) for piece in self._pieces],
        }
        self._pool = ispec_pool.Pool([str(python), str(ispec_pool.SCRIPT)], settings)
        self._check_lines(first, last)
        self._hopeless: dict[Star, SynthesisFailed] = {}

    def _check_lines(self, first: float, last: float) -> None:
        low, high = self._pool.ready
        if low > first + LINES_MAY_LACK or high < last - LINES_MAY_LACK:
            self.close()
            raise UserError(
                f"synthesis.ispec_line_list: {self._synthesis.ispec_line_list} has lines from {low:.0f} to {high:.0f} "
                f"Å only; narrow spectrum.wavelength [{first:g}, {last:g}] or choose another"
            )

    @property
    def settings(self) -> dict[str, str]:
        """What the spectra depend on beside the labels, for the attributes of every file."""
        return {
            **self._description,
            "alpha_elements": " ".join(composition.ALPHA_ELEMENTS),
            "microturbulence": "Dutra-Ferreira et al. 2016, A&A 585, A75",
            "synthesis_step": f"{self._synthesis.step:g}",
            "synthesis_margin": f"{self._synthesis.margin:g}",
            "synthesis_pieces": str(len(self._pieces)),
        }

    def __call__(self, star: Star, safe: bool) -> tuple[np.ndarray, bool, str]:
        """Flux on the pixels (float64, shape (p,)), whether the star lies out of the atmosphere grid, and a note.

        Out of the grid: a structure of other labels than asked, or more carbon than oxygen, which no model of the
        grid has. `safe`, the second try, is worth its time only where the first worker died: else it fails at once,
        for the same reason. Raises SynthesisFailed.
        """
        if safe and star in self._hopeless:
            raise self._hopeless.pop(star)
        try:
            flux, note = self._pool.run(self._labels(star), self._synthesis.time_limit)
            flux = self._joined(flux)
            check_flux(flux)
        except SynthesisFailed as failure:
            if not isinstance(failure, ispec_pool.WorkerDied):
                self._hopeless[star] = failure
            raise
        carbon = self._solar[6] + star.c_fe > self._solar[8] + star.alpha_fe
        notes = [note, "C/O above 1" if carbon else ""]
        return self._response @ flux, bool(note) or carbon, ", ".join(filter(None, notes))

    def _labels(self, star: Star) -> dict[str, Any]:
        microturbulence = round(composition.microturbulence(star.teff, star.logg), 4)
        return {**vars(star), "microturbulence": microturbulence}

    def _joined(self, flux: np.ndarray) -> np.ndarray:
        """The interiors of all pieces, one after the other."""
        counts = [piece.count for piece in self._pieces]
        if len(flux) != sum(counts):
            raise SynthesisFailed(f"iSpec: {len(flux)} points came back, expected {sum(counts)}")
        parts = np.split(flux, np.cumsum(counts)[:-1])
        return np.concatenate([part[piece.keep] for part, piece in zip(parts, self._pieces, strict=True)])

    def close(self) -> None:
        """End the workers; a star at work is given up, not recorded as failed."""
        self._pool.close()
