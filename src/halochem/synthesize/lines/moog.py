"""linemake lists (MOOG format) as Turbospectrum lines.

linemake: Placco et al. 2021, RNAAS 5, 92. Columns: wavelength [Å, air], species code, excitation energy of the
lower level [eV], log gf, and for molecules the dissociation energy [eV] and a reference. A list carries no damping:
atoms get the Unsoeld approximation, for which Turbospectrum takes ABO theory instead where it has the transition
(ions of Barklem's tables need no level letters), molecules are broadened by radiation alone.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.species import Species, from_moog
from halochem.untrusted import MB, read_bytes

# Unsoeld's widths fall short of measured ones: the factors on them that the MARCS models use where there is nothing
# better (Gustafsson et al. 2008, A&A 486, 951, Sect. 3.3).
UNSOELD_FACTOR = 2.5
UNSOELD_FACTOR_IRON = 1.4
# Classical radiation damping, gamma = 2.223e15 / lambda^2 with lambda in Å (e.g. Gray 2005, Eq. 11.13, in Å).
CLASSICAL_DAMPING = 2.223e15
# Of molecules [rad/s]: lifetimes of their excited states are 20 ns to some microseconds. At this value the Lorentz
# part is below a thousandth of the Doppler width; left at 0, Turbospectrum would take gf for the upper level's f
# (there is no statistical weight in the list) and give the strong bands of TiO and MgH wings a hundred times too wide.
MOLECULAR_DAMPING = 1e7
SIZE_LIMIT, GZIP = 1024 * MB, b"\x1f\x8b"
JOIN_OVERLAP = 20.0  # Å, on either side of each multiple of 1000 Å
# CH B state: J of the last level below predissociation, by vibration (N = 15 and 6); higher vibrations have none.
LAST_SHARP_B_STATE = {"0": 15.5, "1": 6.5}
# Oscillator strength that no CH line reaches: three times that of the strongest electronic transition, C-X.
MAX_CH_F = 0.02


def read(path: Path | str, first: float, last: float) -> list[Lines]:
    """Lines between two wavelengths [Å] of a linemake file (.gz), one `Lines` a species, exact repeats dropped.

    The files repeat what lies within 20 Å of each multiple of 1000 Å, where linemake joins its pieces.
    Raises UserError for a missing or unreadable file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such linemake list; `halochem synthesize --prepare` fetches it")
    try:
        with open(path, "rb") as file:
            if file.read(2) != GZIP:
                raise ValueError("not gzipped")
        frame = _table(read_bytes(path, SIZE_LIMIT))
        frame = frame[frame["wavelength"].between(first, last)]
        frame = frame[~(frame.duplicated() & near_join(frame["wavelength"]))]
        frame = frame[~diffuse_ch(frame["code"], frame["transition"], frame["log_gf"])]
        return [
            convert(from_moog(code), *(group[name].to_numpy() for name in ("wavelength", "excitation", "log_gf")))
            for code, group in frame.groupby("code", sort=True)
        ]
    except (OSError, ValueError, UserError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path}: not a readable linemake list ({why}); delete it and prepare again") from None


def _table(text: bytes) -> pd.DataFrame:
    frame = pd.read_csv(
        io.BytesIO(text),
        sep=r"\s+",
        header=None,
        names=["wavelength", "code", "excitation", "log_gf", "dissociation", "transition"],
        dtype={"code": str, "wavelength": float, "excitation": float, "log_gf": float, "transition": str},
        low_memory=False,
    )
    short = frame[["wavelength", "code", "excitation", "log_gf"]].isna().any(axis=1).to_numpy()
    if short.any():
        raise ValueError(f"line {short.argmax() + 1} has fewer than four columns")
    return frame


def near_join(wavelength: pd.Series) -> pd.Series:
    """Whether a line [Å] lies where linemake joins its pieces, which overlap: bool, shape (n,).

    Elsewhere two equal rows are two lines, such as the halves of an unresolved doublet.
    """
    return (wavelength - 1000.0 * (wavelength / 1000.0).round()).abs() <= JOIN_OVERLAP


def diffuse_ch(code: pd.Series, transition: pd.Series, log_gf: pd.Series) -> np.ndarray:
    """Which CH lines come from levels above the dissociation limit, or are given impossible strengths: bool, (n,).

    Such a level lives too briefly for sharp lines, and the list's oscillator strengths for some run to hundreds of
    times the band's: against the observed Sun they are wrong by up to 0.3 Å of equivalent width. The last sharp
    levels of the B state are those of Herzberg & Johns 1969, ApJ 158, 399. For the other states the strengths
    tell: gf / (2J+1) may not exceed MAX_CH_F. A transition reads "BX10Q295": upper and lower state, upper and
    lower vibration, branch, J of the lower level in tenths.
    """
    parts = transition.fillna("").str.extract(r"^([ABC])X(\d)\d([PQR])(\d+)$")
    lower_j = pd.to_numeric(parts[3]) / 10.0
    upper_j = lower_j + parts[2].map({"P": -1.0, "Q": 0.0, "R": 1.0})
    last_sharp = parts[1].map(LAST_SHARP_B_STATE).fillna(-np.inf)
    predissociated = (parts[0] == "B") & (upper_j > last_sharp)
    impossible = 10.0**log_gf / (2.0 * lower_j + 1.0) > MAX_CH_F
    return (code.str.startswith("106.") & parts[0].notna() & (predissociated | impossible)).to_numpy()


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
        radiative=np.full(count, MOLECULAR_DAMPING) if species.is_molecule else CLASSICAL_DAMPING / wavelength**2,
        levels=np.full(count, "xx"),
    ).sorted()
