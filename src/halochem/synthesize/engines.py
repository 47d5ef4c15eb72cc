"""The engines: what turns a star into a clean spectrum on the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from halochem.config import Config
from halochem.errors import UserError
from halochem.synthesize import build, composition, ispec
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs import Marcs
from halochem.synthesize.atmospheres.structure import BadStructure
from halochem.synthesize.build import Installation
from halochem.synthesize.emulator import engine as emulator
from halochem.synthesize.instrument import response
from halochem.synthesize.lines import own_list, prepare
from halochem.synthesize.turbospectrum import (
    Star,
    SynthesisFailed,
    check_flux,
    remove_stale_scratch,
    run_star,
    synthesis_grid,
)
from halochem.wavelengths import pixel_grid

# Layers of the atmospheres: every second one left out above log tau = -4, all below 1.5. 56 of 80 remain, and the
# flux changes by at most 8e-4 at R = 2200 (docs/synthesis.md).
OUTER_LOG_TAU, INNER_LOG_TAU = -4.0, 1.5


class TurbospectrumEngine:
    """Turbospectrum driven directly."""

    name = "turbospectrum"

    def __init__(self, config: Config, installation: Installation) -> None:
        """Load the atmospheres of a configuration that passed `check_settings`."""
        remove_stale_scratch()
        self._settings = config.synthesis
        self._installation = installation
        self._pixels = pixel_grid(config.spectrum)
        first, last = config.spectrum.wavelength
        self._range = (first - self._settings.margin, last + self._settings.margin)
        self._resolution = config.spectrum.resolution
        self._responses: dict[tuple[str, int], csr_matrix] = {}
        self._atmospheres: C3K | Marcs
        if config.synthesis.atmospheres == "marcs":
            self._atmospheres, self._outer_log_tau = Marcs(config.synthesis.marcs_dir), Marcs.outer_log_tau
        else:
            self._atmospheres, self._outer_log_tau = C3K(installation.c3k), OUTER_LOG_TAU

    @property
    def settings(self) -> dict[str, str]:
        """What the spectra depend on beside the labels, for the attributes of every file."""
        synthesis = self._settings
        return {
            "engine": f"turbospectrum {self._installation.description['turbospectrum']}",
            "build": synthesis.build,
            "compiler": self._installation.description["compiler"],
            "atmospheres": synthesis.atmospheres,
            **(self._atmospheres.settings if isinstance(self._atmospheres, Marcs) else {}),
            **({"line_list": synthesis.line_list.name} if synthesis.line_list is not None else {}),
            "line_list_hash": self._installation.line_list_hash,
            "solar_composition": composition.SOLAR_SCALE,
            "alpha_elements": " ".join(composition.ALPHA_ELEMENTS),
            "microturbulence": "Dutra-Ferreira et al. 2016, A&A 585, A75",
            "synthesis_step": f"{synthesis.step:g}",
            "synthesis_margin": f"{synthesis.margin:g}",
        }

    def __call__(self, star: Star, safe: bool) -> tuple[np.ndarray, bool, str]:
        """Flux on the pixels (float64, shape (p,)), whether the star lies out of the atmosphere grid, and a note.

        Out of the grid: a label past its edge (the structure is that at the edge), or more carbon than oxygen, which
        no grid here has in its structures.

        `safe` takes the reference build. Raises SynthesisFailed.
        """
        structure = self._atmospheres(star.teff, star.logg, star.feh, star.alpha_fe)
        try:
            structure.check()
        except BadStructure as fault:
            raise SynthesisFailed(f"atmosphere: {fault}") from None
        # Spherical layers come out of the native build as no numbers.
        chosen = "reference" if safe or structure.spherical else self._settings.build
        flux = run_star(
            self._installation.builds[chosen],
            star,
            structure if safe else structure.thinned(self._outer_log_tau, INNER_LOG_TAU),
            [self._installation.line_lists[name] for name in lists_for(star)],
            self._range,
            self._settings.step,
            self._settings.time_limit,
        )
        check_flux(flux)
        carbon = composition.is_carbon_rich(star.c_fe, star.alpha_fe)
        note = ", ".join(part for part in (structure.note, "C/O above 1" if carbon else "") if part)
        return self._response(chosen, len(flux)) @ flux, structure.out_of_grid or carbon, note

    def _response(self, chosen: str, n_points: int) -> csr_matrix:
        """The spectrograph's matrix for a synthesis of `n_points`; the same for all stars of one build."""
        if (chosen, n_points) not in self._responses:
            wavelength = synthesis_grid(self._range[0], self._settings.step, n_points, geometric=chosen == "native")
            try:
                self._responses[chosen, n_points] = response(wavelength, self._pixels, self._resolution)
            except ValueError as fault:
                raise SynthesisFailed(f"bsyn: {fault}") from None
        return self._responses[chosen, n_points]


def lists_for(star: Star) -> list[str]:
    """The names of the line lists that a star is computed with."""
    return ["atoms", "molecules", *(["cool"] if needs_cool_list(star) else [])]


def needs_cool_list(star: Star) -> bool:
    """Whether TiO and FeH change a star's flux by more than 0.001 at R = 2200 (docs/synthesis.md: measured)."""
    return star.teff < 4900.0 + 400.0 * (star.feh + star.alpha_fe)


def check_settings(config: Config) -> None:
    """Raise UserError where the configuration asks for a synthesis that no engine here can do."""
    if config.synthesis.engine == "emulator":
        emulator.check_settings(config)
        return
    if config.synthesis.engine == "ispec":
        ispec.check_settings(config)
        return
    own = config.synthesis.line_list
    if own is not None and not own.exists():
        raise UserError(f"synthesis.line_list: {own}: no such file or folder")
    marcs = config.synthesis.marcs_dir
    if config.synthesis.atmospheres == "marcs" and not marcs.expanduser().is_dir():
        raise UserError(f"synthesis.marcs_dir: {marcs}: no such folder; set it to a folder of MARCS models")
    first, last = config.spectrum.wavelength
    margin = config.synthesis.margin
    if first - margin < prepare.FIRST or last + margin > prepare.LAST:
        raise UserError(
            f"spectrum.wavelength [{first:g}, {last:g}] with synthesis.margin {margin:g} reaches beyond the line "
            f"lists, {prepare.FIRST:g}-{prepare.LAST:g} Å; narrow one of the two"
        )


def make(config: Config, engine_json: Path) -> TurbospectrumEngine | emulator.EmulatorEngine | ispec.IspecEngine:
    """The engine that the configuration asks for, checked. Raises UserError when it cannot be had."""
    if config.synthesis.engine == "emulator":
        return emulator.EmulatorEngine(config)
    if config.synthesis.engine == "ispec":
        return ispec.IspecEngine(config)
    check_settings(config)
    installation = build.load(engine_json)
    if config.synthesis.line_list is not None:
        installation = own_list.install(installation, config.synthesis.line_list)
    return TurbospectrumEngine(config, installation)
