"""VALD extracts as Turbospectrum lines: short and long, "all", "element" and "stellar".

VALD3: Ryabchikova et al. 2015, Phys. Scr. 90, 054005. What each column becomes is told in docs/line-lists.md. In short:

- The header row gives the units. Vacuum wavelengths become air ones, with VALD's own formula.
- Oscillator strengths that VALD scaled by the isotopes' solar fractions are written under the species without an
  isotope, which Turbospectrum leaves as they are; those not scaled under the isotope, which it scales.
- van der Waals: sigma.alpha of ABO theory and log10 of the width as they come; Unsoeld's approximation where there is
  neither. The long format names the levels, from which Turbospectrum knows the transition's ABO table.
- Radiation damping: classical where there is none, a constant for molecules (lines/moog.py).
- Stark widths: log10 as they come; Turbospectrum's own approximation where there is none.
- Lande factors and central depths have no place in the list and are passed over.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from halochem import untrusted
from halochem.errors import UserError
from halochem.synthesize.lines import vald_names
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.moog import CLASSICAL_DAMPING, MOLECULAR_DAMPING, UNSOELD_FACTOR, UNSOELD_FACTOR_IRON
from halochem.synthesize.lines.species import Species

log = logging.getLogger("halochem")

EV_PER_WAVENUMBER = 1.239841984e-4  # h c in eV cm
# Ten times what VALD sends at most; no number of a line is as large, no log10 of one either.
SIZE_LIMIT, ROW_LIMIT = 512 * untrusted.MB, 2000
LARGEST, LARGEST_LOG, SHORTEST = 1e9, 60.0, 1e-3
FIRST_ABO = 20.0  # a van der Waals value above it is sigma.alpha
AIR_FROM = 2000.0  # Å: below, "air" wavelengths are vacuum ones

_LONG = (
    *("wavelength", "log_gf", "excitation", "j_lower", "e_upper", "j_upper"),
    *("lande_lower", "lande_upper", "lande", "radiative", "stark", "waals"),
)
_SHORT = ("wavelength", "excitation", "log_gf", "radiative", "stark", "waals", "lande")
_FOOTNOTE = re.compile(r"\* oscillator strengths were (NOT )?scaled")
_ROW = re.compile(r"'([^']*)',([^']*)('.*)?$")


@dataclass(frozen=True)
class Header:
    """What the header row of an extract says."""

    row: int  # its number in the file, from 1
    long: bool
    names: tuple[str, ...]  # of the numbers between species and references
    vacuum: bool
    wavelength_unit: str  # "A", "nm" or "cm^-1" (a wavenumber)
    energy_factor: float  # to eV


@dataclass(frozen=True)
class Record:
    """One line as the extract has it."""

    row: int
    species: str
    values: dict[str, float]
    levels: str
    references: str  # its last word names the species with its isotopes


def is_vald(path: Path) -> bool:
    """Whether a file looks like a VALD extract: it has VALD's header row."""
    return any(_is_header(row) for row in _rows(path)[:100])


def read(path: Path | str) -> list[Lines]:
    """The lines of an extract (also gzipped), one `Lines` a species, ascending in wavelength.

    Hydrogen, and species that Turbospectrum does not know, are left out with a word in the log. Raises UserError,
    naming file and row, for a file that is no extract, is cut off, or holds something else.
    """
    path = Path(path)
    rows = _rows(path)
    header = _header(rows, path)
    scaled = _scaled(rows, path)
    names: dict[tuple[str, str], Species] = {}
    found: dict[Species, list[Record]] = {}
    count = 0
    for record in _records(rows, header, path):
        key = (record.species, vald_names.tag(record.references))
        if key not in names:
            names[key] = _species(*key, scaled, f"{path}, row {record.row}")
        found.setdefault(names[key], []).append(record)
        count += 1
    if not count:
        raise UserError(f"{path}, row {header.row + 1}: no line follows the header; expected a row like 'Fe 1', ...")
    _tell(rows, count, path)
    return _known([_convert(species, records, header) for species, records in sorted(found.items())], path)


# --- the file ---------------------------------------------------------------------------------------------


def _rows(path: Path) -> list[str]:
    if not path.is_file():
        raise UserError(f"{path}: no such line list; expected a VALD extract")
    rows = untrusted.read_bytes(path, SIZE_LIMIT).decode("latin-1").splitlines()  # VALD gzips its extracts
    for number, row in enumerate(rows, 1):
        if len(row) > ROW_LIMIT:
            raise UserError(f"{path}, row {number}: {len(row)} characters, expected a row of VALD's or of a list")
    return rows


