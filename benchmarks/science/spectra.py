"""Spectra for the science checks: the pipeline's own engine, each star computed once and kept in results/science/."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from halochem.config import Config
from halochem.files import atomic
from halochem.synthesize import build
from halochem.synthesize.build import Installation
from halochem.synthesize.engines import TurbospectrumEngine
from halochem.synthesize.lines import bsyn_list, native_list
from halochem.synthesize.turbospectrum import Star
from halochem.wavelengths import pixel_grid

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures"
CACHE = ROOT / "results" / "science"
FULL = (4000.0, 10400.0)
REACH = 100.0  # Å beyond a range, further than the synthesis goes

log = logging.getLogger("halochem")


def default_engine() -> Path:
    """$HALOCHEM_ENGINE, else where `halochem synthesize --prepare` puts the description of what it built."""
    return Path(os.environ.get("HALOCHEM_ENGINE", ROOT / "resources" / "turbospectrum" / "engine.json"))


class Synthesiser:
    """Clean spectra on the pipeline's pixels and resolution, over one wavelength range [Å, air].

    `step` [Å] is that of the synthesis (None: the configuration's default). `cache` is the folder where spectra
    are kept under a hash of all that they depend on; None keeps nothing. `without` names molecules to leave out of
    the line list ("CH", "C2"), for finding out which absorber does what. `engine` is the description of what
    `halochem synthesize --prepare` built (None: this checkout's, or $HALOCHEM_ENGINE).
    """

    def __init__(
        self,
        wavelength: tuple[float, float] = FULL,
        step: float | None = None,
        cache: Path | None = CACHE,
        without: tuple[str, ...] = (),
        engine: Path | None = None,
    ) -> None:
        synthesis = {} if step is None else {"step": step}
        self._config = Config(spectrum={"wavelength": wavelength}, synthesis=synthesis)
        self.pixels = pixel_grid(self._config.spectrum)
        installation = build.load(engine or default_engine())
        self._folder = tempfile.TemporaryDirectory(prefix="halochem-science-")  # gone with this object
        if without:
            installation = leave_out(installation, without, wavelength, Path(self._folder.name))
        self._engine = TurbospectrumEngine(self._config, installation)
        self._cache = cache
        left_out = {"without": without} if without else {}
        self._key = json.dumps({"wavelength": wavelength, **left_out, **self._engine.settings}, sort_keys=True)

    def __call__(self, star: Star) -> np.ndarray:
        """Flux, continuum = 1: float64, shape (p,), for the wavelengths `pixels`. Raises SynthesisFailed."""
        if self._cache is None:
            return self._engine(star, False)[0]
        digest = hashlib.sha256(f"{self._key}{sorted(asdict(star).items())}".encode()).hexdigest()[:16]
        path = self._cache / f"{digest}.npy"
        if not path.is_file():
            start = time.monotonic()
            flux = self._engine(star, False)[0]
            log.info("%s: %.0f s", star, time.monotonic() - start)
            with atomic(path) as temporary, open(temporary, "wb") as file:
                np.save(file, flux)
        return np.load(path)


def leave_out(
    installation: Installation, without: tuple[str, ...], wavelength: tuple[float, float], folder: Path
) -> Installation:
    """The same installation with a list `molecules` of its own in `folder`: some missing, and cut to the range."""
    lists = bsyn_list.read(installation.line_lists["molecules"])
    names = {lines.species.name.split()[0] for lines in lists}
    assert names.issuperset(without), f"no such molecule in the list: {set(without) - names}"
    kept = [lines for lines in lists if lines.species.name.split()[0] not in without]
    path = folder / "molecules.bsyn"
    native_list.write([lines.between(wavelength[0] - REACH, wavelength[1] + REACH) for lines in kept], path, "reduced")
    return replace(installation, line_lists={**installation.line_lists, "molecules": path})
