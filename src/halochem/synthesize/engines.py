"""The engines: what turns a star into a clean spectrum on the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from halochem.config import Config
from halochem.errors import UserError
from halochem.synthesize import build, composition
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.structure import BadStructure
from halochem.synthesize.build import Installation
from halochem.synthesize.instrument import response
from halochem.synthesize.ispec_location import find_ispec
from halochem.synthesize.lines import prepare
from halochem.synthesize.turbospectrum import Star, SynthesisFailed, check_flux, run_star
from halochem.wavelengths import pixel_grid

# TiO and FeH are left out above this temperature; docs/synthesis.md gives the error that makes.
COOL_TEFF = 4500.0


class TurbospectrumEngine:
    """Turbospectrum driven directly, with c3k atmospheres."""

    name = "turbospectrum"

    def __init__(self, config: Config, installation: Installation) -> None:
        """Check the configured range against the line lists and load the atmospheres."""
        self._settings = config.synthesis
        self._installation = installation
        self._pixels = pixel_grid(config.spectrum)
        first, last = config.spectrum.wavelength
        self._range = (first - self._settings.margin, last + self._settings.margin)
        if self._range[0] < prepare.FIRST or self._range[1] > prepare.LAST:
            raise UserError(
                f"spectrum.wavelength [{first:g}, {last:g}] with synthesis.margin {self._settings.margin:g} reaches "
                f"beyond the line lists, {prepare.FIRST:g}-{prepare.LAST:g} Å; narrow one of the two"
            )
        count = int((self._range[1] - self._range[0]) / self._settings.step) + 1
        wavelength = self._range[0] + self._settings.step * np.arange(count)
        self._response = response(wavelength, self._pixels, config.spectrum.resolution)
        self._atmospheres = C3K(installation.c3k)

    @property
    def settings(self) -> dict[str, str]:
        """What the spectra depend on beside the labels, for the attributes of every file."""
        synthesis = self._settings
        return {
            "engine": f"turbospectrum {self._installation.description['turbospectrum']}",
            "build": synthesis.build,
            "compiler": self._installation.description["compiler"],
            "atmospheres": synthesis.atmospheres,
            "line_list_hash": self._installation.line_list_hash,
            "solar_composition": composition.SOLAR_SCALE,
            "alpha_elements": " ".join(composition.ALPHA_ELEMENTS),
            "microturbulence": "Dutra-Ferreira et al. 2016, A&A 585, A75",
            "synthesis_step": f"{synthesis.step:g}",
            "synthesis_margin": f"{synthesis.margin:g}",
        }

    def __call__(self, star: Star, safe: bool) -> tuple[np.ndarray, bool, str]:
        """Flux on the pixels (float64, shape (p,)), whether the star lies out of the atmosphere grid, and a note.

        `safe` takes the reference build. Raises SynthesisFailed.
        """
        structure = self._atmospheres(star.teff, star.logg, star.feh, star.alpha_fe)
        try:
            structure.check()
        except BadStructure as fault:
            raise SynthesisFailed(f"atmosphere: {fault}") from None
        lists = ["atoms", "molecules", *(["cool"] if star.teff < COOL_TEFF else [])]
        _, flux = run_star(
            self._installation.builds["reference" if safe else self._settings.build],
            star,
            structure,
            [self._installation.line_lists[name] for name in lists],
            self._range,
            self._settings.step,
            self._settings.time_limit,
        )
        if len(flux) != self._response.shape[1]:
            raise SynthesisFailed(f"bsyn: {len(flux)} points written, expected {self._response.shape[1]}")
        check_flux(flux)
        return self._response @ flux, structure.out_of_grid, structure.note


def make(config: Config, engine_json: Path) -> TurbospectrumEngine:
    """The engine that the configuration asks for, checked. Raises UserError when it cannot be had."""
    if config.synthesis.engine == "ispec":
        folder = find_ispec(config.synthesis.ispec_dir)
        raise UserError(
            f"synthesis.engine: ispec: this version does not drive iSpec yet ({folder} was found); "
            "set synthesis.engine: turbospectrum"
        )
    return TurbospectrumEngine(config, build.load(engine_json))