def _is_header(row: str) -> bool:
    return row.split()[:2] in (["Elm", "Ion"], ["Spec", "Ion"])


def _header(rows: list[str], path: Path) -> Header:
    number = next((i for i, row in enumerate(rows[:100], 1) if _is_header(row)), None)
    if number is None:
        raise UserError(f"{path}: not a VALD extract: no header row that begins with Elm Ion or Spec Ion")
    row = rows[number - 1]
    wavelength = re.search(r"W[LN]_(air|vac)\((A|nm|cm\^-1)\)", row)
    energy = re.search(r"(Excit|E_low)\((eV|cm\^-1)\)", row)
    if wavelength is None or energy is None or not _in_order(row, ("gf", "Rad", "Stark", "Waals")):
        raise UserError(
            f"{path}, row {number}: expected VALD's header with WL_air(A) or WL_vac(A), Excit(eV) or E_low(eV), "
            f"log gf, Rad., Stark, Waals; got {' '.join(row.split())[:80]!r}"
        )
    long = energy[1] == "E_low"
    names = _LONG if long else _SHORT
    if re.search(r"\bVmic\b", row):
        names = (*names[:2], "vmic", *names[2:])
    if re.search(r"\bdepth\b", row):
        names = (*names, "depth")
    return Header(
        number, long, names, wavelength[1] == "vac", wavelength[2], 1.0 if energy[2] == "eV" else EV_PER_WAVENUMBER
    )


def _in_order(row: str, words: tuple[str, ...]) -> bool:
    place = 0
    for word in words:
        place = row.find(word, place)
        if place < 0:
            return False
    return "log" in row


def _scaled(rows: list[str], path: Path) -> bool:
    """Whether oscillator strengths hold the isotopes' fractions. It stands below the lines, so its lack tells a cut."""
    for row in rows:
        note = _FOOTNOTE.match(row)
        if note:
            return note[1] is None
    raise UserError(
        f"{path}, row {len(rows)}: the extract ends without VALD's note `* oscillator strengths were scaled ...` or "
        "`... NOT scaled ...`: it was cut off; fetch it again from VALD"
    )


def _records(rows: list[str], header: Header, path: Path) -> Iterator[Record]:
    numbered = ((i, row) for i, row in enumerate(rows, 1) if i > header.row and not row.startswith("#"))
    for number, row in numbered:
        if not row.strip():
            continue
        match = _ROW.match(row.rstrip())
        # The note on scaling, the references, the model atmosphere and its abundances: 'H :  0.92','He: -1.11',
        if row.startswith("*") or row.strip() == "References:":
            return
        if match and not match[2].strip() and not vald_names.is_species(match[1]):
            return
        if match is None:
            raise UserError(f"{path}, row {number}: expected a row like 'Fe 1', 5000.5066, ...; got {row[:40]!r}")
        species, numbers, references = match.groups()
        values = _values(numbers, header, f"{path}, row {number}")
        levels = "xx"
        if header.long:
            levels, references = _long_rows(numbered, f"{path}, row {number}: {species} is cut off")
        elif references is None or len(references) < 2 or not references.endswith("'"):
            raise UserError(f"{path}, row {number}: the row is cut off before the end of its references")
        yield Record(number, species, values, levels, references)


def _values(numbers: str, header: Header, where: str) -> dict[str, float]:
    words = numbers.strip().rstrip(",").split(",")
    if len(words) != len(header.names):
        raise UserError(f"{where}: expected {len(header.names)} numbers after the species, got {len(words)}")
    values = {}
    for name, word in zip(header.names, words, strict=True):
        try:
            values[name] = float(word)
        except ValueError:
            values[name] = np.nan
        if not abs(values[name]) < LARGEST:
            raise UserError(f"{where}: expected a number for {name}, got {untrusted.short(word.strip())}")
    if not values["wavelength"] >= SHORTEST or values["excitation"] < 0:
        raise UserError(f"{where}: expected a wavelength above 0 and an excitation energy of 0 or more")
    for name in ("log_gf", "radiative", "stark"):
        if not abs(values[name]) < LARGEST_LOG:
            raise UserError(f"{where}: {name} {values[name]:g}: expected a log10")
    if values["stark"] > 0:
        raise UserError(f"{where}: Stark value {values['stark']:g}: expected 0 or a negative log10")
    if 0 < values["waals"] <= FIRST_ABO:
        raise UserError(
            f"{where}: van der Waals value {values['waals']:g}: expected 0, a negative log10 or sigma.alpha above 20"
        )
    return values


