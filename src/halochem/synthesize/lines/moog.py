"""linemake lists (MOOG format) as Turbospectrum lines.

linemake: Placco et al. 2021, RNAAS 5, 92. Columns: wavelength [Å, air], species code, excitation energy of the
lower level [eV], log gf, and for molecules the dissociation energy [eV] and a reference. A list carries no damping:
atoms get the Unsoeld approximation, for which Turbospectrum takes ABO theory instead where it has the transition
(ions of Barklem's tables need no level letters), molecules are broadened by radiation alone.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.species import Species, from_moog

# Unsoeld's widths fall short of measured ones: the factors on them that the MARCS models use where there is nothing
# better (Gustafsson et al. 2008, A&A 486, 951, Sect. 3.3).
UNSOELD_FACTOR = 2.5
UNSOELD_FACTOR_IRON = 1.4
# Classical radiation damping, gamma = 2.223e15 / lambda^2 with lambda in Å (e.g. Gray 2005, Eq. 11.13, in Å).
CLASSICAL_DAMPING = 2.223e15


def read(path: Path | str, first: float, last: float) -> list[Lines]:
    """Lines between two wavelengths [Å] of a linemake file (.gz), one `Lines` a species, exact repeats dropped.

    The files repeat what lies within 20 Å of each multiple of 1000 Å, where linemake joins its pieces.
    Raises UserError for a missing or unreadable file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such linemake list; `halochem synthesize --prepare` fetches it")
    try:
        text = gzip.decompress(path.read_bytes())
        frame = pd.read_csv(
            io.BytesIO(text),
            sep=r"\s+",
            header=None,
            usecols=[0, 1, 2, 3],
            names=["wavelength", "code", "excitation", "log_gf"],
            dtype={"code": str, "wavelength": float, "excitation": float, "log_gf": float},
        )
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path}: not a readable linemake list ({error}); delete it and prepare again") from None
    frame = frame[frame["wavelength"].between(first, last)].drop_duplicates()
    return [
        convert(from_moog(str(code)), *(group[name].to_numpy() for name in ("wavelength", "excitation", "log_gf")))
        for code, group in frame.groupby("code", sort=True)
    ]


def convert(species: Species, wavelength: np.ndarray, excitation: np.ndarray, log_gf: np.ndarray) -> Lines:
    """Turbospectrum lines of one species from what linemake gives; arrays of shape (n,)."""
    count = len(wavelength)
    if species.is_molecule:
        damping = np.zeros(count)
    else:
        damping = np.full(count, UNSOELD_FACTOR_IRON if species.atoms[0] == 26 else UNSOELD_FACTOR)
    return Lines(
        species=species,
        wavelength=wavelength,
        excitation=excitation,
        log_gf=log_gf,
        damping=damping,
        upper_weight=np.ones(count),
        radiative=np.zeros(count) if species.is_molecule else CLASSICAL_DAMPING / wavelength**2,
        levels=np.full(count, "xx"),
    ).sorted()
