"""A line list as both builds read it: NAME.bsyn for the reference build, NAME.heads and NAME.lines for the native one.

Reading 2.2 million lines of text takes Turbospectrum a third of a cool star's time, so that the native build has them
in binary. The headers stay text, each with the first of its lines, from which the program tells what columns there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError
from halochem.files import atomic, sha256
from halochem.synthesize.lines import bsyn_list
from halochem.synthesize.lines.bsyn_list import Lines

# As line_record in fortran/lines.f90 has it.
RECORD = np.dtype(
    [
        ("wavelength", "<f8"),  # air, Å
        ("excitation", "<f4"),  # lower level, eV
        ("log_gf", "<f4"),
        ("damping", "<f4"),  # as in bsyn_list
        ("upper_weight", "<f4"),
        ("radiative", "<f4"),  # rad/s
        ("stark", "<f4"),  # 0: none known, as in bsyn_list
        ("lower_level", "S1"),
        ("upper_level", "S1"),
        ("padding", "S2"),
    ]
)
# Digits of the text form, so that both builds see the same numbers.
DIGITS = {"wavelength": 3, "excitation": 4, "log_gf": 3, "damping": 3, "upper_weight": 1}


def heads_of(text_list: Path) -> Path:
    """The headers that belong to a list."""
    return text_list.with_suffix(".heads")


def lines_of(text_list: Path) -> Path:
    """The binary lines that belong to a list."""
    return text_list.with_suffix(".lines")


def write(lists: Sequence[Lines], path: Path, comment: str) -> dict[str, object]:
    """Write a list for both builds; the summary of `bsyn_list.write` with the binary's hash added."""
    summary = bsyn_list.write(lists, path, comment)
    with (
        atomic(heads_of(path)) as head_path,
        atomic(lines_of(path)) as line_path,
        open(head_path, "w", encoding="ascii") as text,
        open(line_path, "wb") as binary,
    ):
        for lines in filter(len, lists):
            text.write(bsyn_list.header(lines, comment))
            text.write(next(bsyn_list.rows(lines)))
            binary.write(_records(lines).tobytes())
    return {**summary, "binary_sha256": sha256(lines_of(path))}


def check(path: Path, summary: dict[str, Any], remedy: str) -> None:
    """Raise UserError, which ends in `remedy`, unless both forms of a list are there and as their summary says."""
    for file, key in ((path, "sha256"), (lines_of(path), "binary_sha256")):
        if not file.is_file():
            raise UserError(f"{file}: missing; {remedy}")
        if sha256(file) != summary[key]:
            raise UserError(f"{file}: truncated or changed since it was prepared (SHA-256 differs); {remedy}")
    if not heads_of(path).is_file():
        raise UserError(f"{heads_of(path)}: missing; {remedy}")


def _records(lines: Lines) -> np.ndarray:
    records = np.zeros(len(lines), RECORD)
    for name in bsyn_list.NUMBERS:
        values = getattr(lines, name)
        records[name] = np.round(values, DIGITS[name]) if name in DIGITS else values
    records["stark"] = np.round(lines.stark, 3)
    levels = lines.levels.astype("S2")
    records["lower_level"], records["upper_level"] = levels.astype("S1"), levels.view("S1").reshape(-1, 2)[:, 1]
    return records