def _long_rows(numbered: Iterator[tuple[int, str]], cut: str) -> tuple[str, str]:
    """The three rows that follow in the long format: the two levels, then the references."""
    lower, upper, references = (next(numbered, (0, ""))[1].rstrip() for _ in range(3))
    for level in (lower, upper):
        if not re.match(r"'? ", level):
            raise UserError(f"{cut}: expected the rows of its two levels, got {level[:40]!r}")
    if not re.match(r"'?_.*", references) or (references.startswith("'") and not references.endswith("'")):
        raise UserError(f"{cut}: expected the row of its references, got {references[:40]!r}")
    return vald_names.level_letters(lower, upper), references


def _species(name: str, tag: str, scaled: bool, where: str) -> Species:
    try:
        species = vald_names.species(name, tag)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return Species(species.atoms, (0,) * len(species.atoms), species.charge) if scaled else species


# --- the numbers ------------------------------------------------------------------------------------------


def air_wavelength(vacuum: np.ndarray) -> np.ndarray:
    """Wavelength in air [Å] of one in vacuum [Å]; the same below 2000 Å. Arrays of any shape.

    VALD's own formula: Morton 2000, ApJS 130, 403, after Birch & Downs 1994, Metrologia 31, 315; dry air at 15 C and
    1 atm.
    """
    square = (1e4 / vacuum) ** 2
    index = 1 + 8.34254e-5 + 2.406147e-2 / (130 - square) + 1.5998e-4 / (38.9 - square)
    return np.where(vacuum < AIR_FROM, vacuum, vacuum / index)


def _convert(species: Species, records: list[Record], header: Header) -> Lines:
    def column(name: str) -> np.ndarray:
        return np.array([record.values[name] for record in records])

    wavelength = column("wavelength")
    if header.wavelength_unit == "cm^-1":
        wavelength = 1e8 / wavelength
    elif header.wavelength_unit == "nm":
        wavelength = 10.0 * wavelength
    # There is no such thing as a wavenumber in air.
    if header.vacuum or header.wavelength_unit == "cm^-1":
        wavelength = air_wavelength(wavelength)
    radiative, waals = column("radiative"), column("waals")
    if species.is_molecule:
        none, waals = np.full(len(records), MOLECULAR_DAMPING), np.zeros(len(records))
    else:
        none = CLASSICAL_DAMPING / wavelength**2
        waals[waals == 0] = UNSOELD_FACTOR_IRON if species.atoms[0] == 26 else UNSOELD_FACTOR
    return Lines(
        species=species,
        wavelength=wavelength,
        excitation=column("excitation") * header.energy_factor,
        log_gf=column("log_gf"),
        damping=waals,
        upper_weight=2 * column("j_upper") + 1 if header.long else np.ones(len(records)),
        radiative=np.where(radiative == 0, none, 10.0**radiative),
        levels=np.full(len(records), "xx") if species.is_molecule else np.array([r.levels for r in records]),
        stark=np.zeros(len(records)) if species.is_molecule else column("stark"),
    ).sorted()


# --- what the log tells -----------------------------------------------------------------------------------


def _tell(rows: list[str], count: int, path: Path) -> None:
    for number, row in enumerate(rows[:100], 1):
        if "truncated" in row:
            log.warning("%s, row %d: VALD says: %s", path, number, row.strip())
        selected = re.match(r"\s*[\d.]+,\s*[\d.]+,\s*(\d+),.*lines selected", row)
        if selected and int(selected[1]) != count:
            log.warning("%s, row %d: VALD selected %s lines, the file holds %d", path, number, selected[1], count)


def _known(lists: list[Lines], path: Path) -> list[Lines]:
    hydrogen = [lines for lines in lists if lines.species.atoms == (1,)]
    if hydrogen:
        log.info("%s: %d lines of hydrogen left out: Turbospectrum has its own", path, sum(map(len, hydrogen)))
    others = [lines for lines in lists if lines.species.atoms != (1,)]
    unknown = [lines for lines in others if not vald_names.in_turbospectrum(lines.species)]
    if unknown:
        names = ", ".join(f"{lines.species.name} ({len(lines)} lines)" for lines in unknown)
        log.warning("%s: left out, for Turbospectrum does not know them: %s", path, names)
    return [lines for lines in others if vald_names.in_turbospectrum(lines.species)]
