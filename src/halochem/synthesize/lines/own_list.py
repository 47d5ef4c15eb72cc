"""A user's own line list in place of the prepared ones: VALD extracts, Turbospectrum lists, or a folder of them.

Within its range the user's list is the truth: its atoms replace all prepared atoms from the first to the last of them,
each of its molecules replaces the prepared lines of that molecule in the same way. What it does not hold comes from the
prepared lists, as do the wavelengths beyond it. The result is kept beside the prepared lists, in a folder named after
what it was made from, so that one job converts and all others read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError
from halochem.files import sha256
from halochem.synthesize.build import Installation
from halochem.synthesize.lines import bsyn_list, native_list, prepare, vald, vald_names
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.species import SYMBOLS, Species

log = logging.getLogger("halochem")

VERSION = 3  # of the conversion: another one makes the kept lists anew
# Å: lists give one line at wavelengths that differ by as much, and the user's first and last must not be there twice.
EDGE = 0.05
# TiO and FeH: the molecules of the list that only cool stars are computed with.
COOL = ((8, 22), (1, 26))
TITANIUM = SYMBOLS.index("Ti") + 1
# Rosman & Taylor 1998.
TITANIUM_FRACTIONS = {46: 0.0825, 47: 0.0744, 48: 0.7372, 49: 0.0541, 50: 0.0518}


def install(installation: Installation, path: Path) -> Installation:
    """The installation with the user's lines in its lists, converted now or found converted before.

    `path`: a VALD extract, a Turbospectrum list, or a folder that holds nothing else. Raises UserError.
    """
    files = _files(path)
    key = _key(files, installation)
    folder = installation.line_lists["atoms"].parent / "own" / key
    if not folder.is_dir():
        _convert(files, path, installation, folder)
    summary = _summary(folder)
    changed = {name: folder / f"{name}.bsyn" for name in summary["lists"]}
    for name, file in changed.items():
        native_list.check(file, summary["lists"][name], f"delete {folder}")
    hashes = {name: summary["lists"][name]["sha256"] for name in changed}
    return replace(
        installation,
        line_lists={**installation.line_lists, **changed},
        line_list_hashes={**installation.line_list_hashes, **hashes},
    )


def read(files: list[Path]) -> list[Lines]:
    """The lines of several files, one `Lines` a species. Where files overlap in a species, the first has it."""
    lists: list[Lines] = []
    for file in files:
        new = vald.read(file) if vald.is_vald(file) else _read_bsyn(file)
        lists = bsyn_list.merge([*lists, *(_outside(lines, _same(lines, lists)) for lines in new)])
    return [lines for lines in lists if len(lines)]


def combine(own: list[Lines], prepared: Callable[[str], list[Lines]]) -> dict[str, list[Lines]]:
    """The prepared lists that change (name -> lines), with the user's lines in place of theirs.

    `prepared` reads one of them, by its name.
    """
    own = [lines.between(prepare.FIRST, prepare.LAST) for lines in map(_natural_titanium, own)]
    own = [lines for lines in own if len(lines)]
    taken: dict[str, list[Lines]] = {}
    for lines in own:
        name = "cool" if lines.species.atoms in COOL else "molecules"
        taken.setdefault(name if lines.species.is_molecule else "atoms", []).append(lines)
    result = {}
    for name, mine in taken.items():
        rest = []
        for lines in prepared(name):
            # All atoms give way together, for one that the user's list lacks was left out of it on purpose.
            rest.append(_outside(lines, mine if name == "atoms" else _same(lines, mine)))
        result[name] = bsyn_list.merge([*rest, *mine])
    return result


# --- lines ------------------------------------------------------------------------------------------------


def _same(lines: Lines, lists: list[Lines]) -> list[Lines]:
    """Those of `lists` that hold the same atom, ion or molecule, of whatever isotopes."""
    species = lines.species
    return [other for other in lists if (other.species.atoms, other.species.charge) == (species.atoms, species.charge)]


def _outside(lines: Lines, others: list[Lines]) -> Lines:
    """The lines below the first and above the last of others; all of them where there is no other."""
    if not others:
        return lines
    first = min(other.wavelength[0] for other in others)
    last = max(other.wavelength[-1] for other in others)
    return lines.select((lines.wavelength < first - EDGE) | (lines.wavelength > last + EDGE))


def _natural_titanium(lines: Lines) -> Lines:
    """Lines of a titanium isotope as lines of titanium, scaled here by its natural fraction.

    A run is told that there is no 48Ti but more 47Ti and 49Ti, since the prepared TiO lacks it (composition.py). The
    user's TiO, which has it, must not meet those fractions.
    """
    species = lines.species
    if TITANIUM not in species.atoms or not species.isotopes[species.atoms.index(TITANIUM)]:
        return lines
    where = species.atoms.index(TITANIUM)
    fraction = TITANIUM_FRACTIONS.get(species.isotopes[where], 0.0)
    if not fraction:
        return lines.select(np.zeros(len(lines), bool))
    isotopes = tuple(0 if i == where else mass for i, mass in enumerate(species.isotopes))
    return replace(
        lines,
        species=Species(species.atoms, isotopes, species.charge),
        log_gf=lines.log_gf + math.log10(fraction),
    )


def _read_bsyn(path: Path) -> list[Lines]:
    try:
        lists = bsyn_list.read(path)
    except UserError as error:
        fault = str(error).partition("; delete it")[0]
        raise UserError(f"{fault}; expected a VALD extract or a Turbospectrum list") from None
    known = [lines.sorted() for lines in lists if lines.species.atoms != (1,)]
    for lines in known:
        if not vald_names.in_turbospectrum(lines.species):
            raise UserError(f"{path}: Turbospectrum has no partition function or pressure of {lines.species.name}")
    if not any(len(lines) for lines in known):
        raise UserError(f"{path}: no line in it; expected a VALD extract or a Turbospectrum list")
    return bsyn_list.merge(known)


# --- files ------------------------------------------------------------------------------------------------


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        if not files:
            raise UserError(f"{path}: no line list in this folder; expected VALD extracts or Turbospectrum lists")
        return files
    if not path.is_file():
        raise UserError(f"synthesis.line_list: {path}: no such file; expected a VALD extract or a Turbospectrum list")
    return [path]


def _key(files: list[Path], installation: Installation) -> str:
    parts = [str(VERSION), *(sha256(file) for file in files), *installation.line_list_hashes.values()]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def _convert(files: list[Path], path: Path, installation: Installation, folder: Path) -> None:
    log.info("%s: converting", path)
    own = read(files)
    changed = combine(own, lambda name: bsyn_list.read(installation.line_lists[name]))
    if not changed:
        raise UserError(f"{path}: no line within {prepare.FIRST:g}-{prepare.LAST:g} Å, the range of the synthesis")
    summary: dict[str, Any] = {
        "files": {file.name: sha256(file) for file in files},
        "own": {lines.species.name: [len(lines), *_ends([lines])] for lines in own},
        "lists": {},
    }
    work = _temporary(folder.parent)
    try:
        for name, lists in changed.items():
            comment = f"{path.name} and the prepared list"
            summary["lists"][name] = native_list.write(lists, work / f"{name}.bsyn", _ascii(comment))
        (work / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        work.chmod(0o755)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # not because another job was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    log.info(
        "%s: %d lines of %d species, %s, in the list%s %s: %s",
        *(path, sum(map(len, own)), len(own), _range(own), "s" if len(changed) > 1 else "", ", ".join(changed)),
        _describe(own),
    )


def _temporary(parent: Path) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=parent, prefix=".convert-"))
    except OSError as error:
        raise UserError(f"{parent}: cannot keep the converted line list there ({error.strerror})") from None


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        whole = all({"sha256", "binary_sha256"} <= summary["lists"][name].keys() for name in summary["lists"])
        if not (whole and set(summary["lists"]) <= set(prepare.LISTS)):
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{folder}: no readable summary.json in it; delete the folder") from None
    return summary


def _ends(lists: list[Lines]) -> tuple[float, float]:
    first = min(lines.wavelength[0] for lines in lists)
    return round(float(first), 3), round(float(max(lines.wavelength[-1] for lines in lists)), 3)


def _range(lists: list[Lines]) -> str:
    return "{:.3f}-{:.3f} Å".format(*_ends(lists))


def _describe(lists: list[Lines], most: int = 8) -> str:
    largest = sorted(lists, key=len, reverse=True)
    named = [f"{lines.species.name} {len(lines)} ({_range([lines])})" for lines in largest[:most]]
    return ", ".join(named) + (f" and {len(lists) - most} more, see summary.json" if len(lists) > most else "")


def _ascii(text: str) -> str:
    # A line feed in a file's name would end the comment's row.
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable.encode("ascii", "replace").decode().replace("'", " ")
