"""Turbospectrum line lists: reading, checking, cutting, writing.

A list is a run of blocks, one a species: a header `'26.000' ion count`, a comment, and `count` lines of
wavelength [Å, air], excitation energy of the lower level [eV], log gf, damping by hydrogen, statistical weight of
the upper level, radiative damping [rad/s], where the species has it the Stark width, and the two levels' letters. The
damping column holds an ABO number
(above 20: sigma.alpha), log10 of the van der Waals width per perturber at 10 000 K (negative), or a factor on the
Unsoeld value (0 to 20).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from halochem import untrusted
from halochem.errors import UserError
from halochem.files import atomic, sha256
from halochem.synthesize.lines.species import Species, from_turbospectrum

# The prepared list of molecules has 100 MB; lists of TiO in this form run to a gigabyte.
SIZE_LIMIT, ROW_LIMIT, SHORTEST_ROW = 4096 * untrusted.MB, 2000, 12
LARGEST = 1e30
_HEADER = re.compile(r"^\s*'\s*([\d.]+)\s*'\s+(\d+)\s+(\d+)\s*$")
NUMBERS = ("wavelength", "excitation", "log_gf", "damping", "upper_weight", "radiative")
_COLUMNS = (*NUMBERS, "levels", "stark")


@dataclass
class Lines:
    """The lines of one species, ascending in wavelength; every array has shape (n,)."""

    species: Species
    wavelength: np.ndarray  # Å, air
    excitation: np.ndarray  # eV, lower level
    log_gf: np.ndarray
    damping: np.ndarray  # as in the module's docstring
    upper_weight: np.ndarray  # 2J+1 of the upper level
    radiative: np.ndarray  # rad/s; 0: Turbospectrum's own (classical) value
    levels: np.ndarray  # "s" "p" ... of the lower and the upper level, two letters; "x": unknown
    # log10 of the Stark width per electron at 10 000 K, rad/s cm3 (negative); 0: Turbospectrum's own. Atoms alone.
    stark: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.stark is None:
            self.stark = np.zeros(len(self.wavelength))

    def __len__(self) -> int:
        return len(self.wavelength)

    def select(self, keep: np.ndarray) -> Lines:
        """The lines where `keep` (bool mask or indices) says so."""
        return Lines(self.species, *(getattr(self, name)[keep] for name in _COLUMNS))

    def between(self, first: float, last: float) -> Lines:
        """The lines of a wavelength range, ends included."""
        return self.select((self.wavelength >= first) & (self.wavelength <= last))

    def sorted(self) -> Lines:
        """The same lines in ascending wavelength."""
        return self.select(np.argsort(self.wavelength, kind="stable"))


def merge(lists: Iterable[Lines]) -> list[Lines]:
    """One `Lines` a species, each in ascending wavelength."""
    by_species: dict[Species, list[Lines]] = {}
    for lines in lists:
        by_species.setdefault(lines.species, []).append(lines)
    return [
        Lines(species, *(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS)).sorted()
        for species, parts in sorted(by_species.items())
    ]


def read(path: Path | str) -> list[Lines]:
    """Read a list, checking that each block is whole. Columns beyond the levels are passed over.

    Raises UserError, naming the file and row, for a missing or truncated list or a line that is none.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such line list; `halochem synthesize --prepare` builds it")
    untrusted.check_size(path, SIZE_LIMIT)
    most = path.stat().st_size // SHORTEST_ROW
    with open(path, encoding="latin-1") as file:
        return list(_blocks(enumerate(_short_rows(file, path), 1), path, most))


def _short_rows(file: TextIO, path: Path) -> Iterator[str]:
    while row := file.readline(ROW_LIMIT):
        if len(row) == ROW_LIMIT:
            raise UserError(f"{path}: a row of {ROW_LIMIT} characters or more, expected a line list")
        yield row


def _blocks(rows: Iterator[tuple[int, str]], path: Path, most: int) -> Iterator[Lines]:
    for number, row in rows:
        if not row.strip():
            continue
        header = _HEADER.match(row)
        if header is None:
            raise UserError(
                f"{path}, row {number}: expected a species header like '  26.000  ' 1 500, got {row[:40]!r}"
            )
        # The count is a file's word: never more than what it has bytes for.
        count = int(header[3][:18])
        if count > most:
            raise UserError(f"{path}, row {number}: {header[3][:18]} lines announced, the file has bytes for {most}")
        try:
            species = from_turbospectrum(header[1], int(header[2]))
        except ValueError as error:
            raise UserError(f"{path}, row {number}: {error}") from None
        next(rows, None)  # the comment
        numbers, levels, stark = np.empty((count, 6)), np.empty(count, "U2"), np.zeros(count)
        for i in range(count):
            number, row = next(rows, (number, ""))
            numbers[i], levels[i], stark[i] = _line(row, number, path, f"{species.name} has {i} of its {count} lines")
        yield Lines(species, *numbers.T.copy(), levels, stark)


def _line(row: str, number: int, path: Path, so_far: str) -> tuple[list[float], str, float]:
    if not row or "'" not in row:
        raise UserError(
            f"{path}, row {number}: the list is truncated, {so_far}; delete it and run `halochem synthesize --prepare`"
        )
    words = row.split(None, 6)
    rest = words[6] if len(words) > 6 else ""
    quoted = re.findall(r"'\s*([A-Za-z0-9_])\s*'", rest)
    try:
        values = [float(word) for word in words[:6]]
        stark = 0.0 if rest.startswith("'") else float(rest.partition("'")[0])
    except ValueError:
        values = []
    if len(values) < 6 or len(quoted) < 2 or not all(abs(value) < LARGEST for value in (*values, stark)):
        raise UserError(f"{path}, row {number}: expected six numbers and two levels, got {row[:60].strip()!r}")
    return values, quoted[0] + quoted[1], stark


def write(lists: Iterable[Lines], path: Path | str, comment: str) -> dict[str, object]:
    """Write a list and return its summary: lines per species, range [Å], sha256. Empty species are left out."""
    summary: dict[str, object] = {"lines": {}, "first": np.inf, "last": 0.0}
    with atomic(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        for lines in lists:
            if not len(lines):
                continue
            file.write(header(lines, comment))
            file.writelines(rows(lines))
            summary["lines"][lines.species.name] = len(lines)  # type: ignore[index]
            summary["first"] = min(summary["first"], float(lines.wavelength[0]))  # type: ignore[type-var]
            summary["last"] = max(summary["last"], float(lines.wavelength[-1]))  # type: ignore[type-var]
    summary["sha256"] = sha256(path)
    return summary


def header(lines: Lines, comment: str) -> str:
    """The two rows that begin a species."""
    name = lines.species
    return f"{name.turbospectrum} {name.charge + 1:4d} {len(lines):9d}\n'{name.name}, {comment}'\n"


def rows(lines: Lines) -> Iterator[str]:
    """The rows of a species, one a line."""
    columns = [getattr(lines, name).tolist() for name in NUMBERS]
    # All rows of a species have the column, or none: Turbospectrum looks at the first. It reads none for molecules.
    if not lines.species.is_molecule and lines.stark.any():  # type: ignore[union-attr]
        for *values, levels, stark in zip(*columns, lines.levels.tolist(), lines.stark.tolist(), strict=True):
            yield _STARK_FORMAT % (*values, stark, levels[0], levels[1])
        return
    for *values, levels in zip(*columns, lines.levels.tolist(), strict=True):
        yield _FORMAT % (*values, levels[0], levels[1])


_STARK_FORMAT = "%10.3f %7.4f %8.3f %9.3f %6.1f %10.3E %8.3f '%s' '%s'\n"
_FORMAT = "%10.3f %7.4f %8.3f %9.3f %6.1f %10.3E '%s' '%s'\n"
